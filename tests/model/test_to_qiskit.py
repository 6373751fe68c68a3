"""Conversion to and from Qiskit: gates, order of qubits, parameters, refusals."""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.model import Angle, Circuit, Gate, PauliSum
from qupel.model.formats import read_qasm, write_qasm
from qupel.model.gates import GATES, matrix
from qupel.model.to_qiskit import from_qiskit, to_qiskit
from tests.model.circuits import random_circuit
from tests.oracles import circuits as oracle

qiskit = pytest.importorskip("qiskit")
info = pytest.importorskip("qiskit.quantum_info")
library = pytest.importorskip("qiskit.circuit.library")
qasm2 = pytest.importorskip("qiskit.qasm2")
qasm3 = pytest.importorskip("qiskit.qasm3")
SEEDS = st.integers(0, 2**32 - 1)
FEW = settings(max_examples=12, deadline=None)
ANGLES = (0.37, -1.21, 2.63)


def unitary(circuit: Any) -> np.ndarray:
    return np.asarray(info.Operator(circuit).data)


@pytest.mark.parametrize("name", GATES)
def test_our_gates_are_qiskits(name: str) -> None:
    kind = GATES[name]
    angles = ANGLES[: kind.angles]
    circuit = Circuit(kind.qubits, [Gate(name, tuple(range(kind.qubits)), angles)])
    np.testing.assert_allclose(unitary(to_qiskit(circuit)), matrix(name, angles), atol=1e-12)


@FEW
@given(SEEDS)
def test_a_circuit_makes_the_round_trip(seed: int) -> None:
    circuit = random_circuit(seed).measure()
    assert from_qiskit(to_qiskit(circuit)) == circuit


@FEW
@given(SEEDS)
def test_a_circuit_with_parameters_keeps_its_meaning(seed: int) -> None:
    circuit = random_circuit(seed, parameters=2)
    again = from_qiskit(to_qiskit(circuit))
    assert isinstance(again, Circuit)
    values = {"p0": 0.3, "p1": -1.1}
    ours = circuit.bind([values[name] for name in circuit.parameter_names])
    theirs = again.bind([values[name] for name in again.parameter_names])
    np.testing.assert_allclose(oracle.unitary(theirs), oracle.unitary(ours), atol=1e-10)


@FEW
@given(SEEDS)
def test_the_state_is_aers(seed: int) -> None:
    aer = pytest.importorskip("qiskit_aer")
    circuit = random_circuit(seed, qubits=4)
    run = to_qiskit(circuit)
    run.save_statevector()
    # Level 0: no fusion or rewriting stands between the gates and the state.
    run = qiskit.transpile(run, aer.AerSimulator(), optimization_level=0)
    state = aer.AerSimulator(method="statevector").run(run).result().get_statevector()
    assert oracle.same_up_to_phase(np.asarray(state), oracle.state(circuit))


@FEW
@given(SEEDS)
def test_a_random_circuit_of_qiskit_keeps_its_unitary(seed: int) -> None:
    from qiskit.circuit.random import random_circuit as qiskit_random

    theirs = qiskit_random(3, 4, max_operands=3, seed=seed)
    ours = from_qiskit(theirs)
    assert isinstance(ours, Circuit)
    assert oracle.same_up_to_phase(oracle.unitary(ours), unitary(theirs))


@FEW
@given(SEEDS)
def test_texts_of_qiskit_are_read(seed: int) -> None:
    from qiskit.circuit.random import random_circuit as qiskit_random

    theirs = qiskit_random(3, 4, max_operands=3, seed=seed)
    for text in (qasm2.dumps(theirs), qasm3.dumps(theirs)):
        assert oracle.same_up_to_phase(oracle.unitary(read_qasm(text)), unitary(theirs))


@FEW
@given(SEEDS)
def test_qiskit_reads_our_texts(seed: int) -> None:
    pytest.importorskip("qiskit_qasm3_import")
    circuit = random_circuit(seed)
    theirs = qasm3.loads(write_qasm(circuit))
    assert oracle.same_up_to_phase(unitary(theirs), oracle.unitary(circuit))


def test_variants_of_our_gates_are_not_taken_for_ours() -> None:
    theirs = qiskit.QuantumCircuit(2)
    theirs.append(library.CXGate(ctrl_state=0), [0, 1])
    theirs.append(library.XXPlusYYGate(0.4, 0.7), [0, 1])
    ours = from_qiskit(theirs)
    assert isinstance(ours, Circuit)
    assert oracle.same_up_to_phase(oracle.unitary(ours), unitary(theirs))


