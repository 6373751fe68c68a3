"""Two-qubit unitaries in one native two-qubit gate and turns, with as few of it as they need.

In ``cx``, ``cz``, ``ecr`` or ``iswap`` a unitary needs none to three, in ``rzz`` or ``rxx`` of any
angle as many as it has Weyl coordinates that are not zero. Three ``cx``: Vatan & Williams (2004),
doi:10.1103/PhysRevA.69.032315, figure 6. Two: Shende, Markov & Bullock (2004),
doi:10.1103/PhysRevA.69.062321.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from qupel.backends.compiling.operations import Axis, axes_of, tensor
from qupel.backends.compiling.turns import Matrix, around_z, flat, product
from qupel.backends.compiling.weyl import TURNS, Weyl, weyl
from qupel.model.gates import SWAP, H, I, X, Z

#: Weyl coordinates below this are nothing.
_NOTHING = 1e-10
_QUARTER = math.pi / 4
_H, _X, _Z = flat(H), flat(X), flat(Z)


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """A turn of the pair's first (0) or second (1) qubit."""

    slot: int
    matrix: Matrix


@dataclass(frozen=True, slots=True)
class Joint:
    """A native gate on the pair; ``slots`` is its order of the two qubits."""

    name: str
    angles: tuple[float, ...]
    slots: tuple[int, int]


Piece = Turn | Joint


def pieces(matrix: Any, native: str) -> tuple[Piece, ...]:
    """Native gates and turns that multiply to ``matrix`` up to a global phase, first to last."""
    return _pieces(matrix.tobytes(), native)


@lru_cache(maxsize=65536)
def _pieces(held: bytes, native: str) -> tuple[Piece, ...]:
    matrix = np.frombuffer(held, np.complex128).reshape(4, 4)
    if native == "iswap":
        return tuple(_in_iswaps(matrix))
    axes = axes_of(matrix)
    if None not in axes:
        return tuple(_along(matrix, axes, native))
    split = weyl(matrix)
    free = native in ("rzz", "rxx")
    return tuple(_between(split, _in_free(split, native) if free else _in_fixed(split, native)))


def _between(split: Weyl, middle: Sequence[Piece]) -> list[Piece]:
    """Turns before, the canonical gate, turns after."""
    before = [Turn(slot, flat(split.before[slot])) for slot in (0, 1)]
    after = [Turn(slot, flat(split.after[slot])) for slot in (0, 1)]
    return [*before, *middle, *after]


def _along(matrix: Any, axes: tuple[Axis, ...], native: str) -> list[Piece]:
    """A unitary that commutes with Z or X on each qubit: a turn around ZZ between turns around Z.

    Written so, it lets Z turns pass as the native gate does.
    """
    turns = [H if axis == "X" else I for axis in axes]
    frame = tensor(turns[1], turns[0])
    phases = np.angle(np.diag(frame @ matrix @ frame))
    signs = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]])
    _, first, second, both = signs @ phases / 4
    around = [
        Turn(slot, (_rx if axis == "X" else around_z)(-2 * angle))
        for slot, axis, angle in zip((0, 1), axes, (first, second), strict=True)
    ]
    # A quarter more of both phases and of their product is a sign, or nothing at all.
    quarters = round(both / (math.pi / 2))
    both -= quarters * math.pi / 2
    if quarters % 2:
        around += [Turn(slot, _X if axes[slot] == "X" else _Z) for slot in (0, 1)]
    if abs(both) < _NOTHING:
        return list(around)
    into = [Turn(slot, _H) for slot in (0, 1) if axes[slot] == "X"]
    return [*around, *into, *_zz(both, native), *into]


def _zz(angle: float, native: str) -> list[Piece]:
    """``exp(i angle ZZ)``, the angle at most a quarter of pi, so that Z turns of qubit 0 pass."""
    if native == "rzz":
        return [Joint("rzz", (-2 * angle,), (0, 1))]
    if native == "rxx":
        return [*_both(_H), Joint("rxx", (-2 * angle,), (0, 1)), *_both(_H)]
    if abs(abs(angle) - _QUARTER) < _NOTHING:
        # exp(i pi/4 ZZ) is cz between quarter turns; a cx between two H is cz.
        turns = [Turn(slot, around_z(-math.copysign(math.pi / 2, angle))) for slot in (0, 1)]
        if native == "cz":
            return [*turns, Joint("cz", (), (0, 1))]
        return [*turns, Turn(1, _H), *_cx(native, 0), Turn(1, _H)]
    if native == "cz":
        joint = Joint("cz", (), (0, 1))
        return [Turn(1, _H), joint, Turn(1, _rx(-2 * angle)), joint, Turn(1, _H)]
    return [*_cx(native, 0), Turn(1, around_z(-2 * angle)), *_cx(native, 0)]


