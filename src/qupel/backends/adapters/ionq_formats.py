"""IonQ's JSON: circuits and jobs as it takes them, outcomes, times and amounts as it tells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from qupel.backends.adapters.documents import listing, number, text
from qupel.backends.adapters.moments import moment
from qupel.backends.adapters.readings import measured_circuit
from qupel.backends.compiling import Target, compile_circuit
from qupel.backends.contract import Order, Times
from qupel.errors import ResultError
from qupel.model.circuit import Circuit
from qupel.model.gate import Gate
from qupel.model.money import Money

#: Our gates under IonQ's names; what is not among them is compiled first.
GATES = {
    "x": "x", "y": "y", "z": "z", "h": "h", "s": "s", "sdg": "si", "t": "t", "tdg": "ti",
    "sx": "v", "sxdg": "vi", "rx": "rx", "ry": "ry", "rz": "rz", "p": "rz",
    "swap": "swap", "rxx": "xx", "ryy": "yy", "rzz": "zz",
}  # fmt: skip


def document_of(order: Order, device: str) -> dict[str, Any]:
    """An order as a job that IonQ takes."""
    circuits = [written(program) for program in order.programs]
    gates = [[plain_gate(gate) for gate in circuit.gates] for circuit in circuits]
    inputs: dict[str, Any] = {
        "gateset": "qis",
        "qubits": max(circuit.qubits for circuit in circuits),
    }
    several = len(circuits) > 1
    if several:
        inputs["circuits"] = [{"name": str(k), "circuit": g} for k, g in enumerate(gates)]
    else:
        inputs["circuit"] = gates[0]
    document: dict[str, Any] = {
        "type": "ionq.multi-circuit.v1" if several else "ionq.circuit.v1",
        "backend": device,
        "name": order.tag,
        "shots": order.shots,
        "metadata": {"qupel_tag": order.tag, "qupel_key": order.key},
        "input": inputs,
    }
    if "noise" in order.settings:
        document["noise"] = {"model": str(order.settings["noise"])}
    if "debiasing" in order.settings:
        mitigation = {"debiasing": bool(order.settings["debiasing"])}
        document["settings"] = {"error_mitigation": mitigation}
    return document


def plain_gate(gate: Gate) -> dict[str, Any]:
    """A gate as IonQ's JSON holds it; phases become turns about Z, equal up to a global phase."""
    if gate.name == "cx":
        return {"gate": "cnot", "control": gate.qubits[0], "target": gate.qubits[1]}
    plain: dict[str, Any] = {"gate": GATES[gate.name], "targets": list(gate.qubits)}
    if gate.angles:
        [angle] = gate.angles
        plain["rotation"] = angle
    return plain


def written(program: object) -> Circuit:
    """A circuit in gates that IonQ names, with its measurement."""
    circuit = measured_circuit(program)  # type: ignore[arg-type]
    used = set(circuit.counts())
    if used <= {*GATES, "cx", "id"}:
        gates = [gate for gate in circuit.gates if gate.name != "id"]
        return Circuit(circuit.qubits, gates, circuit.measured)
    target = Target(circuit.qubits, frozenset({"rz", "rx", "rzz"}))
    return compile_circuit(circuit, target).circuit


def parts_of(shares: dict[str, Any], document: dict[str, Any], order: Order) -> list[Any]:
    """Results of the children in the order of the circuits, as the job tells it."""
    told = document.get("child_job_ids") or document.get("children")
    children = [text(child, "a child") for child in listing(told, "the job's children")]
    if len(children) != len(order.programs) or set(children) != set(shares):
        raise ResultError(
            f"{len(order.programs)} programs were ordered; the job has {len(children)} children "
            f"and the result {len(shares)}"
        )
    return [shares[child] for child in children]


def shares_of(shares: Mapping[str, Any], qubits: int, what: str) -> tuple[list[int], list[float]]:
    """Outcomes and their shares, as IonQ's histograms hold them.

    Raises
    ------
    ResultError
        If a key is no outcome of so many qubits, or a share is no number.
    """
    numbers = []
    for key in shares:
        outcome = int(key) if key.isascii() and key.isdigit() and len(key) < 40 else -1
        if str(outcome) != key or outcome >> qubits:
            raise ResultError(f"{what}: {key!r:.40} is no outcome of {qubits} qubits")
        numbers.append(outcome)
    return numbers, [number(share, f"{what}: a share") for share in shares.values()]


def tag_of(document: Mapping[str, Any]) -> str:
    """Tag under which a job is filed; empty for none."""
    metadata = document.get("metadata")
    tag = metadata.get("qupel_tag") if isinstance(metadata, dict) else None
    return tag if isinstance(tag, str) else ""


def failure_of(document: Mapping[str, Any]) -> str:
    """Why a job failed, in IonQ's words."""
    failure = document.get("failure")
    if not isinstance(failure, dict):
        return ""
    words = [failure.get(name) for name in ("code", "error", "message")]
    return "; ".join(f"{word:.200}" for word in words if isinstance(word, str) and word)


def times_of(document: Mapping[str, Any]) -> Times:
    """When a job was taken, started and ended."""
    return Times(
        created=moment(document.get("submitted_at")),
        running=moment(document.get("started_at")),
        finished=moment(document.get("completed_at")),
    )


def money_of(value: Any, unit: Any) -> Money | None:
    """An amount of dollars, below zero as it is told; None if it is none."""
    known = type(value) in (int, float) and abs(value) < 1e9 and str(unit).lower() == "usd"
    return Money.of(value) if known else None


def price_of(told: Mapping[str, Any], programs: int) -> Money | None:
    """What IonQ estimates for so many programs."""
    cost = money_of(told.get("estimated_cost"), told.get("cost_unit"))
    return None if cost is None or cost.micros < 0 else cost * programs


def seconds_of(value: Any, times: int) -> float | None:
    """Seconds that IonQ estimates, so many times; None if it named none."""
    known = type(value) in (int, float) and bool(np.isfinite(value)) and value >= 0
    return float(value) * times if known else None
