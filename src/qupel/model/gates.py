"""The gates a circuit may hold: their sizes, their matrices, their inverses.

This table is the one definition of every gate. The first qubit that a gate names is the lowest
bit of its matrix's index, so a controlled gate, whose controls come first, acts where the low
bits are one. Angles are in radians. Where a gate has a namesake in OpenQASM 3 or in Qiskit it is
that gate, global phase included; `u` is Qiskit's, which is OpenQASM's ``U`` without the global
phase ``exp(i theta/2)``.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Complex128

from qupel.errors import InputError, unknown_name


@dataclass(frozen=True, slots=True)
class GateKind:
    """What all gates of one name have in common.

    Attributes
    ----------
    qubits
        How many different qubits it acts on.
    angles
        How many angles it takes.
    unitary
        Its matrix, from its angles.
    undone_by
        Name of the gate that undoes it, given the same angles negated; `u`, whose angles change
        places too, is the exception (see `inverse`).
    """

    qubits: int
    angles: int
    unitary: Callable[..., Any]
    undone_by: str


def matrix(name: str, angles: Sequence[float] = ()) -> Complex128[np.ndarray, "side side"]:
    """Unitary matrix of a gate; the first qubit it names is the lowest bit of the index.

    Raises
    ------
    InputError
        If no gate has that name, or it takes another number of angles.
    """
    kind = kind_of(name)
    if len(angles) != kind.angles:
        raise InputError(f"gate {name!r} takes {kind.angles} angles, got {len(angles)}")
    return np.array(kind.unitary(*angles), dtype=np.complex128)


def kind_of(name: str) -> GateKind:
    """Size and definition of the gate called ``name``; `InputError` if there is none."""
    try:
        return GATES[name]
    except KeyError:
        raise unknown_name("gate", name, GATES) from None


def inverse(name: str, angles: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """Name and angles of the gate that undoes this one; angles need only know their negative."""
    if name == "u":
        theta, phi, lam = angles
        return "u", (-theta, -lam, -phi)
    if name == "iswap":
        return "xy", (math.pi / 2,)
    return GATES[name].undone_by, tuple(-angle for angle in angles)


I = np.eye(2)  # noqa: E741
X = np.array([[0, 1], [1, 0]])
Y = np.array([[0, -1j], [1j, 0]])
Z = np.diag([1, -1])
H = np.array([[1, 1], [1, -1]]) / math.sqrt(2)
SX = np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]) / 2
SWAP = np.eye(4)[[0, 2, 1, 3]]


def _phase(angle: float) -> Any:
    return np.diag([1, cmath.exp(1j * angle)])


def _u(theta: float, phi: float, lam: float) -> Any:
    c, s = math.cos(theta / 2), math.sin(theta / 2)
    return np.array(
        [
            [c, -cmath.exp(1j * lam) * s],
            [cmath.exp(1j * phi) * s, cmath.exp(1j * (phi + lam)) * c],
        ]
    )


def _rotation(pauli: Any) -> Callable[[float], Any]:
    """``exp(-i angle/2 P)`` of a matrix that squares to one."""

    def turned(angle: float) -> Any:
        return math.cos(angle / 2) * np.eye(len(pauli)) - 1j * math.sin(angle / 2) * pauli

    return turned


def _pair(first: Any, second: Any) -> Any:
    """One operator on the gate's first qubit and one on its second."""
    return np.kron(second, first)


def _xy(beta: float) -> Any:
    out = np.eye(4, dtype=np.complex128)
    out[1, 1] = out[2, 2] = math.cos(beta)
    out[1, 2] = out[2, 1] = -1j * math.sin(beta)
    return out


def _controlled(target: Any) -> Any:
    """One where the new lowest bit is zero, ``target`` on the other bits where it is one."""
    out = np.eye(2 * len(target), dtype=np.complex128)
    out[1::2, 1::2] = target
    return out


def _fixed(held: Any) -> Callable[[], Any]:
    return lambda: held


def _under_control(of: Callable[[float], Any]) -> Callable[[float], Any]:
    return lambda angle: _controlled(of(angle))


_RX, _RY, _RZ = _rotation(X), _rotation(Y), _rotation(Z)
_CX = _controlled(X)
_ISWAP = np.array([[1, 0, 0, 0], [0, 0, 1j, 0], [0, 1j, 0, 0], [0, 0, 0, 1]])
# Echoed cross resonance: exp(i pi/4 ZX) X exp(-i pi/4 ZX), the X on the first qubit.
_ECR = (_pair(X, I) - _pair(Y, X)) / math.sqrt(2)

#: Every gate by name.
GATES: Mapping[str, GateKind] = MappingProxyType(
    {
        "id": GateKind(1, 0, _fixed(I), "id"),
        "x": GateKind(1, 0, _fixed(X), "x"),
        "y": GateKind(1, 0, _fixed(Y), "y"),
        "z": GateKind(1, 0, _fixed(Z), "z"),
        "h": GateKind(1, 0, _fixed(H), "h"),
        "s": GateKind(1, 0, _fixed(np.diag([1, 1j])), "sdg"),
        "sdg": GateKind(1, 0, _fixed(np.diag([1, -1j])), "s"),
        "t": GateKind(1, 0, _fixed(_phase(math.pi / 4)), "tdg"),
        "tdg": GateKind(1, 0, _fixed(_phase(-math.pi / 4)), "t"),
        "sx": GateKind(1, 0, _fixed(SX), "sxdg"),
        "sxdg": GateKind(1, 0, _fixed(SX.conj().T), "sx"),
        "rx": GateKind(1, 1, _RX, "rx"),
        "ry": GateKind(1, 1, _RY, "ry"),
        "rz": GateKind(1, 1, _RZ, "rz"),
        "p": GateKind(1, 1, _phase, "p"),
        "u": GateKind(1, 3, _u, "u"),
        "cx": GateKind(2, 0, _fixed(_CX), "cx"),
        "cy": GateKind(2, 0, _fixed(_controlled(Y)), "cy"),
        "cz": GateKind(2, 0, _fixed(_controlled(Z)), "cz"),
        "ch": GateKind(2, 0, _fixed(_controlled(H)), "ch"),
        "swap": GateKind(2, 0, _fixed(SWAP), "swap"),
        "iswap": GateKind(2, 0, _fixed(_ISWAP), "xy"),
        "ecr": GateKind(2, 0, _fixed(_ECR), "ecr"),
        "cp": GateKind(2, 1, _under_control(_phase), "cp"),
        "crx": GateKind(2, 1, _under_control(_RX), "crx"),
        "cry": GateKind(2, 1, _under_control(_RY), "cry"),
        "crz": GateKind(2, 1, _under_control(_RZ), "crz"),
        "rxx": GateKind(2, 1, _rotation(_pair(X, X)), "rxx"),
        "ryy": GateKind(2, 1, _rotation(_pair(Y, Y)), "ryy"),
        "rzz": GateKind(2, 1, _rotation(_pair(Z, Z)), "rzz"),
        "rzx": GateKind(2, 1, _rotation(_pair(Z, X)), "rzx"),
        "xy": GateKind(2, 1, _xy, "xy"),
        "ccx": GateKind(3, 0, _fixed(_controlled(_CX)), "ccx"),
        "ccz": GateKind(3, 0, _fixed(_controlled(_controlled(Z))), "ccz"),
        "cswap": GateKind(3, 0, _fixed(_controlled(SWAP)), "cswap"),
    }
)
