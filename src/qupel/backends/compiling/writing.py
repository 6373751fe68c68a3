"""Writing operations as native gates, with Z turns moved on wherever they commute."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from qupel.backends.compiling.operations import Operation
from qupel.backends.compiling.pairs import Joint, pieces
from qupel.backends.compiling.target import Target
from qupel.backends.compiling.turns import Matrix, Step, around_z, flat, product, rz, written
from qupel.model.gate import Gate
from qupel.model.gates import H, X

#: Which qubits of a native gate a Z turn can be moved through.
_THROUGH = {
    "cz": (True, True),
    "rzz": (True, True),
    "cx": (True, False),
}
_NEITHER = (False, False)
#: Native gates whose two qubits do different things.
_ONE_WAY = ("cx", "ecr")
_H, _X = flat(H), flat(X)


def native_gates(
    operations: Iterable[Operation],
    qubits: int,
    target: Target,
    directed: Collection[tuple[int, int]] | None = None,
) -> list[Gate]:
    """Native gates of operations, in order; runs of turns are merged as they come.

    ``directed`` are the pairs on which ``cx`` and ``ecr`` act in this order only; None for both.
    """
    writer = _Writer(qubits, target)
    for item in operations:
        if len(item.qubits) == 1:
            writer.turn(item.qubits[0], flat(item.matrix))
            continue
        for piece in pieces(item.matrix, target.entangler):
            if isinstance(piece, Joint):
                a, b = (item.qubits[slot] for slot in piece.slots)
                if directed is None or (a, b) in directed or piece.name not in _ONE_WAY:
                    writer.join(piece.name, piece.angles, a, b)
                else:
                    writer.join_reversed(piece.name, a, b)
            else:
                writer.turn(item.qubits[piece.slot], piece.matrix)
    return writer.finished()


class _Writer:
    """Holds back the turn of every qubit until a gate on two qubits needs it done."""

    def __init__(self, qubits: int, target: Target) -> None:
        self._held: list[Matrix | None] = [None] * qubits
        self._way, self._flips = target.turns, "x" in target.gates
        self._free = target.fractional and "rx" in target.gates
        self._gates: list[Gate] = []

    def turn(self, qubit: int, matrix: Matrix) -> None:
        held = self._held[qubit]
        self._held[qubit] = matrix if held is None else product(matrix, held)

    def join(self, name: str, angles: tuple[float, ...], a: int, b: int) -> None:
        for qubit, through in zip((a, b), _THROUGH.get(name, _NEITHER), strict=True):
            self._write(qubit, through)
        self._gates.append(Gate(name, (a, b), angles))

    def join_reversed(self, name: str, a: int, b: int) -> None:
        """``cx`` or ``ecr`` from ``a`` to ``b`` by the one from ``b`` to ``a``.

        Between two H on both qubits a ``cx`` is the reversed one; an ``ecr`` is X on its first
        qubit after a turn around ZX, which is so reversed too.
        """
        for qubit in (a, b):
            self.turn(qubit, _H)
        self.join(name, (), b, a)
        if name == "ecr":
            self.turn(b, _X)
        for qubit in (a, b):
            self.turn(qubit, _H)
        if name == "ecr":
            self.turn(a, _X)

    def finished(self) -> list[Gate]:
        for qubit in range(len(self._held)):
            self._write(qubit, keep=False)
        return self._gates

    def _write(self, qubit: int, keep: bool) -> None:
        """Write what a qubit is to turn; ``keep`` its last Z turn back."""
        matrix = self._held[qubit]
        if matrix is None:
            return
        steps, last = written(matrix, self._way, self._flips, self._free)
        self._held[qubit] = around_z(last) if keep and last else None
        if not keep:
            steps = _with_last(steps, last, self._way)
        self._gates += [Gate(name, (qubit,), angles) for name, angles in steps]


def _with_last(steps: list[Step], last: float, way: str) -> list[Step]:
    if way == "u" and steps:
        [(name, (theta, _, lam))] = steps
        return [(name, (theta, last, lam))]
    return [*steps, *rz(last, way)]
