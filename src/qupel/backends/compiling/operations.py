"""Operations: what the compiler works on, unitary matrices on one qubit or two.

A circuit is *lowered* to operations, which are *gathered*: runs on one qubit and runs on one pair
become one matrix each, so that it no longer matters in which gates they were written.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Complex128

from qupel.errors import InputError
from qupel.model.circuit import Circuit
from qupel.model.gate import Gate
from qupel.model.gates import GATES, SWAP

#: In what basis an operation is diagonal on one of its qubits, where it is in one.
Axis = str | None

#: Operations on a pair's qubits that are looked through for an earlier one on the same pair.
_BACK = 64
_NEAR = 1e-11


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """A unitary on one qubit or two.

    Attributes
    ----------
    qubits
        The first is the lowest bit of the matrix's index.
    matrix
        Its unitary.
    axes
        For each qubit ``"Z"`` or ``"X"`` if the operation commutes with that Pauli matrix on it,
        else None. Two operations commute if they have the same axis on every qubit they share.
    """

    qubits: tuple[int, ...]
    matrix: Complex128[np.ndarray, "side side"]
    axes: tuple[Axis, ...]

    def on(self, qubits: tuple[int, ...]) -> Operation:
        """The same on other qubits."""
        return Operation(qubits, self.matrix, self.axes)


def operation(qubits: tuple[int, ...], matrix: Complex128[np.ndarray, "side side"]) -> Operation:
    """Operation of a matrix, its axes found from it."""
    return Operation(qubits, matrix, axes_of(matrix))


def swap(a: int, b: int) -> Operation:
    """Exchange of two qubits."""
    return Operation((a, b), SWAP.astype(np.complex128), (None, None))


def lowered(circuit: Circuit) -> tuple[list[Operation], tuple[int, ...]]:
    """Operations of a circuit, and the wire on which each qubit ends.

    A gate on three qubits is taken apart. A ``swap`` is no operation: from there on the two
    qubits have exchanged wires.

    Raises
    ------
    InputError
        If the circuit has free parameters.
    """
    if circuit.parameter_names:
        raise InputError(
            f"the circuit has free parameters {', '.join(circuit.parameter_names)}; "
            "bind them before it is compiled: circuit.bind(values)"
        )
    wire = list(range(circuit.qubits))
    out = []
    for gate in circuit.gates:
        for part in _apart(gate) if len(gate.qubits) == 3 else (gate,):
            if part.name == "swap":
                a, b = part.qubits
                wire[a], wire[b] = wire[b], wire[a]
            elif part.name != "id":
                out.append(_of_gate(part.name, part.angles).on(tuple(wire[q] for q in part.qubits)))
    return out, tuple(wire)


def gathered(operations: Iterable[Operation]) -> list[Operation]:
    """Merge runs on one qubit, and operations on one pair that nothing keeps apart.

    An operation joins an earlier one on its pair if that can be moved up to it: past whatever
    commutes with it, and together with one-qubit operations in between.
    """
    held = _Held()
    for item in operations:
        held.add(item)
    return [item for k, item in enumerate(held.items) if k not in held.gone]


class _Held:
    """Operations as they are gathered, and for each qubit the places of those on it."""

    def __init__(self) -> None:
        self.items: list[Operation] = []
        self.gone: set[int] = set()
        self._past: dict[int, list[int]] = {}

    def add(self, item: Operation) -> None:
        merged = self._turned(item) if len(item.qubits) == 1 else self._joined(item)
        for q in merged.qubits:
            self._past.setdefault(q, []).append(len(self.items))
        self.items.append(merged)

    def _turned(self, item: Operation) -> Operation:
        """A turn with the turn before it, if that is the last on its qubit."""
        places = self._past.get(item.qubits[0])
        if not places or len(self.items[places[-1]].qubits) == 2:
            return item
        before = self.items[places[-1]]
        self.gone.add(places.pop())
        return operation(item.qubits, item.matrix @ before.matrix)

    def _joined(self, item: Operation) -> Operation:
        """``item`` with the last operation on its pair, if that one can move up to it."""
        start = self._last_on_pair(item)
        if start is None:
            return item
        block = self.items[start]
        taken = {start}
        turns = []
        for q, axis in zip(block.qubits, block.axes, strict=True):
            turn = np.eye(2, dtype=np.complex128)
            passes = axis
            for k in _since(self._past[q], start):
                after = self.items[k]
                if passes is not None and after.axes[after.qubits.index(q)] == passes:
                    continue
                if len(after.qubits) == 2:
                    return item
                turn = after.matrix @ turn
                taken.add(k)
                passes = None  # with a turn on top it can take up further turns, and pass nothing
            turns.append(turn)
        for q in block.qubits:
            places = self._past[q]
            tail = bisect_left(places, start)
            places[tail:] = [k for k in places[tail:] if k not in taken]
        self.gone |= taken
        whole = tensor(turns[1], turns[0]) @ block.matrix
        if block.qubits != item.qubits:
            whole = whole.reshape(2, 2, 2, 2).transpose(1, 0, 3, 2).reshape(4, 4)
        return operation(item.qubits, item.matrix @ whole)

    def _last_on_pair(self, item: Operation) -> int | None:
        a, b = item.qubits
        there = set(self._past.get(b, [])[-_BACK:])
        for k in reversed(self._past.get(a, [])[-_BACK:]):
            if k in there:
                return k
        return None


def tensor(second: Any, first: Any) -> Any:
    """``second ⊗ first`` of two turns; for four numbers each, ``np.kron`` is slow."""
    return (second[:, None, :, None] * first[None, :, None, :]).reshape(4, 4)


def _since(places: list[int], start: int) -> list[int]:
    """Places after ``start``, in order."""
    return places[bisect_right(places, start) :]


def _apart(gate: Gate) -> list[Gate]:
    """A gate on three qubits as gates on one and two; Barenco et al. (1995), section 6."""
    first, second, target = gate.qubits
    if gate.name == "cswap":
        ends = Gate("cx", (target, second))
        return [ends, *_apart(Gate("ccx", gate.qubits)), ends]
    middle = [
        Gate("cx", (second, target)),
        Gate("tdg", (target,)),
        Gate("cx", (first, target)),
        Gate("t", (target,)),
        Gate("cx", (second, target)),
        Gate("tdg", (target,)),
        Gate("cx", (first, target)),
        Gate("t", (target,)),
        Gate("t", (second,)),
        Gate("cx", (first, second)),
        Gate("tdg", (second,)),
        Gate("cx", (first, second)),
        Gate("t", (first,)),
    ]
    if gate.name == "ccz":
        return middle
    turn = Gate("h", (target,))
    return [turn, *middle, turn]


@lru_cache(maxsize=4096)
def _of_gate(name: str, angles: tuple[float, ...]) -> Operation:
    kind = GATES[name]
    matrix = np.array(kind.unitary(*angles), dtype=np.complex128)
    return operation(tuple(range(kind.qubits)), matrix)


def axes_of(matrix: Complex128[np.ndarray, "side side"]) -> tuple[Axis, ...]:
    """For each qubit the Pauli matrix, Z or X, with which a unitary commutes; None for none."""
    return tuple(_axis(matrix.tolist(), bit) for bit in (1, 2)[: len(matrix) // 2])


def _axis(rows: list[list[complex]], bit: int) -> Axis:
    """Z if no entry joins two values of the bit, X if entries stay when it is flipped in both.

    Plain numbers are several times quicker here than arrays of four rows.
    """
    places = range(len(rows))
    if all(abs(rows[i][j]) < _NEAR for i in places for j in places if (i ^ j) & bit):
        return "Z"
    if all(abs(rows[i][j] - rows[i ^ bit][j ^ bit]) < _NEAR for i in places for j in places):
        return "X"
    return None