@pytest.mark.parametrize(
    "name", ["rccx", "rc3x", "c3sqrtx", "c3x", "c4x", "csx", "cu3", "cu", "u2", "cu1"]
)
def test_gates_of_the_old_library_are_those_of_qiskit(name: str) -> None:
    sizes = {"rccx": 3, "rc3x": 4, "c3sqrtx": 4, "c3x": 4, "c4x": 5, "u2": 1}
    angles = {"cu3": "(.1, .2, .3)", "cu": "(.1, .2, .3, .4)", "u2": "(.1, .2)", "cu1": "(.1)"}
    qubits = ", ".join(f"q[{k}]" for k in reversed(range(sizes.get(name, 2))))
    more = qasm2.LEGACY_CUSTOM_INSTRUCTIONS
    text = (
        f'OPENQASM 2.0; include "qelib1.inc"; qreg q[{sizes.get(name, 2)}]; '
        f"{name}{angles.get(name, '')} {qubits};"
    )
    ours, theirs = (
        oracle.unitary(read_qasm(text)),
        unitary(qasm2.loads(text, custom_instructions=more)),
    )
    assert oracle.same_up_to_phase(ours, theirs)


def test_bits_that_nothing_is_measured_into_are_left_out() -> None:
    theirs = qiskit.QuantumCircuit(3, 4)
    theirs.barrier()
    theirs.reset(1)
    theirs.x(1)
    theirs.measure(1, 3)
    theirs.measure(0, 2)
    ours = from_qiskit(theirs)
    assert ours == Circuit(3).x(1).measure(0, 1)


def refused(build: Any) -> Any:
    theirs = qiskit.QuantumCircuit(2, 2)
    build(theirs)
    return theirs


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda c: (c.measure(0, 0), c.h(0)), "qubit 0 is used after its measurement"),
        (lambda c: (c.measure(0, 0), c.measure(1, 0)), "bit 0 is measured into twice"),
        (lambda c: (c.h(0), c.reset(0)), "'reset'"),
        (lambda c: c.rx(qiskit.circuit.Parameter("a") ** 2, 0), "not linear in a"),
        (
            lambda c: c.rx(qiskit.circuit.Parameter("a") + qiskit.circuit.Parameter("b"), 0),
            "follows 2 parameters",
        ),
    ],
)
def test_what_has_no_place_is_refused(build: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        from_qiskit(refused(build))


def test_branching_is_refused() -> None:
    theirs = qiskit.QuantumCircuit(2, 1)
    theirs.measure(0, 0)
    with theirs.if_test((theirs.clbits[0], 1)):
        theirs.x(1)
    with pytest.raises(InputError, match="if_else"):
        from_qiskit(theirs)


def test_another_gate_under_a_name_of_ours_is_refused() -> None:
    other = qiskit.QuantumCircuit(1, name="h")
    other.x(0)
    theirs = qiskit.QuantumCircuit(1)
    theirs.append(other.to_gate(), [0])
    with pytest.raises(InputError, match=r"'h'.* has no place"):
        from_qiskit(theirs)


def test_other_values_are_refused() -> None:
    with pytest.raises(InputError, match="expected a QuantumCircuit or SparsePauliOp, got int"):
        from_qiskit(3)


def test_parameters_keep_qiskits_order_and_names() -> None:
    theta = qiskit.circuit.ParameterVector("θ", 11)
    theirs = qiskit.QuantumCircuit(1)
    for k in reversed(range(11)):
        theirs.rx(2 * theta[k] - math.pi, 0)
    ours = from_qiskit(theirs)
    assert isinstance(ours, Circuit)
    assert ours.parameter_names == tuple(f"θ[{k}]" for k in range(11))
    assert ours.gates[0].angles == (Angle(10, 2.0, -math.pi),)
    assert read_qasm(write_qasm(ours)).gates == ours.gates


@FEW
@given(SEEDS)
def test_a_sum_of_paulis_makes_the_round_trip(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = ["".join(rng.choice(list("IXYZ"), 3)) for _ in range(5)]
    held = PauliSum.of([(name, complex(*rng.normal(size=2))) for name in names])
    theirs = to_qiskit(held)
    np.testing.assert_allclose(theirs.to_matrix(), held.to_matrix(), atol=1e-12)
    assert theirs.paulis.to_labels() == list(held.labels())
    assert from_qiskit(theirs) == held


def test_coefficients_with_parameters_are_refused() -> None:
    operator = info.SparsePauliOp(["X"], np.array([qiskit.circuit.Parameter("a")]))
    with pytest.raises(InputError, match="coefficients have parameters"):
        from_qiskit(operator)


def test_without_qiskit_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("qiskit"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(InputError, match=r'pip install "qupel\[qiskit\]"'):
        to_qiskit(Circuit(1))
