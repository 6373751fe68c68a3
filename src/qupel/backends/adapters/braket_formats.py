"""Programs, results and tags of Amazon Braket, as its documents write them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from qupel.backends.adapters.documents import listing, whole
from qupel.backends.adapters.readings import measured_circuit, reading_of_rows
from qupel.backends.compiling import Target, compile_circuit
from qupel.backends.contract import Program, Reading
from qupel.errors import ResultError
from qupel.model.circuit import Circuit

#: Our gates under Braket's names, as far as every device there takes them.
GATES = {
    "id": "i", "x": "x", "y": "y", "z": "z", "h": "h", "s": "s", "sdg": "si", "t": "t",
    "tdg": "ti", "sx": "v", "sxdg": "vi", "rx": "rx", "ry": "ry", "rz": "rz", "p": "rz",
    "cx": "cnot", "swap": "swap",
}  # fmt: skip
#: Longest that an on-demand simulator runs a task, in seconds: what a bill by time is bounded by.
LONGEST_RUN = Decimal(6 * 3600)


def written(program: Program) -> Circuit:
    """A program in gates that every device there takes."""
    circuit = measured_circuit(program)
    if set(circuit.counts()) <= set(GATES):
        return circuit
    return compile_circuit(circuit, Target(circuit.qubits, frozenset({"rz", "rx", "cx"}))).circuit


def source_of(program: Program) -> str:
    """OpenQASM 3 as Braket reads it; all qubits are measured, in order."""
    circuit = written(program)
    lines = ["OPENQASM 3.0;", f"qubit[{circuit.qubits}] q;", f"bit[{circuit.qubits}] b;"]
    for gate in circuit.gates:
        angles = f"({', '.join(repr(angle) for angle in gate.angles)})" if gate.angles else ""
        qubits = ", ".join(f"q[{qubit}]" for qubit in gate.qubits)
        lines.append(f"{GATES[gate.name]}{angles} {qubits};")
    lines += [f"b[{qubit}] = measure q[{qubit}];" for qubit in range(circuit.qubits)]
    return "\n".join(lines) + "\n"


def action_of(source: str) -> str:
    """A program as ``CreateQuantumTask`` takes it."""
    header = {"name": "braket.ir.openqasm.program", "version": "1"}
    return json.dumps({"braketSchemaHeader": header, "source": source, "inputs": {}})


def check_echo(document: Mapping[str, Any], source: str) -> None:
    """Raise `ResultError` unless the program that Braket says it ran is the one ordered."""
    additional = document.get("additionalMetadata")
    action = additional.get("action") if isinstance(additional, dict) else None
    echoed = action.get("source") if isinstance(action, dict) else None
    if not isinstance(echoed, str):
        raise ResultError("the result does not tell which program was run")
    if echoed != source:
        raise ResultError("the result is of another program than the one ordered")


def reading_of(document: Mapping[str, Any], program: Program) -> Reading:
    """Reading of a gate-model result: a row of bits for every shot, and whose bits they are.

    Raises
    ------
    ResultError
        If a row is not of that width, or holds something else than 0 and 1.
    """
    circuit = measured_circuit(written(program))
    measured = [
        whole(q, "a qubit") for q in listing(document.get("measuredQubits"), "measuredQubits")
    ]
    if sorted(measured) != list(range(circuit.qubits)):
        raise ResultError(
            f"{circuit.qubits} qubits were measured, measuredQubits are {measured!r:.80}"
        )
    rows = listing(document.get("measurements"), "measurements")
    if not rows or any(type(row) is not list or len(row) != len(measured) for row in rows):
        raise ResultError(f"measurements must be rows of {len(measured)} bits")
    if any(type(bit) is not int or bit not in (0, 1) for row in rows for bit in row):
        raise ResultError("measurements hold something else than 0 and 1")
    column = {qubit: k for k, qubit in enumerate(measured)}
    bits = np.array(rows, np.uint8)[:, [column[qubit] for qubit in circuit.measured or ()]]
    return reading_of_rows(np.ascontiguousarray(bits), [1] * len(rows), "the result")


def simulated_seconds(document: Mapping[str, Any]) -> Decimal | None:
    """Seconds that an on-demand simulator ran, which it tells in milliseconds."""
    additional = document.get("additionalMetadata")
    told = additional.get("simulatorMetadata") if isinstance(additional, dict) else None
    ran = told.get("executionDuration") if isinstance(told, dict) else None
    if not isinstance(ran, int | float) or not 0 <= ran <= 1000 * LONGEST_RUN:
        return None
    return Decimal(ran) / 1000


def tag_of(tags: Any) -> str:
    """Our tag among a task's; empty if there is none."""
    tag = tags.get("qupel_tag") if isinstance(tags, Mapping) else None
    return tag if isinstance(tag, str) else ""
