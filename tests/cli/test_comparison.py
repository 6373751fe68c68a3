"""`qupel devices compare` against a second reckoning, from the files of the catalogue alone."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from qupel.backends.catalogue.listing import OWN, profile_named
from qupel.backends.compiling import Target, compile_circuit
from qupel.model.circuit import Circuit
from qupel.model.formats import read_qasm
from qupel.model.gate import Gate
from tests.acceptance.command import qupel

#: Turns about Z are done by changing the phase of what follows: no time, no error.
IN_NAME_ONLY = {"rz", "p", "z", "s", "sdg", "t", "tdg", "id"}
DEVICES = {
    "iqm-garnet": "superconducting",
    "ibm-heron-r2": "superconducting",
    "ionq-forte-1": "trapped ion",
    "quera-gemini": "neutral atom",
    "quandela-ascella": "photonic",
}
SHOTS = 500
QASM = """OPENQASM 2.0;
include "qelib1.inc";
qreg q[5];
creg c[5];
h q[0];
cx q[0],q[1];
rz(0.3) q[1];
cx q[1],q[2];
rx(0.7) q[3];
cx q[0],q[3];
cx q[2],q[4];
ry(0.2) q[4];
cx q[3],q[1];
measure q -> c;
"""


def real_gates(circuit: Circuit) -> list[Gate]:
    return [gate for gate in circuit.gates if gate.name not in IN_NAME_ONLY]


def seconds_of(gate: Gate, times: dict[str, Any]) -> float:
    return float(times["two_qubit" if len(gate.qubits) > 1 else "one_qubit"])


def ends_of(gates: list[Gate], times: dict[str, Any]) -> list[float]:
    """When each gate ends: after those before it on its qubits and, where few pairs run at once,
    after so many that began before it.
    """
    ends: list[float] = []
    for k, gate in enumerate(gates):
        begin = max((ends[j] for j in range(k) if set(gates[j].qubits) & set(gate.qubits)),
                    default=0.0)  # fmt: skip
        few = times.get("parallel")
        if few and len(gate.qubits) > 1:
            earlier = sorted(ends[j] for j in range(k) if len(gates[j].qubits) > 1)
            begin = max(begin, earlier[-few] if len(earlier) >= few else 0.0)
        ends.append(begin + seconds_of(gate, times))
    return ends


def reckoned(claims: dict[str, Any], circuit: Circuit) -> tuple[float, float]:
    """Chance of a shot without error, and seconds of all shots."""
    f, times = claims["fidelities"], claims["times"]
    gates = real_gates(circuit)
    ends = ends_of(gates, times)
    whole = max(ends)
    success, attempts = 1.0, 1.0
    for gate in gates:
        pair = len(gate.qubits) > 1
        success *= f["two_qubit"] if pair else f["one_qubit"]
        attempts /= f.get("two_qubit_yield", 1.0) if pair else 1.0
    for qubit in range(circuit.qubits):
        own = [k for k, gate in enumerate(gates) if qubit in gate.qubits]
        if own and "coherence" in claims:
            begun = min(ends[k] - seconds_of(gates[k], times) for k in own)
            idle = whole - begun - sum(seconds_of(gates[k], times) for k in own)
            t1, t2 = claims["coherence"]["t1"], claims["coherence"]["t2"]
            success *= 1 / 2 + math.exp(-idle / t1) / 6 + math.exp(-idle / t2) / 3
    for _ in circuit.measured or ():
        right = 1 - (f["false_one"] + f["false_zero"]) / 2
        success *= f.get("preparation", 1.0) * right
        attempts /= f.get("survival", 1.0)
    shot = (whole + times["readout"] + times["reset"]) * attempts
    return success, times.get("job", 0.0) + SHOTS * shot


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What one command says of all devices, by name."""
    path: Path = tmp_path_factory.mktemp("program") / "five.qasm"
    path.write_text(QASM)
    document = qupel("devices", "compare", path, "--shots", SHOTS, "--json").document
    return {each["device"]: each for each in document["devices"]}


def test_one_command_compares_four_families(compared: dict[str, dict[str, Any]]) -> None:
    families = {each["family"] for each in compared.values() if "success" in each}
    assert families >= set(DEVICES.values())


@pytest.mark.parametrize("device", DEVICES)
def test_success_and_time_are_those_of_a_second_reckoning(
    compared: dict[str, dict[str, Any]], device: str
) -> None:
    claims = yaml.safe_load((OWN / f"{device}.yaml").read_text(encoding="utf-8"))
    target = Target.of(profile_named(device))
    circuit = compile_circuit(read_qasm(QASM, "five.qasm"), target, seed=0).circuit
    success, seconds = reckoned(claims, circuit)
    assert compared[device]["family"] == DEVICES[device]
    assert compared[device]["success"] == pytest.approx(success, rel=1e-9)
    assert compared[device]["run_seconds"] == pytest.approx(seconds, rel=1e-9)
