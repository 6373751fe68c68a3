"""Gates under control against the definition of control."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from qupel.model import Circuit, Gate
from qupel.model.control import PHASE, controlled, phase_of_all
from qupel.model.gates import GATES
from tests.oracles import circuits as oracle

ANGLES = (0.37, -1.21, 2.63)


@pytest.mark.parametrize("controls", [1, 2, 3])
@pytest.mark.parametrize("name", GATES)
def test_a_controlled_gate_acts_where_all_controls_are_one(name: str, controls: int) -> None:
    size, angles = GATES[name].qubits, ANGLES[: GATES[name].angles]
    n = size + controls
    # Controls on both sides of the gate's own qubits, in no order.
    places = np.random.default_rng(controls).permutation(n).tolist()
    own, held = tuple(places[:size]), tuple(places[size:])
    found = Circuit(n, controlled(Gate(name, own, angles), held))
    expected = oracle.controlled(n, held, oracle.embedded(n, oracle.gate_matrix(name, angles), own))
    np.testing.assert_allclose(oracle.unitary(found), expected, atol=1e-10)


def test_a_global_phase_under_control_is_a_phase_of_the_control() -> None:
    assert controlled(Gate(PHASE, (), (0.5,)), (3,)) == [Gate("p", (3,), (0.5,))]


@pytest.mark.parametrize("qubits", [1, 2, 3, 4, 5, 6, 7])
def test_a_phase_of_all_touches_one_state(qubits: int) -> None:
    gates = phase_of_all(0.7, tuple(range(qubits)))
    diagonal = np.ones(2**qubits, complex)
    diagonal[-1] = np.exp(0.7j)
    np.testing.assert_allclose(
        oracle.unitary(Circuit(qubits, gates)), np.diag(diagonal), atol=1e-10
    )


def test_many_controls_cost_twice_as_much_each() -> None:
    sizes = [len(phase_of_all(math.pi, tuple(range(n)))) for n in (8, 9, 10, 11)]
    assert all(b < 2.1 * a for a, b in pairwise(sizes))
