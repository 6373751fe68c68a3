"""How layers of QAOA become visits of a state that is cut into tiles.

A *pass* turns the qubits that one kind of tile covers. Passes of a layer commute, so layers take
them in turns forwards and backwards, and the pass that ends a layer also applies the next phase and
begins the next layer: ``layers * (passes - 1) + 1`` visits in all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Pass", "Tiling", "Visit", "backward", "fewest", "forward", "tilings_of"]


@dataclass(frozen=True, slots=True)
class Pass:
    """The tiles that cover some qubits.

    Attributes
    ----------
    first
        Lowest qubit of a high tile; 0 for the tiles of the lowest qubits.
    bits
        Bits of a place in the tile whose qubits this pass turns.
    """

    first: int
    bits: int

    @property
    def qubits(self) -> int:
        """How many qubits the pass turns."""
        return self.bits.bit_count()


@dataclass(frozen=True, slots=True)
class Tiling:
    """How states are cut into tiles: bits of a tile, of its unbroken rows, of a thread's share."""

    tile: int
    row: int
    held: int

    @property
    def threads(self) -> int:
        """Threads of a block."""
        return 1 << (self.tile - self.held)

    def passes(self, qubits: int) -> list[Pass]:
        """Passes that turn every qubit once: the low tile, then equal shares of the others."""
        low = min(qubits, self.tile)
        out = [Pass(0, (1 << low) - 1)]
        cover = self.tile - self.row
        count = -(-(qubits - low) // cover)
        begin = low
        for left in range(count, 0, -1):
            end = begin + -(-(qubits - begin) // left)
            first = min(begin, qubits - cover)
            out.append(Pass(first, ((1 << (end - begin)) - 1) << (self.row + begin - first)))
            begin = end
        return out

    def macros(self, real: str) -> list[tuple[str, str | int]]:
        """What the source is compiled with."""
        return [("REAL", real), ("TILE", self.tile), ("ROW", self.row), ("HELD", self.held)]


#: Tilings to choose from, forward and backward, by the real type. A backward tile holds two states.
_FORWARD = {
    "float": (Tiling(13, 4, 5), Tiling(13, 3, 5)),
    "double": (Tiling(12, 3, 4), Tiling(12, 2, 4)),
}
_BACKWARD = {
    "float": (Tiling(12, 4, 4), Tiling(12, 3, 4)),
    "double": (Tiling(11, 3, 3), Tiling(11, 2, 3)),
}


def tilings_of(real: str) -> dict[str, tuple[Tiling, ...]]:
    """Tilings that states of ``float`` or ``double`` choose from, by the source they are for."""
    return {
        "qaoa_forward": _FORWARD[real],
        "qaoa_backward": _BACKWARD[real],
        "qaoa_draw": _FORWARD[real],
    }


def fewest(tilings: tuple[Tiling, ...], qubits: int) -> Tiling:
    """The first tiling of those that need the fewest passes."""
    return min(tilings, key=lambda tiling: len(tiling.passes(qubits)))


@dataclass(frozen=True, slots=True)
class Visit:
    """What one visit of all tiles does; layers are counted from 0.

    Attributes
    ----------
    step
        Which pass's tiles.
    before
        Layer whose turns come first, if any.
    phase
        Layer whose phase comes then, if any.
    after
        Layer whose turns come last, if any.
    """

    step: int
    before: int | None
    phase: int | None
    after: int | None


def forward(layers: int, passes: int) -> list[Visit]:
    """Visits from the start to the last layer."""
    parts: list[tuple[int, int | None]] = []  # of a layer: its phase (None) and its passes
    order = list(range(passes))
    for layer in range(layers):
        parts += [(layer, None), *((layer, step) for step in order)]
        order.reverse()
    return list(_merged(parts)) or [Visit(0, None, None, None)]


def backward(layers: int, passes: int) -> list[Visit]:
    """Visits that undo all layers, the last layer first."""
    parts: list[tuple[int, int | None]] = []
    order = list(range(passes))
    for layer in reversed(range(layers)):
        parts += [*((layer, step) for step in order), (layer, None)]
        order.reverse()
    return list(_merged(parts))


def _merged(parts: list[tuple[int, int | None]]) -> Iterator[Visit]:
    """Visits that do these phases and passes in order, each as much as it can."""
    step: int | None = None
    before: int | None = None
    phase: int | None = None
    after: int | None = None
    for layer, turned in parts:
        if turned is None:
            fits = phase is None
        elif phase is None:
            fits = before is None and step is None
        else:
            fits = after is None and step in (None, turned)
        if not fits:
            yield Visit(step or 0, before, phase, after)
            step, before, phase, after = None, None, None, None
        if turned is None:
            phase = layer
        elif phase is None:
            step, before = turned, layer
        else:
            step, after = turned, layer
    if parts:
        yield Visit(step or 0, before, phase, after)
