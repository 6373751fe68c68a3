"""Needs: what programs ask, by counting."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qupel.backends.advice.need import Need, degeneracy, least_core
from qupel.backends.contract import Kind
from qupel.errors import InputError
from qupel.model.circuit import Circuit
from qupel.model.gate import Gate
from qupel.model.gates import GATES
from qupel.model.ising import Ising
from qupel.model.qubo import Qubo

GHZ = Circuit(4).h(0).cx(0, 1).cx(1, 2).cx(2, 3)


def test_a_circuit_is_counted_as_it_stands() -> None:
    need = Need.of_circuit(GHZ, shots=50)
    assert (need.qubits, need.depth, need.two_qubit_gates, need.one_qubit_gates) == (4, 4, 3, 1)
    assert (need.two_qubit_depth, need.pairs, need.core, need.measured) == (3, 3, 1, 4)
    assert (need.shots, need.kind) == (50, Kind.CIRCUIT)


def test_only_measured_qubits_are_read() -> None:
    assert Need.of_circuit(GHZ.measure(0, 2)).measured == 2


def test_a_swap_counts_three_and_a_toffoli_six() -> None:
    need = Need.of_circuit(Circuit(3).swap(0, 1).ccx(0, 1, 2))
    assert (need.two_qubit_gates, need.one_qubit_gates) == (9, 9)


def test_turns_by_an_angle_are_counted_apart() -> None:
    need = Need.of_circuit(Circuit(2).cx(0, 1).rzz(0.3, 0, 1))
    assert (need.two_qubit_gates, need.rotations, need.commuting) == (2, 1, False)


def test_diagonal_gates_may_come_in_any_order() -> None:
    assert Need.of_circuit(Circuit(3).rzz(0.3, 0, 1).cz(1, 2)).commuting


def test_a_form_asks_for_one_turn_a_coupling_and_layer() -> None:
    ring = Ising(np.zeros(4), np.triu(np.ones((4, 4)), 1) * [[0, 1, 0, 1]] * 4)
    couplings = np.zeros((4, 4))
    for a, b in ((0, 1), (1, 2), (2, 3), (0, 3)):
        couplings[a, b] = 1.0
    ring = Ising(np.zeros(4), couplings)
    need = Need.of_form(ring, layers=2)
    assert (need.kind, need.qubits, need.pairs, need.core) == (Kind.ANNEALING, 4, 4, 2)
    assert (need.two_qubit_gates, need.rotations, need.two_qubit_depth) == (8, 8, 6)


def test_a_qubo_asks_what_its_ising_form_asks() -> None:
    weights = np.array([[1.0, 2.0, 0.0], [0.0, 0.0, 3.0], [0.0, 0.0, -1.0]])
    need = Need.of_form(Qubo(weights))
    assert (need.qubits, need.pairs) == (3, 2)


def test_couplings_of_weight_zero_are_none() -> None:
    assert Need.of_form(Ising([0.0, 1.0], [[0.0, 0.0], [0.0, 0.0]])).pairs == 0


def test_numbers_left_out_are_filled_as_documented() -> None:
    need = Need(10, depth=30, two_qubit_gates=20).filled()
    assert (need.one_qubit_gates, need.two_qubit_depth, need.pairs) == (40, 20, 20)
    assert (need.core, need.measured) == (3, 10)


def test_density_is_the_share_of_pairs_that_interact() -> None:
    assert Need(5, depth=4, two_qubit_gates=5).density == 0.5


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: Need(0), r"qubits must be a whole number from 1 to 10\^12, got 0"),
        (lambda: Need(3, shots=0), "shots"),
        (lambda: Need(3, depth=True), "depth"),
        (lambda: Need(1, depth=5, two_qubit_gates=1), "need two qubits"),
        (lambda: Need(4, depth=5, two_qubit_gates=11), "raise the depth to 6"),
        (lambda: Need(4, depth=5, two_qubit_gates=1, rotations=2), "rotations"),
        (lambda: Need(4, deadline=0.0), "deadline"),
        (lambda: Need.of_couplings(3, 4), "at most 3 couplings"),
        (lambda: Need.of_couplings(3, 3, layers=0), "layers"),
    ],
)
def test_what_no_program_asks_is_refused_with_a_remedy(made: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        made()  # type: ignore[operator]


@given(st.integers(1, 7), st.data())
def test_degeneracy_is_the_largest_smallest_degree_of_any_part(
    nodes: int, data: st.DataObject
) -> None:
    every = list(itertools.combinations(range(nodes), 2))
    pairs = [pair for pair in every if data.draw(st.booleans())]

    def least_degree(part: tuple[int, ...]) -> int:
        near = dict.fromkeys(part, 0)
        for a, b in pairs:
            if a in near and b in near:
                near[a] += 1
                near[b] += 1
        return min(near.values())

    parts = (p for k in range(1, nodes + 1) for p in itertools.combinations(range(nodes), k))
    assert degeneracy(nodes, pairs) == max(map(least_degree, parts))


@given(st.integers(3, 6), st.data())
def test_any_circuit_is_a_need_whose_gates_fit_its_depth(qubits: int, data: st.DataObject) -> None:
    """The constructor refuses gates that do not fit; nothing counted from a circuit is refused."""
    circuit = Circuit(qubits)
    for name in data.draw(st.lists(st.sampled_from(sorted(GATES)), max_size=12)):
        on = data.draw(st.permutations(range(qubits)))[: GATES[name].qubits]
        circuit = circuit.then(Gate(name, tuple(on), (0.3,) * GATES[name].angles))
    need = Need.of_circuit(circuit).filled()
    assert need.two_qubit_gates >= circuit.two_qubit_gates()
    assert need.depth >= circuit.depth()
    assert (need.two_qubit_depth or 0) <= need.depth


@given(st.integers(1, 9), st.data())
def test_couplings_alone_bound_the_degeneracy_of_any_graph_from_below(
    nodes: int, data: st.DataObject
) -> None:
    every = list(itertools.combinations(range(nodes), 2))
    pairs = data.draw(st.sets(st.sampled_from(every)) if every else st.just(set()))
    assert least_core(nodes, len(pairs)) <= degeneracy(nodes, pairs)


@given(st.integers(1, 12), st.integers(0, 11))
def test_the_bound_is_reached_by_the_graphs_with_the_most_couplings(nodes: int, core: int) -> None:
    """Each node is coupled to so many of those before it, to all where these are fewer."""
    pairs = [(a, b) for b in range(nodes) for a in range(max(0, b - core), b)]
    assert least_core(nodes, len(pairs)) == degeneracy(nodes, pairs)
