"""Swaps: where the qubits of a circuit start on a lattice, and which swaps bring them together.

A swap is chosen by the distances it leaves: between the pairs that are next, and less so between
those that follow, as in SABRE (Li, Ding & Xie 2019, doi:10.1145/3297858.3304023, section IV). We
differ in some ways. Operations that commute may wait side by side, not in the order in which they
were written, so that all cost terms of a QAOA layer are next at once. A swap right after an
operation on its pair is cheap, since both become one unitary of few native gates. The next pairs
weigh less the farther apart they are, so that near ones are not held up, and more the longer the
chain of operations that hangs on them. Qubits that are busy longest are left alone.

Tables are int32, costs float64. Equal arguments and calls give equal paths, whatever the machine
and the number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Float64, Int32

from qupel.errors import InputError
from qupel.kernels import _swaps

#: Distances are kept for every two qubits, in 16 bits.
MOST_QUBITS = 32_767
#: Weights up to this keep every sum of costs finite.
LARGEST_WEIGHT = 32


class Start(IntEnum):
    """Placements to start from.

    ``COMPACT`` places qubits as near to their partners as there is room, ``SCATTERED`` at random
    within a part of the lattice, ``LINE`` on a way that meets no place twice, in the order of
    their numbers or in that in which they first meet another.
    """

    COMPACT = 0
    SCATTERED = 1
    LINE = 2


@dataclass(frozen=True, slots=True)
class Manner:
    """How a trial starts, and how it weighs one swap against another.

    Attributes
    ----------
    commuting
        Whether operations that commute may change places.
    start
        Placement it starts from.
    ahead, weight
        Pairs that follow which are looked at, and what they weigh beside the next ones.
    power
        A pair at distance ``d`` counts ``d ** power``.
    chain
        How much more a pair weighs if the longest chain of operations hangs on it.
    gate
        What every native gate costs that a swap adds, in steps of distance.
    late
        What every layer costs that a qubit has been busy for, so that swaps go side by side.
    decay
        What every recent swap of a qubit adds to its next one's cost.
    """

    commuting: bool = True
    start: Start = Start.COMPACT
    ahead: int = 20
    weight: float = 0.5
    power: float = 0.7
    chain: float = 1.0
    gate: float = 0.3
    late: float = 0.0065
    decay: float = 0.1

    def __post_init__(self) -> None:
        for name in ("ahead", "weight", "power", "chain", "gate", "late", "decay"):
            value = getattr(self, name)
            if not 0 <= value <= LARGEST_WEIGHT:
                raise InputError(f"{name} must be 0 to {LARGEST_WEIGHT}, got {value}")


class Lattice:
    """Coupled qubits, laid out for the kernel.

    Parameters
    ----------
    qubits
        How many there are.
    edges
        Coupled pairs, in any order; every qubit can be reached from every other along them.

    Raises
    ------
    InputError
        If an edge does not join two of the qubits, or the lattice does not hang together.
    """

    def __init__(self, qubits: int, edges: Sequence[tuple[int, int]]) -> None:
        if not 1 <= qubits <= MOST_QUBITS:
            raise InputError(f"a lattice has 1 to {MOST_QUBITS} qubits, got {qubits}")
        unique = sorted({(min(edge), max(edge)) for edge in edges})
        for a, b in unique:
            if not 0 <= a < b < qubits:
                raise InputError(f"edge ({a}, {b}) does not join two of {qubits} qubits")
        self.qubits = qubits
        self.held = _swaps.Lattice(qubits, np.array(unique, np.int32).reshape(-1, 2))
        if not self.held.connected:
            raise InputError("the lattice does not hang together; take one connected part")


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Operations on one qubit or two, and what swaps beside them cost.

    Attributes
    ----------
    qubits
        Qubits of the circuit.
    on
        The two qubits of each operation; the second -1 for an operation on one.
    axes
        For each of them the number of the axis that the operation commutes with there, -1 for
        none; operations with the same axis on every qubit they share commute.
    gates
        Native two-qubit gates that a swap right after the operation adds.
    layers
        Layers that the operation takes, alone and together with a swap.
    swap
        Native two-qubit gates, and layers, of a swap alone.
    """

    qubits: int
    on: Int32[np.ndarray, "k 2"]
    axes: Int32[np.ndarray, "k 2"]
    gates: Float64[np.ndarray, " k"]
    layers: Float64[np.ndarray, "k 2"]
    swap: tuple[float, float]

    def __post_init__(self) -> None:
        if not len(self.on) == len(self.axes) == len(self.gates) == len(self.layers):
            raise InputError(
                "on, axes, gates and layers have a row for every operation, got "
                f"{len(self.on)}, {len(self.axes)}, {len(self.gates)} and {len(self.layers)}"
            )
        first, second = self.on.T
        if self.qubits < 1:
            raise InputError(f"qubits must be at least 1, got {self.qubits}")
        if len(self.on) and (first.min() < 0 or second.min() < -1 or self.on.max() >= self.qubits):
            raise InputError(f"an operation names a qubit that is not one of {self.qubits}")
        if (first == second).any():
            raise InputError("an operation on a pair has two different qubits")
        if not (np.isfinite(self.gates).all() and np.isfinite(self.layers).all()):
            raise InputError("gates and layers of operations must be finite")


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """One way through a circuit.

    Attributes
    ----------
    start, end
        Place of each qubit before and after.
    steps
        First to last: the number of an operation, or -1 for a swap, and its places.
    swaps
        How many swaps were put in.
    gates
        Native two-qubit gates that they are thought to add.
    depth
        Layers of the whole, as far as `Steps.layers` tells.
    """

    start: Int32[np.ndarray, " qubits"]
    end: Int32[np.ndarray, " qubits"]
    steps: Int32[np.ndarray, "length 3"]
    swaps: int
    gates: float
    depth: float


