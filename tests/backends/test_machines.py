from __future__ import annotations

import numpy as np
import pytest

from qupel.backends.machines import Annealer, Ideal, Noisy, on_used_qubits
from qupel.errors import InputError
from qupel.model import Circuit
from qupel.simulators import StateVector
from tests.backends.profiles import CHIP


def test_qubits_that_nothing_touches_are_left_out() -> None:
    circuit = Circuit(9).h(2).cx(2, 7).x(5).measure(7, 5)
    small = on_used_qubits(circuit)
    assert small.qubits == 3
    np.testing.assert_allclose(
        StateVector().probabilities(small), StateVector().probabilities(circuit)
    )


def test_a_measured_qubit_is_kept_though_no_gate_acts_on_it() -> None:
    assert on_used_qubits(Circuit(5).x(1).measure(1, 4)).qubits == 2


def test_a_circuit_without_measurement_keeps_all_qubits() -> None:
    assert on_used_qubits(Circuit(4).x(1)).measured == (0, 1, 2, 3)


def test_too_many_noisy_qubits_are_refused() -> None:
    with pytest.raises(InputError, match="uses 25 qubits, and 24 noisy"):
        Noisy.of(CHIP).read(Circuit(25), 10, np.random.default_rng(0))


def test_seconds_grow_with_work() -> None:
    wide, small = Circuit(20).h(0), Circuit(4).h(0)
    for machine in (Ideal(), Noisy.of(CHIP)):
        assert machine.seconds(wide, 100) > machine.seconds(small, 100) > 0
    assert Annealer().kind != Ideal().kind
