"""Programs and results of the makers behind Azure Quantum."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from qupel.backends.adapters.documents import listing, mapping
from qupel.backends.adapters.ionq_formats import plain_gate, shares_of
from qupel.backends.adapters.ionq_formats import written as ionq_written
from qupel.backends.adapters.readings import (
    bits_of_numbers,
    bits_of_texts,
    measured_circuit,
    reading_of_rows,
)
from qupel.backends.adapters.shares import counts_of_shares
from qupel.backends.compiling import Target, compile_circuit
from qupel.backends.contract import (
    Order,
    Program,
    Reading,
)
from qupel.backends.local import stream
from qupel.model.circuit import Circuit

#: Gates that OpenQASM 2 and Quantinuum name as we do; what is not among them is compiled first.
QASM2 = frozenset({"x", "y", "z", "h", "s", "sdg", "t", "tdg", "rx", "ry", "rz", "cx", "cz"})


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one maker's programs and results are written.

    Attributes
    ----------
    provider
        The maker's name at Azure.
    program, result
        Names of the formats.
    write
        Body of a program.
    read
        Reading of a result document.
    """

    provider: str
    program: str
    result: str
    write: Callable[[Program], bytes]
    read: Callable[[Any, Order, bool], Reading]


def qasm2_of(program: Program) -> bytes:
    """OpenQASM 2 as Quantinuum reads it; classical bit ``k`` is column ``k``."""
    circuit = _plain_gates(measured_circuit(program))
    measured = circuit.measured or ()
    lines = ["OPENQASM 2.0;", 'include "hqslib1.inc";', f"qreg q[{circuit.qubits}];"]
    lines.append(f"creg c[{len(measured)}];")
    for gate in circuit.gates:
        angles = f"({','.join(repr(angle) for angle in gate.angles)})" if gate.angles else ""
        lines.append(f"{gate.name}{angles} {','.join(f'q[{q}]' for q in gate.qubits)};")
    lines += [f"measure q[{qubit}] -> c[{bit}];" for bit, qubit in enumerate(measured)]
    return ("\n".join(lines) + "\n").encode()


def ionq_of(program: Program) -> bytes:
    """IonQ's JSON."""
    circuit = ionq_written(program)
    gates = [plain_gate(gate) for gate in circuit.gates]
    return json.dumps({"gateset": "qis", "qubits": circuit.qubits, "circuit": gates}).encode()


def _plain_gates(circuit: Circuit) -> Circuit:
    gates = [gate for gate in circuit.gates if gate.name != "id"]
    if {gate.name for gate in gates} <= QASM2:
        return Circuit(circuit.qubits, gates, circuit.measured)
    target = Target(circuit.qubits, frozenset({"rz", "rx", "cz"}))
    return compile_circuit(circuit, target).circuit


def _read_quantinuum(document: Any, order: Order, simulated: bool) -> Reading:
    """A text for every shot and register; the highest classical bit comes first."""
    [program] = order.programs
    rows = listing(mapping(document, "the result").get("c"), "register c")
    width = len(measured_circuit(program).measured or ())
    bits = bits_of_texts(rows, width, "register c")
    return reading_of_rows(np.ascontiguousarray(bits[:, ::-1]), [1] * len(rows), "register c")


def _read_ionq(document: Any, order: Order, simulated: bool) -> Reading:
    """Shares of shots by outcome, qubit 0 the lowest bit."""
    [program] = order.programs
    circuit = ionq_written(program)
    shares = mapping(mapping(document, "the result").get("histogram"), "the histogram")
    numbers, weights = shares_of(shares, circuit.qubits, "the histogram")
    drawn = stream(order, 0) if simulated else None
    times, _ = counts_of_shares(weights, order.shots, drawn, "the histogram")
    kept = [k for k, count in enumerate(times) if count]
    rows = bits_of_numbers([numbers[k] for k in kept], circuit.measured or ())
    return reading_of_rows(rows, [times[k] for k in kept], "the histogram")


DIALECTS = {
    "ionq": Dialect("ionq", "ionq.circuit.v1", "ionq.quantum-results.v1", ionq_of, _read_ionq),
    "quantinuum": Dialect(
        "quantinuum",
        "honeywell.openqasm.v1",
        "honeywell.quantum-results.v1",
        qasm2_of,
        _read_quantinuum,
    ),
}
