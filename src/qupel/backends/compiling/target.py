"""Targets: what a circuit is compiled for, a gate set and the pairs that a gate can join."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from qupel.errors import InputError

Edges = tuple[tuple[int, int], ...]

#: Two-qubit gates the compiler writes: fixed ones, and those of any angle.
FIXED, FREE = ("cz", "cx", "ecr", "iswap"), ("rzz", "rxx")
#: How turns of one qubit are written: the gates that each way needs.
TURNS = {"sx": ("rz", "sx"), "rx": ("rz", "rx"), "ry": ("rz", "ry"), "u": ("u",)}


class Device(Protocol):
    """As much of a device profile as the compiler looks at."""

    @property
    def name(self) -> str:
        """Name of the device."""
        ...

    @property
    def qubits(self) -> int:
        """Physical qubits."""
        ...

    @property
    def native_gates(self) -> tuple[str, ...]:
        """Names of the gates it runs."""
        ...

    def coupling(self) -> Edges | None:
        """Coupled pairs; None where all are."""
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """A gate set and a coupling map.

    Attributes
    ----------
    qubits
        Physical qubits.
    gates
        Native gates by name. The compiler uses one two-qubit gate (``cz``, ``cx``, ``ecr``,
        ``iswap``, ``rzz`` or ``rxx``) and either ``rz`` with ``sx``, ``rx`` or ``ry``, or ``u``;
        ``x`` where it saves a gate.
    edges
        Pairs that a two-qubit gate can act on; None if all pairs.
    fractional
        Prefer gates of any angle where the device has fixed ones too: ``rzz`` or ``rxx``, and
        ``rx`` beside ``sx``.
    directed
        Whether ``cx`` and ``ecr`` act on a pair only in the order in which it stands in ``edges``.

    Raises
    ------
    InputError
        If the gates do not suffice, or an edge names a qubit that is not there.
    """

    qubits: int
    gates: frozenset[str]
    edges: Edges | None = None
    fractional: bool = False
    directed: bool = False

    def __post_init__(self) -> None:
        if self.qubits < 1:
            raise InputError(f"qubits must be at least 1, got {self.qubits}")
        for edge in self.edges or ():
            if len(set(edge)) != 2 or not all(0 <= q < self.qubits for q in edge):
                raise InputError(f"edge {edge} does not join two of {self.qubits} qubits")
        _ = self.turns
        if self.qubits > 1:
            _ = self.entangler

    @classmethod
    def of(cls, device: Device, fractional: bool = False) -> Target:
        """Target of a device profile; `InputError` if it runs no circuits."""
        if not device.native_gates:
            raise InputError(
                f"device {device.name!r} has no native gates: it runs no circuits; "
                "choose a gate device"
            )
        return cls(device.qubits, frozenset(device.native_gates), device.coupling(), fractional)

    @property
    def entangler(self) -> str:
        """The two-qubit gate that is written."""
        order = (*FREE, *FIXED) if self.fractional else (*FIXED, *FREE)
        found = next((name for name in order if name in self.gates), None)
        if found is None:
            raise _short(self.gates, f"one of {', '.join((*FIXED, *FREE))}")
        return found

    @property
    def turns(self) -> str:
        """How turns of one qubit are written: ``sx``, ``rx``, ``ry`` or ``u``."""
        found = next((way for way, gates in TURNS.items() if self.gates.issuperset(gates)), None)
        if found is None:
            raise _short(self.gates, "rz with sx, rx or ry, or u")
        return found


def largest_part(qubits: int, edges: Iterable[tuple[int, int]]) -> tuple[int, ...]:
    """Qubits of the largest part of a coupling map that hangs together; the first of equals."""
    beside: list[list[int]] = [[] for _ in range(qubits)]
    for a, b in edges:
        beside[a].append(b)
        beside[b].append(a)
    best: list[int] = []
    seen: set[int] = set()
    for root in range(qubits):
        if root in seen:
            continue
        seen.add(root)
        part = [root]
        for q in part:
            new = set(beside[q]) - seen
            seen |= new
            part += new
        best = max(best, part, key=len)
    return tuple(sorted(best))


def _short(gates: frozenset[str], need: str) -> InputError:
    return InputError(
        f"the gate set {', '.join(sorted(gates))} cannot be compiled to: it needs {need}"
    )
