"""Placement: distances, swaps and embeddings."""

from __future__ import annotations

import pytest

from qupel.backends.advice.placement import embedding, mean_distance, swaps
from qupel.backends.catalogue.lattices import Connectivity, Lattice
from qupel.backends.catalogue.listing import profile_named
from tests.backends.profiles import CHIP


def test_the_mean_distance_on_a_line_is_a_third_of_its_length() -> None:
    """Of n qubits in a row (n + 1) / 3, over all pairs."""
    line = Connectivity(Lattice.LINE, (8,))
    assert mean_distance(line, 8, 8) == pytest.approx(3.0)


def test_fewer_qubits_are_taken_near_a_centre() -> None:
    assert mean_distance(Connectivity(Lattice.GRID, (9, 9)), 81, 5) == pytest.approx(1.6)


def test_all_to_all_is_one_step() -> None:
    assert mean_distance(Connectivity(Lattice.ALL), 50, 50) == 1.0


def test_swaps_follow_the_documented_form() -> None:
    # 1 - 7/28 of 100 gates are between qubits 3 steps apart; six tenths of 2 swaps each
    assert swaps(CHIP, 8, 28, 100, commuting=False) == 90


def test_gates_in_any_order_need_no_more_than_a_network_of_swaps() -> None:
    assert swaps(CHIP, 8, 28, 28, commuting=True) == 26
    assert swaps(CHIP, 8, 28, 280, commuting=True) == 252


def test_two_qubits_need_no_swaps() -> None:
    assert swaps(CHIP, 2, 1, 50, commuting=False) == 0


@pytest.mark.parametrize(
    ("device", "variables", "chain"),
    [("dwave-advantage", 180, 17), ("dwave-advantage", 100, 11), ("dwave-advantage2", 100, 8)],
)
def test_complete_graphs_have_chains_of_the_published_length(
    device: str, variables: int, chain: int
) -> None:
    found = embedding(profile_named(device), variables, variables * (variables - 1) // 2)
    assert (found.chain, found.most) == (chain, chain * variables)
    assert found.least <= variables * chain


def test_variables_without_couplings_take_a_qubit_each() -> None:
    found = embedding(profile_named("dwave-advantage2"), 100, 0)
    assert (found.least, found.most) == (100, 100)


def test_more_variables_than_the_largest_complete_graph_have_a_lower_bound_only() -> None:
    found = embedding(profile_named("dwave-advantage"), 1000, 4000)
    assert (found.least, found.most, found.largest) == (1000, None, 182)


def test_a_simulated_annealer_takes_a_variable_a_spin() -> None:
    assert embedding(profile_named("local-annealer"), 50, 1000).most == 50
