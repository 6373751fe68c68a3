from __future__ import annotations

from itertools import pairwise
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.model import Circuit, Quota
from qupel.model.bits import bits_of
from qupel.model.quota import keep_quotas
from qupel.simulators import Qaoa, StateVector
from qupel.solvers.quantum.qaoa_circuit import dicke, qaoa_circuit
from tests.solvers.quantum.test_qaoa import spin_glass

GAMMAS, BETAS = [0.3, 0.1], [-0.4, -0.2]


def test_the_circuit_is_the_simulated_qaoa() -> None:
    form = spin_glass(6, 3)
    found = StateVector().probabilities(qaoa_circuit(form, GAMMAS, BETAS))
    expected = Qaoa(form, precision="double").probabilities(GAMMAS, BETAS)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("mixer", ["xy-ring", "xy-complete"])
@pytest.mark.parametrize(
    "quotas",
    [
        (Quota((0, 1, 2, 3), 1),),
        (Quota((1, 3, 5, 6, 7), 3),),
        (Quota((0, 2), 1), Quota((1, 4, 7), 2), Quota((3, 5), 0)),
        (Quota(tuple(range(8)), 4),),
    ],
)
def test_the_circuit_of_quotas_is_the_simulated_one(mixer: Any, quotas: tuple[Quota, ...]) -> None:
    form = spin_glass(8, 1, quotas)
    simulated = Qaoa(form, precision="double", mixer=mixer)
    expected = np.zeros(256)
    rows = simulated.subspace.bits(np.arange(simulated.subspace.size))
    expected[rows.astype(np.int64) @ (1 << np.arange(8))] = simulated.probabilities(GAMMAS, BETAS)
    found = StateVector().probabilities(qaoa_circuit(form, GAMMAS, BETAS, mixer))
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_without_noise_no_outcome_breaks_a_quota() -> None:
    quotas = (Quota((0, 1, 2, 3), 2), Quota((4, 5), 1))
    circuit = qaoa_circuit(spin_glass(7, 2, quotas), GAMMAS, BETAS, "xy-ring")
    chances = StateVector().probabilities(circuit)
    kept = keep_quotas(bits_of(np.arange(128), 7), quotas)
    assert chances[~kept].max() < 1e-20


@given(st.integers(1, 7), st.data())
def test_a_dicke_state_has_equal_amplitudes_of_so_many_ones(qubits: int, data: Any) -> None:
    ones = data.draw(st.integers(0, qubits))
    circuit = Circuit(qubits, dicke(range(qubits), ones))
    state = StateVector().run(circuit)
    right = np.bitwise_count(np.arange(1 << qubits)) == ones
    np.testing.assert_allclose(state[right], 1 / np.sqrt(comb(qubits, ones)), atol=1e-12)
    assert np.abs(state[~right]).max(initial=0) < 1e-12


def test_the_preparation_grows_with_members_times_ones() -> None:
    sizes = [Circuit(n, dicke(range(n), 3)).two_qubit_gates() for n in (10, 20, 40)]
    assert all(later < 2.5 * early for early, later in pairwise(sizes))
    assert sizes[-1] <= 6 * 40 * 3


def test_more_ones_than_qubits_are_refused() -> None:
    with pytest.raises(InputError, match="3 qubits cannot hold 4 ones"):
        list(dicke(range(3), 4))
