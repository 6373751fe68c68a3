from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.model import Gate
from qupel.simulators import Channel, NoiseModel, Readout, Rule, noise
from tests.oracles import circuits as oracle

SHARES = st.floats(0, 1)
PLUS = np.full((2, 2), 0.5)


def through(channel: Channel, rho: np.ndarray) -> np.ndarray:
    return oracle.channel(rho.astype(np.complex128), channel.kraus, range(channel.qubits))


def mixed(seed: int, side: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(side, side)) + 1j * rng.normal(size=(side, side))
    rho = root @ root.conj().T
    return rho / np.trace(rho)


@given(SHARES)
def test_depolarising_mixes_with_the_even_state(p: float) -> None:
    for qubits in (1, 2):
        rho, side = mixed(1, 2**qubits), 2**qubits
        expected = (1 - p) * rho + p * np.eye(side) / side
        np.testing.assert_allclose(
            through(noise.depolarising(p, qubits), rho), expected, atol=1e-12
        )


@pytest.mark.parametrize(
    ("channel", "pauli"),
    [(noise.bit_flip, "X"), (noise.phase_flip, "Z"), (noise.bit_phase_flip, "Y")],
)
def test_flips_apply_their_pauli(channel: object, pauli: str) -> None:
    rho, p = mixed(2, 2), 0.3
    flipped = oracle.PAULIS[pauli] @ rho @ oracle.PAULIS[pauli]
    found = through(channel(p), rho)  # type: ignore[operator]
    np.testing.assert_allclose(found, (1 - p) * rho + p * flipped, atol=1e-14)


def test_a_pauli_channel_reads_its_names_as_sums_do() -> None:
    rho = mixed(3, 4)
    zx = np.kron(oracle.Z, oracle.X)  # X on the first qubit
    found = through(noise.pauli({"ZX": 0.2}), rho)
    np.testing.assert_allclose(found, 0.8 * rho + 0.2 * zx @ rho @ zx, atol=1e-14)


@given(SHARES)
def test_amplitude_damping_lets_one_decay(gamma: float) -> None:
    found = through(noise.amplitude_damping(gamma), np.diag([0.25, 0.75]))
    np.testing.assert_allclose(found.diagonal(), [1 - 0.75 * (1 - gamma), 0.75 * (1 - gamma)])
    off = through(noise.amplitude_damping(gamma), PLUS)[0, 1]
    assert off == pytest.approx(0.5 * math.sqrt(1 - gamma))


@given(SHARES, SHARES)
def test_generalised_damping_ends_at_its_equilibrium(gamma: float, excited: float) -> None:
    found = through(noise.generalised_amplitude_damping(gamma, excited), np.diag([1.0, 0.0]))
    assert found[1, 1].real == pytest.approx(gamma * excited, abs=1e-14)


@given(SHARES)
def test_phase_damping_keeps_populations(strength: float) -> None:
    found = through(noise.phase_damping(strength), PLUS)
    expected = np.array([[0.5, 0.5 * math.sqrt(1 - strength)]] * 2)
    np.testing.assert_allclose(found, np.array([expected[0], expected[0][::-1]]), atol=1e-14)


@given(st.floats(0.1, 10), st.floats(0.05, 1), st.floats(0, 5), SHARES)
def test_relaxation_shrinks_by_both_times(
    t1: float, share: float, time: float, excited: float
) -> None:
    t2 = 2 * t1 * share
    found = through(noise.thermal_relaxation(t1, t2, time, excited), np.array([[0, 0], [0, 1]]))
    assert found[1, 1].real == pytest.approx(
        excited + (1 - excited) * math.exp(-time / t1), abs=1e-9
    )
    off = through(noise.thermal_relaxation(t1, t2, time, excited), PLUS)[0, 1]
    assert off == pytest.approx(0.5 * math.exp(-time / t2), abs=1e-9)


def test_relaxation_takes_no_more_matrices_than_it_needs() -> None:
    assert len(noise.thermal_relaxation(50, 70, 1).kraus) == 3
    assert len(noise.thermal_relaxation(math.inf, 70, 1).kraus) == 2