def _in_free(split: Weyl, native: str) -> list[Piece]:
    """Canonical gate in ``rzz`` or ``rxx`` of any angle: one for each coordinate."""
    home = 2 if native == "rzz" else 0
    out: list[Piece] = []
    for axis, value in enumerate(split.coordinates):
        if abs(value) < _NOTHING:
            continue
        joint = Joint(native, (-2 * value,), (0, 1))
        if axis == home:
            out.append(joint)
        else:
            turn = TURNS[3 - axis - home]
            out += [*_both(flat(turn)), joint, *_both(flat(turn.conj().T))]
    return out


def _in_iswaps(matrix: Any) -> list[Piece]:
    """A unitary in as few ``iswap`` as it needs.

    ``iswap`` is ``cz``, a quarter turn around Z on both qubits and an exchange of the qubits. An
    even number of them is as many ``cz``, an odd number as many with an exchange at the end.
    """
    same, crossed = weyl(matrix), weyl(SWAP @ matrix)
    if _needed(same) == 0:
        return _between(same, [])
    odd = 1 if _needed(crossed) == 1 else 3
    split, count = (same, 2) if _needed(same) <= 2 and odd == 3 else (crossed, odd)
    out: list[Piece] = []
    turned = 0
    for piece in _between(split, _in_fixed(split, "cz", count)):
        if isinstance(piece, Joint):
            out += [*_both(around_z(-math.pi / 2)), Joint("iswap", (), (0, 1))]
            turned = 1 - turned
        else:
            out.append(Turn(piece.slot ^ turned, piece.matrix))
    return out


def _needed(split: Weyl) -> int:
    """How many ``cx`` a unitary takes at least."""
    a, b, c = (abs(value) for value in split.coordinates)
    if c >= _NOTHING:
        return 3
    if b >= _NOTHING or _NOTHING <= a <= _QUARTER - _NOTHING:
        return 2
    return 1 if a >= _NOTHING else 0


def _in_fixed(split: Weyl, native: str, count: int | None = None) -> list[Piece]:
    """Canonical gate in as few ``cx`` as it needs, or in ``count``, written in the native gate."""
    a, b, c = split.coordinates
    match _needed(split) if count is None else count:
        case 0:
            return []
        case 1:
            # exp(i pi/4 ZX) is cx up to turns; an H on the first qubit makes XX of ZX.
            turns = [Turn(0, around_z(-math.pi / 2)), Turn(1, _rx(-math.pi / 2))]
            return [Turn(0, _H), *turns, *_cx(native, 0), Turn(0, _H)]
        case 2:
            # A cx on either side makes XX of X on the first qubit, and ZZ of Z on the second.
            turn = TURNS[0]
            middle = [Turn(0, _rx(-2 * a)), Turn(1, around_z(-2 * b))]
            joined = [*_cx(native, 0), *middle, *_cx(native, 0)]
            return [*_both(flat(turn)), *joined, *_both(flat(turn.conj().T))]
    return [
        Turn(1, around_z(math.pi / 2)),
        *_cx(native, 1),
        Turn(0, around_z(math.pi / 2 - 2 * c)),
        Turn(1, _ry(math.pi / 2 - 2 * a)),
        *_cx(native, 0),
        Turn(1, _ry(2 * b - math.pi / 2)),
        *_cx(native, 1),
        Turn(0, around_z(-math.pi / 2)),
    ]


def _cx(native: str, control: int) -> list[Piece]:
    """``cx`` from slot ``control`` to the other, in a fixed native gate."""
    target = 1 - control
    slots = (control, target)
    match native:
        case "cx":
            return [Joint("cx", (), slots)]
        case "cz":
            return [Turn(target, _H), Joint("cz", (), slots), Turn(target, _H)]
        case "ecr":
            turns = [
                Turn(control, product(_X, around_z(math.pi / 2))),
                Turn(target, _rx(math.pi / 2)),
            ]
            return [*turns, Joint("ecr", (), slots)]
    raise AssertionError(f"no cx is written in {native}")


def _both(matrix: Matrix) -> list[Piece]:
    return [Turn(0, matrix), Turn(1, matrix)]


def _rx(angle: float) -> Matrix:
    c, s = math.cos(angle / 2), math.sin(angle / 2)
    return complex(c), -1j * s, -1j * s, complex(c)


def _ry(angle: float) -> Matrix:
    c, s = math.cos(angle / 2), math.sin(angle / 2)
    return complex(c), complex(-s), complex(s), complex(c)
