"""Circuits and sums of Pauli products to Qiskit and back; Qiskit is loaded on first use."""

from __future__ import annotations

from typing import Any

from qupel.errors import InputError
from qupel.model.circuit import Circuit
from qupel.model.gate import Angle, Gate
from qupel.model.gates import GATES
from qupel.model.pauli import PauliSum, packed, unpacked

#: Gates of Qiskit that are ours under another name.
RENAMED = {"u1": "p", "u3": "u", "cu1": "cp"}


def to_qiskit(value: Circuit | PauliSum) -> Any:
    """``QuantumCircuit`` of a circuit, ``SparsePauliOp`` of a sum of Pauli products.

    Qubits keep their numbers: both of us count qubit 0 as the lowest bit. Parameters keep their
    names. Classical bits are there for what is measured.

    Raises
    ------
    InputError
        If Qiskit is not installed.
    """
    qiskit = _qiskit()
    if isinstance(value, PauliSum):
        info = qiskit.quantum_info
        paulis = info.PauliList.from_symplectic(
            unpacked(value.z, value.qubits), unpacked(value.x, value.qubits)
        )
        return info.SparsePauliOp(paulis, value.coefficients)
    measured = value.measured or ()
    out = qiskit.QuantumCircuit(value.qubits, len(measured))
    parameters = [qiskit.circuit.Parameter(name) for name in value.parameter_names]
    for gate in value.gates:
        angles = [
            a.factor * parameters[a.parameter] + a.shift if isinstance(a, Angle) else a
            for a in gate.angles
        ]
        if gate.name == "xy":
            turn = qiskit.circuit.library.XXPlusYYGate(2 * angles[0], 0.0)
            out.append(turn, gate.qubits)
        else:
            getattr(out, gate.name)(*angles, *gate.qubits)
    for bit, qubit in enumerate(measured):
        out.measure(qubit, bit)
    return out


def from_qiskit(value: Any) -> Circuit | PauliSum:
    """`Circuit` of a ``QuantumCircuit``, `PauliSum` of a ``SparsePauliOp``.

    Gates that a circuit has are taken as they are; if there are others, Qiskit first rewrites
    the circuit in ours (``transpile``, without optimisation). Global phases and barriers are
    dropped, bits that no qubit is measured into are left out, and parameters are in Qiskit's
    order.

    Raises
    ------
    InputError
        If Qiskit is not installed, or the circuit has what ours has no place for: branching,
        gates after a measurement, a reset of a used qubit, an angle that is not linear in one
        parameter, or Pauli coefficients with parameters.
    """
    qiskit = _qiskit()
    if isinstance(value, qiskit.quantum_info.SparsePauliOp):
        return _pauli_sum(value)
    if isinstance(value, qiskit.QuantumCircuit):
        return _circuit(qiskit, value)
    raise InputError(f"expected a QuantumCircuit or SparsePauliOp, got {type(value).__name__}")


def _qiskit() -> Any:
    try:
        import qiskit
        import qiskit.quantum_info
    except ImportError as error:
        raise InputError(
            'Qiskit is not installed; install it by: pip install "qupel[qiskit]"'
        ) from error
    return qiskit


def _circuit(qiskit: Any, circuit: Any) -> Circuit:
    standard = qiskit.circuit.library.get_standard_gate_name_mapping()
    ours = {name: standard[name].base_class for name in {*GATES, *RENAMED} & set(standard)}
    ours["xx_plus_yy"] = qiskit.circuit.library.XXPlusYYGate
    if not all(_is_known(entry.operation, ours) for entry in circuit.data):
        basis = sorted(set(GATES) & set(standard))
        try:
            circuit = qiskit.transpile(circuit, basis_gates=basis, optimization_level=0)
        except qiskit.exceptions.QiskitError as error:
            raise InputError(f"Qiskit cannot rewrite the circuit in our gates: {error}") from error
    place = {parameter: k for k, parameter in enumerate(circuit.parameters)}
    number = {qubit: k for k, qubit in enumerate(circuit.qubits)}
    bits = {bit: k for k, bit in enumerate(circuit.clbits)}
    gates: list[Gate] = []
    touched: set[int] = set()
    written: dict[int, int] = {}
    for step, entry in enumerate(circuit.data):
        operation = entry.operation
        qubits = tuple(number[q] for q in entry.qubits)
        where = f"operation {step} ({operation.name!r}) on qubits {qubits}"
        if operation.name == "barrier":
            continue
        if late := set(qubits) & set(written.values()):
            raise InputError(
                f"{where}: qubit {min(late)} is used after its measurement; measure last"
            )
        if operation.name == "measure":
            bit = bits[entry.clbits[0]]
            if bit in written:
                raise InputError(f"{where}: bit {bit} is measured into twice; use another bit")
            written[bit] = qubits[0]
        elif operation.name == "reset" and not touched & set(qubits):
            continue
        elif _is_known(operation, ours):
            touched.update(qubits)
            angles = tuple(_angle(p, place, where) for p in operation.params)
            gates.append(_gate(operation.name, qubits, angles))
        else:
            raise InputError(
                f"{where} has no place in a circuit of gates and final measurements; "
                "remove it, or give a gate of your own another name"
            )
    measured = [written[bit] for bit in sorted(written)]
    names = [parameter.name for parameter in place]
    return Circuit(len(circuit.qubits), gates, measured or None, names)


def _is_known(operation: Any, ours: dict[str, Any]) -> bool:
    """Whether an operation is one of ours, and not another one under its name."""
    if operation.name in ("barrier", "measure", "reset"):
        return True
    if getattr(operation, "base_class", None) is not ours.get(operation.name, object):
        return False
    return operation.name != "xx_plus_yy" or operation.params[1] == 0


def _gate(name: str, qubits: tuple[int, ...], angles: tuple[float | Angle, ...]) -> Gate:
    if name == "xx_plus_yy":
        return Gate("xy", qubits, (angles[0] / 2,))
    return Gate(RENAMED.get(name, name), qubits, angles)


def _angle(value: Any, place: dict[Any, int], where: str) -> float | Angle:
    """A parameter of a Qiskit gate: a number, or an expression linear in one parameter."""
    parameters = getattr(value, "parameters", None)
    if not parameters:
        return float(value)
    if len(parameters) > 1:
        raise InputError(f"{where}: {value} follows {len(parameters)} parameters; bind all but one")
    [parameter] = parameters
    slope = value.gradient(parameter)
    if getattr(slope, "parameters", None):
        raise InputError(f"{where}: {value} is not linear in {parameter.name}; bind it first")
    shift = float(value.bind({parameter: 0.0}))
    return Angle(place[parameter], float(slope), shift)


def _pauli_sum(operator: Any) -> PauliSum:
    if operator.coeffs.dtype == object:
        raise InputError("the operator's coefficients have parameters; bind them first")
    x, z = packed(operator.paulis.x), packed(operator.paulis.z)
    return PauliSum(operator.num_qubits, x, z, operator.coeffs)
