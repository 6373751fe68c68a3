"""Operations: what the compiler works on, unitary matrices on one qubit or two.

A circuit is *lowered* to operations, which are *gathered*: runs on one qubit and runs on one pair
become one matrix each, so that it no longer matters in which gates they were written.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Complex128

from qupel.errors import InputError
from qupel.model.circuit import Circuit, Gate
from qupel.model.gates import GATES, SWAP, X, Z

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
    return Operation(qubits, matrix, _axes(matrix.tobytes(), len(matrix)))


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
    held: list[Operation | None] = []
    past: dict[int, list[int]] = {}
    for item in operations:
        if len(item.qubits) == 1:
            [q] = item.qubits
            places = past.setdefault(q, [])
            before = held[places[-1]] if places else None
            if before is not None and len(before.qubits) == 1:
                held[places.pop()] = None
                item = operation(item.qubits, item.matrix @ before.matrix)
        else:
            item = _joined(item, held, past)
        for q in item.qubits:
            past.setdefault(q, []).append(len(held))
        held.append(item)
    return [item for item in held if item is not None]


def _joined(item: Operation, held: list[Operation | None], past: dict[int, list[int]]) -> Operation:
    """``item`` with the last operation on its pair, if that one can move up to it."""
    block_at = _last_on_pair(item, held, past)
    if block_at is None:
        return item
    block = held[block_at]
    assert block is not None
    taken: dict[int, list[int]] = {}
    locals_: list[Any] = []
    for q, axis in zip(block.qubits, block.axes, strict=True):
        matrix = np.eye(2, dtype=np.complex128)
        taken[q] = []
        for k in reversed(_since(past[q], block_at)):
            after = held[k]
            assert after is not None
            if axis is not None and after.axes[after.qubits.index(q)] == axis:
                continue
            if len(after.qubits) == 2:
                return item
            matrix = after.matrix @ matrix
            taken[q].append(k)
            axis = None  # noqa: PLW2901  # with a turn on top, only turns can be passed together
        locals_.append(matrix)
    whole = np.kron(locals_[1], locals_[0]) @ block.matrix
    for q in block.qubits:
        gone = {block_at, *taken[q]}
        past[q][:] = [k for k in past[q][:-_BACK] if k not in gone] + [
            k for k in past[q][-_BACK:] if k not in gone
        ]
        for k in gone:
            held[k] = None
    if block.qubits != item.qubits:
        whole = whole.reshape(2, 2, 2, 2).transpose(1, 0, 3, 2).reshape(4, 4)
    return operation(item.qubits, item.matrix @ whole)


def _last_on_pair(
    item: Operation, held: Sequence[Operation | None], past: dict[int, list[int]]
) -> int | None:
    a, b = item.qubits
    pair = {a, b}
    for k in reversed(past.get(a, [])[-_BACK:]):
        other = held[k]
        if other is not None and set(other.qubits) == pair:
            return k if k in past[b][-_BACK:] else None
    return None


def _since(places: list[int], start: int) -> list[int]:
    """Places after ``start``, last first."""
    out = []
    for k in reversed(places):
        if k == start:
            break
        out.append(k)
    return out


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


@lru_cache(maxsize=65536)
def _axes(held: bytes, side: int) -> tuple[Axis, ...]:
    matrix = np.frombuffer(held, np.complex128).reshape(side, side)
    if side == 2:
        return (_axis(matrix, Z, X),)
    eye = np.eye(2)
    first = _axis(matrix, np.kron(eye, Z), np.kron(eye, X))
    return first, _axis(matrix, np.kron(Z, eye), np.kron(X, eye))


def _axis(matrix: Any, z: Any, x: Any) -> Axis:
    for name, pauli in (("Z", z), ("X", x)):
        if np.abs(matrix @ pauli - pauli @ matrix).max() < _NEAR:
            return name
    return None


def angle_of(value: float) -> float:
    """The same angle from -pi to pi."""
    return math.remainder(value, 2 * math.pi)