def test_over_rotation_turns_about_its_axis() -> None:
    [k] = noise.over_rotation("ZX", 0.3).kraus
    expected = oracle.exponential(np.kron(oracle.Z, oracle.X), -0.15)
    np.testing.assert_allclose(k, expected, atol=1e-14)


@given(st.integers(0, 2**32 - 1))
def test_following_channels_multiply(seed: int) -> None:
    first, second = noise.amplitude_damping(0.3), noise.depolarising(0.2)
    rho = mixed(seed, 2)
    expected = through(second, through(first, rho))
    np.testing.assert_allclose(through(first.then(second), rho), expected, atol=1e-12)


def test_superoperators_act_on_columns_and_rows() -> None:
    channel, rho = noise.generalised_amplitude_damping(0.3, 0.2), mixed(4, 2)
    found = (channel.superoperator() @ rho.reshape(-1)).reshape(2, 2)
    np.testing.assert_allclose(found, through(channel, rho), atol=1e-14)


def test_mixtures_of_unitaries_are_certain() -> None:
    np.testing.assert_allclose(sorted(noise.depolarising(0.4).certain()), [0.1, 0.1, 0.1, 0.7])


def test_a_decay_is_certain_only_in_part() -> None:
    np.testing.assert_allclose(noise.amplitude_damping(0.4).certain(), [0.6, 0.0], atol=1e-15)


def test_a_channel_that_loses_trace_is_refused() -> None:
    with pytest.raises(InputError, match=r"does not preserve the trace.*off by 0.75"):
        Channel("half", (np.eye(2) / 2,))


@pytest.mark.parametrize(
    "make",
    [
        lambda: noise.depolarising(1.5),
        lambda: noise.depolarising(0.1, 3),
        lambda: noise.pauli({"X": 0.7, "Y": 0.7}),
        lambda: noise.pauli({"A": 0.1}),
        lambda: noise.pauli({}),
        lambda: noise.thermal_relaxation(1, 3, 1),
        lambda: noise.thermal_relaxation(-1, 3, 1),
        lambda: noise.over_rotation("XYZ", 1),
        lambda: noise.over_rotation("X", math.nan),
        lambda: Readout(0.1, -0.1),
        lambda: Channel("odd", (np.eye(3),)),
        lambda: Channel("unknown", (np.full((2, 2), math.nan),)),
        lambda: NoiseModel.of(after={"CX": noise.bit_flip(0.1)}),
        lambda: NoiseModel.of(after={"h": noise.depolarising(0.1, 2)}),
        lambda: noise.bit_flip(0.1).then(noise.depolarising(0.1, 2)),
    ],
)
def test_what_cannot_be_is_refused(make: object) -> None:
    with pytest.raises(InputError):
        make()  # type: ignore[operator]


def test_rules_follow_gates_by_name_and_qubits() -> None:
    one, two = noise.bit_flip(0.1), noise.depolarising(0.1, 2)
    model = NoiseModel(
        (
            Rule(one, qubits=frozenset({1})),
            Rule(two, gates=frozenset({"cx"}), qubits=frozenset({0, 1})),
        )
    )
    assert model.after(Gate("cx", (1, 0))) == [(one, (1,)), (two, (1, 0))]
    assert model.after(Gate("cz", (1, 0))) == [(one, (1,))]
    assert model.after(Gate("cx", (2, 0))) == []


def test_a_star_stands_for_every_gate() -> None:
    one = noise.bit_flip(0.1)
    model = NoiseModel.of(after={"*": one})
    assert model.after(Gate("ccx", (0, 1, 2))) == [(one, (0,)), (one, (1,)), (one, (2,))]


def test_confusion_mixes_the_readings_of_its_qubit() -> None:
    model = NoiseModel(readout={3: Readout(0.1, 0.2)})
    found = model.confused(np.array([1.0, 0.0, 0.0, 0.0]), (5, 3))
    np.testing.assert_allclose(found, [0.9, 0, 0.1, 0])
    found = model.confused(np.array([0.0, 0.0, 0.0, 1.0]), (3, 5))
    np.testing.assert_allclose(found, [0, 0, 0.2, 0.8])
