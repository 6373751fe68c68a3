from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qupel.backends.catalogue.figures import Coherence, Fidelities, GateTimes
from qupel.backends.noise import (
    average_fidelity,
    depolarising_probability,
    idled,
    left_over,
    noise_model,
    relaxation,
    state_fidelity,
)
from qupel.errors import InputError
from qupel.model import Circuit
from qupel.model.gate import Angle, Gate
from qupel.model.gates import matrix
from qupel.simulators import DensityMatrix, NoiseModel, Trajectories
from qupel.simulators.noise import depolarising
from tests.backends.profiles import CHIP

LADDER = Circuit(4).h(0).cx(0, 1).rx(0.3, 1).cx(1, 2).ry(0.7, 2).cx(2, 3).rzz(0.4, 0, 3)


def dense_reference(circuit: Circuit, noise: NoiseModel) -> np.ndarray:
    """Density matrix by Kronecker products of whole matrices, written from the definition."""
    size = 1 << circuit.qubits
    rho = np.zeros((size, size), complex)
    rho[0, 0] = 1
    for gate in circuit.gates:
        whole = embedded(
            matrix(gate.name, [float(a) for a in gate.angles if not isinstance(a, Angle)]),
            gate.qubits,
            circuit.qubits,
        )
        rho = whole @ rho @ whole.conj().T
        for channel, on in noise.after(gate):
            parts = [embedded(k, on, circuit.qubits) for k in channel.kraus]
            rho = sum(k @ rho @ k.conj().T for k in parts)
    return rho


def embedded(small: np.ndarray, on: tuple[int, ...], qubits: int) -> np.ndarray:
    size = 1 << qubits
    out = np.zeros((size, size), complex)
    rest = [q for q in range(qubits) if q not in on]
    for row in range(size):
        for column in range(size):
            if all((row >> q & 1) == (column >> q & 1) for q in rest):
                r = sum((row >> q & 1) << k for k, q in enumerate(on))
                c = sum((column >> q & 1) << k for k, q in enumerate(on))
                out[row, column] = small[r, c]
    return out


def test_the_density_matrix_is_that_of_the_definition() -> None:
    noise = noise_model(CHIP, scale=3.0)
    expected = dense_reference(LADDER, noise)
    np.testing.assert_allclose(DensityMatrix(noise).run(LADDER), expected, atol=1e-12)


def test_fidelity_falls_monotonically_with_the_error_rate() -> None:
    scales = [0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0]
    found = [state_fidelity(LADDER, noise_model(CHIP, scale=scale)) for scale in scales]
    assert found[0] == pytest.approx(1.0)
    assert all(late < early for early, late in pairwise(found))


@given(st.floats(0.9, 1.0), st.sampled_from([1, 2]))
def test_depolarising_of_a_fidelity_has_that_fidelity(fidelity: float, qubits: int) -> None:
    channel = depolarising(depolarising_probability(fidelity, qubits), qubits)
    assert average_fidelity(channel) == pytest.approx(fidelity, abs=1e-12)


@given(st.floats(1e-9, 2e-6))
def test_relaxation_and_what_is_left_over_give_the_published_fidelity(seconds: float) -> None:
    relaxed = relaxation(Coherence(100e-6, 80e-6), seconds)
    assert relaxed is not None
    published = 0.95
    channel = relaxed.then(depolarising(left_over(published, 1, relaxed), 1))
    assert average_fidelity(channel) == pytest.approx(published, abs=1e-9)


def test_a_fidelity_that_relaxation_alone_undercuts_gets_no_depolarisation() -> None:
    assert left_over(0.9999, 1, relaxation(Coherence(1.0, 1.0), 0.5)) == 0.0


@pytest.mark.parametrize("fidelity", [0.2, 1.001])
def test_an_impossible_fidelity_is_refused(fidelity: float) -> None:
    with pytest.raises(InputError, match="lies between 1/4 and 1"):
        depolarising_probability(fidelity, 2)


def test_virtual_gates_are_free_of_noise() -> None:
    noise = noise_model(CHIP)
    assert noise.after(Gate("rz", (0,), (0.3,))) == []
    assert noise.after(Gate("rx", (0,), (0.3,)))


def test_trajectories_agree_with_the_density_matrix() -> None:
    noise = noise_model(CHIP, scale=5.0)
    exact = DensityMatrix(noise).probabilities(LADDER)
    counts = Trajectories(noise).sample(LADDER, 4000, np.random.default_rng(0))
    found = np.zeros(16)
    found[counts.outcomes] = counts.occurrences / counts.shots
    assert np.abs(found - exact).max() < 5 * np.sqrt(0.25 / 4000)


def test_a_bit_is_misread_as_often_as_the_profile_says() -> None:
    errors = Fidelities(1.0, 1.0, false_one=0.02, false_zero=0.05, preparation=0.99)
    noise = noise_model(replace(CHIP, fidelities=errors, coherence=None))
    chances = [DensityMatrix(noise).probabilities(c)[1] for c in (Circuit(1), Circuit(1).x(0))]
    assert chances == pytest.approx([0.03, 0.94])


def test_qubits_wait_while_others_work() -> None:
    times = GateTimes(one_qubit=0.0, two_qubit=1.0, readout=0.0, reset=0.0)
    circuit = idled(Circuit(3).x(2).cx(0, 1).cx(0, 1).cx(1, 2), times)
    names = [(gate.name, gate.qubits) for gate in circuit.gates]
    assert names.count(("id", (2,))) == 2  # two gates go by before qubit 2 is used again
    assert names.count(("id", (0,))) == 1  # it waits for the last gate


def test_gates_that_cannot_run_at_once_make_each_other_wait() -> None:
    both = Circuit(4).cx(0, 1).cx(2, 3).cx(0, 1).cx(2, 3)
    times = GateTimes(one_qubit=0.0, two_qubit=1.0, readout=0.0, reset=0.0)
    assert idled(both, times).counts() == {"cx": 4}
    assert idled(both, replace(times, parallel=1)).counts()["id"] > 0


def test_a_device_without_gates_has_no_noise_model() -> None:
    annealer = replace(CHIP, fidelities=None, availability=type(CHIP.availability)("experimental"))
    with pytest.raises(InputError, match="has no gate fidelities"):
        noise_model(annealer)
