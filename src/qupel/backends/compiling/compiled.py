"""Compiled circuits: what comes out of a compiler, ours or another's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

from qupel.model.circuit import Circuit


@dataclass(frozen=True, slots=True)
class Size:
    """How large a circuit is.

    Attributes
    ----------
    qubits
        Qubits that a gate or a measurement touches.
    depth
        Longest chain of gates.
    gates
        Gates by name.
    two_qubit_gates
        Gates on exactly two qubits.
    """

    qubits: int
    depth: int
    gates: Mapping[str, int]
    two_qubit_gates: int

    @classmethod
    def of(cls, circuit: Circuit) -> Self:
        """Count a circuit."""
        used = {q for gate in circuit.gates for q in gate.qubits} | set(circuit.measured or ())
        gates = MappingProxyType(dict(sorted(circuit.counts().items())))
        return cls(len(used), circuit.depth(), gates, circuit.two_qubit_gates())


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """A circuit in a device's gates, on pairs that it couples.

    Attributes
    ----------
    circuit
        Its qubits are the device's; where all pairs are coupled it has as many as the original.
        It measures what the original measures, in the same order, wherever that has come to be:
        readings need no sorting. An original that measures nothing is measured whole.
    start, end
        The physical qubit of each logical one before the first gate and after the last.
    given
        Size of the original.
    unrouted
        Size in native gates if all pairs were coupled.
    compiled
        Size of ``circuit``.
    seconds
        How long compiling took.
    """

    circuit: Circuit
    start: tuple[int, ...]
    end: tuple[int, ...]
    given: Size
    unrouted: Size
    compiled: Size
    seconds: float

    @property
    def added_depth(self) -> int:
        """Depth less the original's."""
        return self.compiled.depth - self.given.depth

    @property
    def added_gates(self) -> dict[str, int]:
        """Gates by name, less the original's: negative where a gate was written in others."""
        names = sorted({*self.given.gates, *self.compiled.gates})
        more = {n: self.compiled.gates.get(n, 0) - self.given.gates.get(n, 0) for n in names}
        return {name: count for name, count in more.items() if count}

    @property
    def routing_gates(self) -> int:
        """Two-qubit gates that are there only because not all pairs are coupled."""
        return self.compiled.two_qubit_gates - self.unrouted.two_qubit_gates

    def compact(self) -> tuple[Circuit, tuple[int, ...]]:
        """The circuit on the qubits it touches alone, and the physical qubit of each."""
        touched = {q for gate in self.circuit.gates for q in gate.qubits}
        used = sorted(touched | set(self.circuit.measured or ()))
        place = {q: k for k, q in enumerate(used)}
        gates = (
            type(gate)(gate.name, tuple(place[q] for q in gate.qubits), gate.angles)
            for gate in self.circuit.gates
        )
        measured = [place[q] for q in self.circuit.measured or ()]
        return Circuit(len(used), gates, measured or None), tuple(used)
