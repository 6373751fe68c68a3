"""Gates that OpenQASM texts name beyond the table of `qupel.model.gates`, in its terms."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Complex128

from qupel.model.control import PHASE, controlled, phase_of_all
from qupel.model.gate import Gate
from qupel.model.gates import GATES, matrix

Qubits = tuple[int, ...]
Angles = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """A gate the reader knows: how many qubits and angles it takes, and what it stands for.

    ``depth`` is how many levels of definitions are under it.
    """

    qubits: int
    angles: int
    gates: Callable[[Qubits, Angles], list[Gate]]
    depth: int = 0


def library(version: int) -> Mapping[str, Known]:
    """Every gate a text may use without defining it, global phases as that version has them.

    In version 3 ``U`` has a global phase ``exp(i theta/2)`` over `u`, which counts under control;
    in version 2, which has no control, such phases are left out.
    """
    phased = version == 3
    own = {
        name: Known(kind.qubits, kind.angles, partial(_own, name)) for name, kind in GATES.items()
    }
    return MappingProxyType({**own, **MORE, **(PHASED if phased else UNPHASED)})


def dense(gates: Iterable[Gate], qubits: int) -> Complex128[np.ndarray, "side side"]:
    """Matrix of a few gates on a few qubits, global phases included."""
    out = np.eye(1 << qubits, dtype=np.complex128)
    states = np.arange(1 << qubits)
    for gate in gates:
        if gate.name == PHASE:
            out *= np.exp(1j * float(gate.angles[0]))  # type: ignore[arg-type]
            continue
        small = matrix(gate.name, gate.angles)  # type: ignore[arg-type]
        mask = sum(1 << q for q in gate.qubits)
        inside = np.zeros_like(states)
        for k, q in enumerate(gate.qubits):
            inside |= ((states >> q) & 1) << k
        same = (states[:, None] & ~mask) == (states & ~mask)
        out = np.where(same, small[np.ix_(inside, inside)], 0) @ out
    return out


def _own(name: str, qubits: Qubits, angles: Angles) -> list[Gate]:
    return [Gate(name, qubits, angles)]


def _phase(angle: Any) -> Gate:
    return Gate(PHASE, (), (angle,))


def _u(qubits: Qubits, angles: Angles) -> list[Gate]:
    return [Gate("u", qubits, angles)]


def _u_of_version_3(qubits: Qubits, angles: Angles) -> list[Gate]:
    return [Gate("u", qubits, angles), _phase(angles[0] / 2)]


def _u2(qubits: Qubits, angles: Angles) -> list[Gate]:
    return [Gate("u", qubits, (math.pi / 2, *angles))]


def _centred(of: Callable[[Qubits, Angles], list[Gate]], qubits: Qubits, angles: Angles) -> Any:
    """Gates with determinant one, as version 3 has ``u2`` and ``u3``."""
    return [*of(qubits, angles), *(_phase(angle / -2) for angle in angles[-2:])]


def _cu(qubits: Qubits, angles: Angles) -> list[Gate]:
    theta, phi, lam, gamma = angles
    control, target = qubits
    turned = controlled(Gate("u", (target,), (theta, phi, lam)), (control,))
    return [Gate("p", (control,), (gamma,)), *turned]


def _cu3(qubits: Qubits, angles: Angles) -> list[Gate]:
    return controlled(Gate("u", qubits[1:], angles), qubits[:1])


def _under(name: str, qubits: Qubits, angles: Angles) -> list[Gate]:
    return controlled(Gate(name, qubits[1:], angles), qubits[:1])


def _flip_of_all(qubits: Qubits, angles: Angles) -> list[Gate]:
    turn = Gate("h", qubits[-1:])
    return [turn, *phase_of_all(math.pi, qubits), turn]


def _sequence(text: str) -> Callable[[Qubits, Angles], list[Gate]]:
    """Gates without angles, such as ``h2 cx12``: a name, then a digit for each qubit."""
    steps = [(word.rstrip("0123"), word[len(word.rstrip("0123")) :]) for word in text.split()]

    def placed(qubits: Qubits, angles: Angles) -> list[Gate]:
        return [Gate(name, tuple(qubits[int(k)] for k in digits)) for name, digits in steps]

    return placed


def _dcx(qubits: Qubits, angles: Angles) -> list[Gate]:
    return [Gate("cx", qubits), Gate("cx", qubits[::-1])]


MORE: Mapping[str, Known] = MappingProxyType(
    {
        PHASE: Known(0, 1, lambda _, angles: [_phase(angles[0])]),
        "phase": Known(1, 1, partial(_own, "p")),
        "u1": Known(1, 1, partial(_own, "p")),
        "CX": Known(2, 0, partial(_own, "cx")),
        "cphase": Known(2, 1, partial(_own, "cp")),
        "cu1": Known(2, 1, partial(_own, "cp")),
        "cu3": Known(2, 3, _cu3),
        "cu": Known(2, 4, _cu),
        "cs": Known(2, 0, partial(_under, "s")),
        "csdg": Known(2, 0, partial(_under, "sdg")),
        "csx": Known(2, 0, partial(_under, "sx")),
        "dcx": Known(2, 0, _dcx),
        # Toffoli gates up to signs and phases of the controls' states, by Maslov (2016),
        # doi:10.1103/PhysRevA.93.022311.
        "rccx": Known(3, 0, _sequence("h2 t2 cx12 tdg2 cx02 t2 cx12 tdg2 h2")),
        "rc3x": Known(
            4,
            0,
            _sequence("h3 t3 cx23 tdg3 h3 cx03 t3 cx13 tdg3 cx03 t3 cx13 tdg3 h3 t3 cx23 tdg3 h3"),
        ),
        "c3sqrtx": Known(4, 0, lambda qubits, _: controlled(Gate("sx", qubits[3:]), qubits[:3])),
        "c3x": Known(4, 0, _flip_of_all),
        "c4x": Known(5, 0, _flip_of_all),
    }
)
UNPHASED: Mapping[str, Known] = MappingProxyType(
    {
        "U": Known(1, 3, _u),
        "u3": Known(1, 3, _u),
        "u2": Known(1, 2, _u2),
        "u0": Known(1, 1, lambda qubits, _: [Gate("id", qubits)]),
    }
)
PHASED: Mapping[str, Known] = MappingProxyType(
    {
        "U": Known(1, 3, _u_of_version_3),
        "u3": Known(1, 3, partial(_centred, _u)),
        "u2": Known(1, 2, partial(_centred, _u2)),
    }
)
