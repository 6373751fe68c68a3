"""State vectors and expectations beside Qiskit Aer, on the same circuits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.model import Circuit, PauliSum
from qupel.model.formats import read_qasm
from qupel.model.to_qiskit import from_qiskit, to_qiskit
from qupel.simulators import StateVector
from tests.model.circuits import random_circuit
from tests.oracles import circuits as oracle

qiskit = pytest.importorskip("qiskit")
aer = pytest.importorskip("qiskit_aer")
library = pytest.importorskip("qiskit.circuit.library")
qasm3 = pytest.importorskip("qiskit.qasm3")
FEW = settings(max_examples=15, deadline=None)
SEEDS = st.integers(0, 2**32 - 1)


def aer_run(circuit: Any, save: Any) -> Any:
    """What Aer saves at the end; level 0 rewrites nothing but gates that Aer lacks."""
    held = circuit.copy()
    save(held)
    simulator = aer.AerSimulator(method="statevector", max_parallel_threads=1)
    held = qiskit.transpile(held, simulator, optimization_level=0)
    return simulator.run(held).result()


@FEW
@given(SEEDS)
def test_the_state_is_aers(seed: int) -> None:
    circuit = random_circuit(seed, qubits=6, gates=40)
    theirs = aer_run(to_qiskit(circuit), lambda c: c.save_statevector()).get_statevector()
    assert oracle.same_up_to_phase(np.asarray(theirs), StateVector().run(circuit))


@FEW
@given(SEEDS)
def test_expectations_are_aers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    circuit = random_circuit(seed, qubits=5, gates=30)
    names = ["".join(rng.choice(list("IXYZ"), 5)) for _ in range(8)]
    observable = PauliSum.of([(name, float(rng.normal())) for name in names])
    operator = to_qiskit(observable)
    result = aer_run(
        to_qiskit(circuit), lambda c: c.save_expectation_value(operator, range(5), label="value")
    )
    expected = result.data()["value"]
    assert StateVector().expectation(circuit, observable) == pytest.approx(expected, abs=1e-9)


def test_a_volume_circuit_of_qiskit_is_simulated_like_aer() -> None:
    theirs = library.quantum_volume(8, seed=3)
    ours = from_qiskit(theirs)
    assert isinstance(ours, Circuit)
    state = aer_run(theirs, lambda c: c.save_statevector()).get_statevector()
    assert oracle.same_up_to_phase(np.asarray(state), StateVector().run(ours))


def test_a_text_of_qiskit_is_simulated_like_aer() -> None:
    theirs = library.efficient_su2(5, reps=2).assign_parameters(np.linspace(-3, 3, 30))
    ours = read_qasm(qasm3.dumps(theirs))
    state = aer_run(theirs, lambda c: c.save_statevector()).get_statevector()
    assert oracle.same_up_to_phase(np.asarray(state), StateVector().run(ours))
