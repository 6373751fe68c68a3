"""Gates under control: the same gate, where one more qubit is one, in gates of the table."""

from __future__ import annotations

import math
from typing import Any

from qupel.model.gate import Gate

#: What becomes another gate of the table when a control is put before its qubits.
DIRECT = {
    "x": "cx",
    "y": "cy",
    "z": "cz",
    "h": "ch",
    "p": "cp",
    "rx": "crx",
    "ry": "cry",
    "rz": "crz",
    "swap": "cswap",
    "cx": "ccx",
    "cz": "ccz",
}
PHASES = {"s": math.pi / 2, "sdg": -math.pi / 2, "t": math.pi / 4, "tdg": -math.pi / 4}

#: A global phase, as a gate on no qubit: it is written in no circuit, but under control it counts.
PHASE = "gphase"


def controlled(gate: Gate, controls: tuple[int, ...]) -> list[Gate]:
    """Gates that do ``gate`` where all ``controls`` are one and nothing elsewhere, exactly.

    A gate that is another one between two that cancel needs the controls only in the middle
    (Barenco and others 1995, doi:10.1103/PhysRevA.52.3457); in the end a phase is left.
    """
    name, qubits, angles = gate.name, gate.qubits, gate.angles
    if not controls:
        return [gate]
    if name in DIRECT:
        return controlled(Gate(DIRECT[name], (controls[0], *qubits), angles), controls[1:])
    if name in PHASES:
        return phase_of_all(PHASES[name], (*controls, *qubits))
    if name in (PHASE, "cp"):
        return phase_of_all(angles[0], (*controls, *qubits))
    if name == "ccz":
        return phase_of_all(math.pi, (*controls, *qubits))
    if name == "id":
        return []
    before, middle, after = _taken_apart(name, qubits, angles)
    return [*before, *(g for part in middle for g in controlled(part, controls)), *after]


def _taken_apart(
    name: str, qubits: tuple[int, ...], angles: tuple[Any, ...]
) -> tuple[list[Gate], list[Gate], list[Gate]]:
    """A gate as (before, middle, after), where after undoes before; in order of action."""
    target = qubits[-1]
    match name:
        case "sx" | "sxdg":
            turn = [Gate("h", qubits)]
            return turn, [Gate("s" if name == "sx" else "sdg", qubits)], turn
        case "u":
            theta, phi, lam = angles
            parts = (("p", lam), ("ry", theta), ("p", phi))
            return [], [Gate(part, qubits, (angle,)) for part, angle in parts], []
        case "cy":
            return [Gate("sdg", (target,))], [Gate("cx", qubits)], [Gate("s", (target,))]
        case "ch":
            lean = [Gate("ry", (target,), (sign * math.pi / 4,)) for sign in (-1, 1)]
            return [lean[0]], [Gate("cz", qubits)], [lean[1]]
        case "crx":
            turn = [Gate("h", (target,))]
            return turn, [Gate("crz", qubits, angles)], turn
        case "cry":
            middle = [Gate("crx", qubits, angles)]
            return [Gate("sdg", (target,))], middle, [Gate("s", (target,))]
        case "crz":
            return [], [Gate("p", qubits[:1], (angles[0] / -2,)), Gate("cp", qubits, angles)], []
        case "rzz":
            parity = [Gate("cx", qubits)]
            return parity, [Gate("rz", (target,), angles)], parity
        case "rzx":
            turn = [Gate("h", (target,))]
            return turn, [Gate("rzz", qubits, angles)], turn
        case "rxx":
            turn = [Gate("h", (q,)) for q in qubits]
            return turn, [Gate("rzz", qubits, angles)], turn
        case "ryy":
            turn = [Gate("sdg", (q,)) for q in qubits]
            back = [Gate("s", (q,)) for q in qubits]
            return turn, [Gate("rxx", qubits, angles)], back
        case "xy":
            return [], [Gate("rxx", qubits, angles), Gate("ryy", qubits, angles)], []
        case "iswap":
            return [], [Gate("xy", qubits, (-math.pi / 2,))], []
        case "ecr":
            echo = [Gate("rzx", qubits, (sign * math.pi / 4,)) for sign in (1, -1)]
            return [echo[0]], [Gate("x", qubits[:1])], [echo[1]]
        case "ccx":
            turn = [Gate("h", (target,))]
            return turn, [Gate("ccz", qubits)], turn
        case "cswap":
            control, a, b = qubits
            ends = [Gate("cx", (b, a))]
            return ends, [Gate("ccx", (control, a, b))], ends
    raise AssertionError(f"gate {name!r} has no form under control")


def phase_of_all(angle: Any, qubits: tuple[int, ...]) -> list[Gate]:
    """Phase ``exp(i angle)`` where all ``qubits`` are one; about ``2 ** (len(qubits) + 1)`` gates.

    The product of bits is a sum of parities: ``x_1 … x_k`` is the sum over subsets of their
    parity, with sign, over ``2 ** (k - 1)``. Each qubit gathers its parities in Gray code order.
    """
    match len(qubits):
        case 1:
            return [Gate("p", qubits, (angle,))]
        case 2:
            return [Gate("cp", qubits, (angle,))]
        case 3 if angle == math.pi:
            return [Gate("ccz", qubits)]
        case 3 | 4:
            *rest, last, target = qubits
            flip = [Gate("cx" if len(rest) == 1 else "ccx", (*rest, last))]
            there = Gate("cp", (last, target), (angle / 2,))
            back = Gate("cp", (last, target), (angle / -2,))
            halved = phase_of_all(angle / 2, (*rest, target))
            return [there, *flip, back, *flip, *halved]
    part = angle / 2 ** (len(qubits) - 1)
    gates = []
    for k, target in enumerate(qubits):
        gates.append(Gate("p", (target,), (part,)))
        for code in range(1, 1 << k):
            changed = (code & -code).bit_length() - 1
            gates.append(Gate("cx", (qubits[changed], target)))
            odd = (code ^ code >> 1).bit_count() % 2
            gates.append(Gate("p", (target,), (-part if odd else part,)))
        if k:
            gates.append(Gate("cx", (qubits[k - 1], target)))
    return gates