class Search:
    """A search for the cheapest path: fewest gates, layers being counted against it.

    Parameters
    ----------
    lattice
        Where the circuit is to run.
    steps
        The circuit.
    manners
        Taken in turn by the first trials; later the best of them is preferred.
    layer
        What a layer costs, in native two-qubit gates.
    seed
        Of placements and ties, below ``2**63``.
    """

    def __init__(
        self, lattice: Lattice, steps: Steps, manners: Sequence[Manner], *, layer: float, seed: int
    ) -> None:
        if steps.qubits > lattice.qubits:
            raise InputError(f"{steps.qubits} qubits do not fit on {lattice.qubits}")
        if not manners:
            raise InputError("a search needs at least one manner")
        costs = np.column_stack((steps.gates, steps.layers))
        self._qubits = steps.qubits
        self._trials = self._refinements = 0
        self._found = False
        self._held = _swaps.Search(
            lattice.held,
            steps.qubits,
            np.ascontiguousarray(np.hstack((steps.on, steps.axes)), np.int32),
            np.vstack((costs, (*steps.swap, 0.0))),
            np.array([astuple(manner) for manner in manners], np.float64),
            layer,
            seed,
        )

    def embed(self, steps: int) -> bool:
        """Look for a placement that needs no swap, in so many steps; whether there is one."""
        found: bool = self._held.embed(steps)
        self._found = self._found or found
        return found

    def advance(self, trials: int, passes: int, threads: int = 1) -> None:
        """Start anew so many times, and go forwards so many times from each start."""
        for name, value in (("trials", trials), ("passes", passes), ("threads", threads)):
            if value < 1:
                raise InputError(f"{name} must be at least 1, got {value}")
        for first, count in _rounds(self._trials, trials):
            self._held.trials(first, count, passes, threads)
        self._trials += trials

    def refine(self, times: int, threads: int = 1) -> None:
        """Go forwards from the best start with a few qubits moved, after at least one trial."""
        if not self._trials:
            raise InputError("there is no path yet to refine; advance first")
        for first, count in _rounds(self._refinements, times):
            self._held.refinements(first, count, threads)
        self._refinements += times

    def best(self) -> Path:
        """The cheapest path so far; `InputError` before there is one."""
        if not (self._found or self._trials):
            raise InputError("there is no path yet; advance first")
        start, end = np.empty((2, self._qubits), np.int32)
        steps = np.empty(3 * self._held.length, np.int32)
        self._held.best(start, end, steps)
        return Path(
            start, end, steps.reshape(-1, 3), self._held.swaps, self._held.gates, self._held.depth
        )


def _rounds(first: int, count: int) -> Iterator[tuple[int, int]]:
    """First number and size of each round, between which a search can be interrupted."""
    for start in range(first, first + count, _swaps.ROUND):
        yield start, min(_swaps.ROUND, first + count - start)
