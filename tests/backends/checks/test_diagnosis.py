from __future__ import annotations

import numpy as np
import pytest

from qupel.backends.checks.diagnosis import ADVICE, Cause, diagnose, one_of, wilson
from qupel.backends.checks.direct import Direct
from qupel.backends.local import Local
from qupel.backends.machines import Noisy
from qupel.errors import InputError
from qupel.model import Circuit, Evidence
from tests.backends.profiles import CHIP

GHZ = Circuit(4).h(0).cx(0, 1).cx(1, 2).cx(2, 3)
BOTH = one_of((0, 0, 0, 0), (1, 1, 1, 1))
ZEROS = one_of((0, 0, 0, 0, 0))


def mirror(layers: int, qubits: int = 5) -> Circuit:
    rng = np.random.default_rng(0)
    there = Circuit(qubits)
    for _ in range(layers):
        for qubit in range(qubits):
            there = there.rx(float(rng.uniform(0, 6)), qubit)
        for qubit in range(qubits - 1):
            there = there.cz(qubit, qubit + 1)
    return there.compose(there.inverse())


def far(layers: int) -> Circuit:
    """Gates between the ends of a line, which a device with couplings of neighbours must route."""
    rng = np.random.default_rng(1)
    there = Circuit(5)
    for _ in range(layers):
        for a, b in ((0, 4), (1, 3), (0, 2), (4, 2), (1, 4), (0, 3)):
            there = there.rx(float(rng.uniform(0, 6)), a).cz(a, b)
    return there.compose(there.inverse())


def test_a_wrong_ansatz_fails_in_all_arms_and_is_the_algorithms_fault() -> None:
    wrong = Circuit(4).h(0).cx(0, 1).cx(1, 2).cx(3, 2)
    found = diagnose(wrong, BOTH, 0.8, CHIP)
    assert [arm.passed for arm in found.arms] == [False, False, False]
    assert found.cause is Cause.ALGORITHM


def test_a_deep_circuit_fails_with_noise_alone_and_is_the_devices_fault() -> None:
    found = diagnose(mirror(12), ZEROS, 0.8, CHIP)
    assert [arm.passed for arm in found.arms] == [True, False, False]
    assert found.cause is Cause.DEVICE


def test_a_circuit_that_does_not_fit_the_couplings_fails_once_compiled() -> None:
    found = diagnose(far(3), ZEROS, 0.7, CHIP, shots=8000)
    assert [arm.passed for arm in found.arms] == [True, True, False]
    assert found.cause is Cause.COMPILING


def test_a_shallow_circuit_passes_everywhere() -> None:
    found = diagnose(GHZ, BOTH, 0.8, CHIP)
    assert found.cause is Cause.NONE
    assert [arm.evidence for arm in found.arms] == [
        Evidence.NOISELESS,
        Evidence.NOISY,
        Evidence.NOISY,
    ]


def test_a_circuit_that_passes_once_compiled_is_not_the_devices_fault() -> None:
    wordy = Circuit(4).h(0).cx(0, 1).cx(1, 2).cx(2, 3)
    for _ in range(300):
        wordy = wordy.cx(0, 1).cx(0, 1)
    found = diagnose(wordy, BOTH, 0.8, CHIP)
    assert [arm.passed for arm in found.arms] == [True, False, True]
    assert found.cause is Cause.WRITTEN
    assert "compiled, as it would be run, it passes" in found.advice


def test_few_shots_leave_the_cause_unclear() -> None:
    found = diagnose(GHZ, BOTH, 0.9, CHIP, shots=20)
    assert found.cause is Cause.UNCLEAR
    assert "take more" in found.advice


def test_an_emulated_device_can_stand_in_the_third_arm() -> None:
    device = Local("device", Noisy.of(CHIP, scale=10))
    found = diagnose(GHZ, BOTH, 0.8, CHIP, device=(device, Direct(device)))
    assert [arm.passed for arm in found.arms] == [True, True, False]


def test_every_cause_has_advice() -> None:
    assert set(ADVICE) == set(Cause)


def test_the_interval_holds_the_share() -> None:
    rng = np.random.default_rng(0)
    held = [
        low <= 0.9 <= high for _, low, high in (wilson(h, 50) for h in rng.binomial(50, 0.9, 2000))
    ]
    assert np.mean(held) > 0.97


def test_right_must_say_something_of_every_row() -> None:
    with pytest.raises(InputError, match="True or False of each"):
        diagnose(GHZ, lambda rows: rows[:1, 0], 0.8, CHIP)
