"""Placement: where it needs no swap, and that every placement is one."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qupel.backends.catalogue.lattices import grid, heavy_hex
from qupel.backends.compiling.placement import compact, embedded, scattered
from qupel.backends.compiling.routing import Lattice, lattice_of
from qupel.backends.compiling.target import distances


def lattice(made: tuple[int, list[tuple[int, int]]]) -> Lattice:
    qubits, edges = made
    return lattice_of(edges, distances(qubits, edges))


HEX = lattice(heavy_hex(3, 9, 0, 2))


@pytest.mark.parametrize(
    ("pairs", "qubits", "onto"),
    [
        ([(k, k + 1) for k in range(9)], 10, HEX),
        ([(0, k) for k in range(1, 4)], 4, HEX),
        ([(0, 1), (1, 2), (2, 3), (0, 3)], 5, lattice(grid(3, 3))),
        ([], 3, HEX),
    ],
)
def test_pairs_that_fit_are_placed_on_coupled_qubits(
    pairs: list[tuple[int, int]], qubits: int, onto: Lattice
) -> None:
    places = embedded(pairs, qubits, onto)
    assert places is not None
    assert len(set(places)) == qubits
    assert all(onto.steps[places[a], places[b]] == 1 for a, b in pairs)


@pytest.mark.parametrize("pairs", [[(0, 1), (1, 2), (0, 2)], [(0, k) for k in range(1, 5)]])
def test_pairs_that_cannot_fit_are_told(pairs: list[tuple[int, int]]) -> None:
    assert embedded(pairs, 5, HEX) is None


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_starting_placements_give_every_qubit_a_place_of_its_own(seed: int, qubits: int) -> None:
    rng = np.random.default_rng(seed)
    pairs: Counter[tuple[int, ...]] = Counter(
        (k, k + 1) for k in range(qubits - 1) if rng.random() < 0.7
    )
    for start in (compact, scattered):
        places = start(pairs, qubits, HEX, rng)
        assert len(set(places)) == len(places) == qubits
        assert all(0 <= q < len(HEX.steps) for q in places)
