"""Against Amazon's own libraries; ``make vendors`` runs these where they are installed."""

from __future__ import annotations

import numpy as np
import pytest

from qupel.backends.adapters import braket
from qupel.backends.adapters.braket import Braket
from qupel.backends.clock import ManualClock
from qupel.backends.contract import Order
from qupel.model.circuit import Circuit
from qupel.model.gate import Gate
from qupel.model.gates import GATES
from qupel.simulators.statevector import StateVector
from qupel.testing import check_backend
from tests.backends.adapters.vendors import needs

pytestmark = [needs("braket"), pytest.mark.filterwarnings("ignore")]


def test_the_local_simulator_keeps_the_contract() -> None:
    check_backend(braket.open("local"), clock=ManualClock(), shots=50)


@pytest.fixture(scope="module")
def simulator() -> Braket:
    return braket.open("local")


@pytest.mark.parametrize("name", sorted(GATES))
def test_every_gate_means_the_same_at_braket(name: str, simulator: Braket) -> None:
    kind = GATES[name]
    angles = (0.7, -1.1, 0.4)[: kind.angles]
    start = Circuit(3).h(0).rx(0.4, 1).t(1).h(1).ry(1.1, 2).s(2).cx(2, 0)
    circuit = start.then(Gate(name, (2, 0, 1)[: kind.qubits], angles)).h(0).rx(0.3, 1).h(2)
    shots = 5_000
    order = Order((circuit,), shots, f"key-{name}", "tag")
    reading = simulator.result(simulator.submit(order), order).readings[0]
    found = np.zeros(8)
    found[reading.bits @ (1 << np.arange(3))] = reading.occurrences / shots
    expected = StateVector(threads=1).probabilities(circuit)
    # Six standard deviations of the largest share's sampling error.
    np.testing.assert_allclose(found, expected, atol=6 * 0.5 / shots**0.5)
