"""Search kernels for Ising models: an instance laid out for search, its chains, and the moves.

Layout. A `Landscape` holds an instance with its spins reordered: free spins first, then each
group (whose number of −1 is kept) in one piece. Rows of spins are numbers +1 and −1, padded to a
multiple of 16 columns, in that order; `Landscape.rows` gives them back in the order of the
variables. Numbers are single precision where that is exact for every local field, else double.

Work. Every function does a bounded amount of work, counted in rough nanoseconds from the path
alone, on arrays that the caller owns, and leaves them so that the next call goes on from there.
Results do not depend on threads or on the instruction set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64, Int8, Int32, Int64, Shaped, UInt64

from qupel.errors import InputError
from qupel.kernels import _ising

LANES = 16
BLOCK = 16  #: oscillators side by side in `bifurcate`
LONGEST_WALK = 1 << 30  #: moves of a walk in `tabu` at most
_DENSE_BYTES = 1 << 28


@dataclass(frozen=True, slots=True, eq=False)
class Landscape:
    """An Ising model laid out for search.

    Attributes
    ----------
    order
        Variable at each position.
    fields, weights, strongest
        Fields, couplings (symmetric CSR with ``starts`` and ``columns``) and the strongest
        coupling of each row, by position.
    counts
        Number of −1 in each group.
    edges
        First position of each group, and the end; ``edges[0]`` is the number of free spins.
    tolerance
        Gains below this are rounding.
    exact
        Whether the numbers are such that tracked energies never round.
    form
        The compiled view of these arrays.
    """

    order: Int64[np.ndarray, " n"]
    fields: Shaped[np.ndarray, " n"]
    starts: Int64[np.ndarray, " n+1"]
    columns: Int32[np.ndarray, " entries"]
    weights: Shaped[np.ndarray, " entries"]
    counts: Int64[np.ndarray, " groups"]
    edges: Int64[np.ndarray, " groups+1"]
    strongest: Shaped[np.ndarray, " n"]
    tolerance: float
    exact: bool
    form: Any

    @classmethod
    def of(
        cls,
        fields: Float64[np.ndarray, " n"],
        starts: Shaped[np.ndarray, " n+1"],
        columns: Shaped[np.ndarray, " entries"],
        weights: Float64[np.ndarray, " entries"],
        groups: Sequence[tuple[Sequence[int], int]] = (),
    ) -> Landscape:
        """Lay out an instance given by fields and symmetric CSR couplings.

        ``groups`` are disjoint sets of spins, each with its number of −1.
        """
        n = fields.size
        if starts.size != n + 1 or columns.size != weights.size:
            raise InputError(f"couplings of {starts.size - 1} rows do not fit {n} fields")
        members = [np.asarray(group, np.int64) for group, _ in groups]
        grouped = np.concatenate([np.zeros(0, np.int64), *members])
        free = np.setdiff1d(np.arange(n), grouped)
        crammed = weights.size * 8 > n * n
        if not crammed:
            # Spins of one colour do not feel each other: side by side, sixteen are one step.
            colours = np.zeros(n, np.int32)
            _ising.colour(starts.astype(np.int64), columns.astype(np.int32), colours)
            free = free[np.argsort(colours[free], kind="stable")]
        order = np.concatenate([free, grouped])
        edges = free.size + np.cumsum([0, *(m.size for m in members)])
        counts = np.array([count for _, count in groups], np.int64)

        laid, moved, values = _reordered(
            np.asarray(starts, np.int64), columns, np.asarray(weights, np.float64), order
        )
        crowded = np.full(n, crammed, np.uint8)
        if not crammed:
            rows = np.repeat(np.arange(n), np.diff(laid))
            crowded[rows[(rows // LANES == moved // LANES) & (moved > rows)]] = 1
        strongest, force = np.zeros(n), np.zeros(n)
        _ising.reach(laid, np.ascontiguousarray(values), strongest, force)
        force += np.abs(fields[order])
        reach = float(force.max(initial=0.0))

        real: Any = (
            np.float32
            if _exact_in_single(np.asarray(fields, np.float64), values, reach)
            else np.float64
        )
        stride = -(-n // LANES) * LANES
        arrays = (
            np.ascontiguousarray(fields[order], real),
            laid,
            np.ascontiguousarray(moved, np.int32),
            np.ascontiguousarray(values, real),
        )
        dense = np.zeros((0, 0), real)
        if crammed and n * stride * np.dtype(real).itemsize <= _DENSE_BYTES:
            dense = np.zeros((n, stride), real)
            _ising.spread(*arrays[1:], dense)
        edges = np.ascontiguousarray(edges, np.int64)
        tolerance = 1e-12 * reach
        made: Any = _ising.Form32 if real is np.float32 else _ising.Form64
        form = made(*arrays, dense, edges, counts, strongest.astype(real), crowded, tolerance)
        exact = real is np.float32
        return cls(order, *arrays, counts, edges, strongest.astype(real), tolerance, exact, form)

    @property
    def n(self) -> int:
        """Number of spins."""
        return int(self.fields.size)

    @property
    def stride(self) -> int:
        """Columns of a padded row."""
        return -(-self.n // LANES) * LANES

    @property
    def free(self) -> int:
        """Number of spins that may flip alone."""
        return int(self.edges[0])

    @property
    def groups(self) -> list[slice]:
        """Positions of each group."""
        return [slice(int(a), int(b)) for a, b in zip(self.edges[:-1], self.edges[1:], strict=True)]

    def squares(self) -> Float64[np.ndarray, " n"]:
        """Squared field and couplings of each spin, summed up."""
        out = np.zeros(self.n)
        _ising.squares(self.starts, self.weights, out)
        return out + self.fields.astype(np.float64) ** 2

    def unit(self) -> float | None:
        """The largest number that all fields and couplings are whole multiples of.

        None if they are all 0, or not `exact`.
        """
        if not self.exact:
            return None
        # Numbers held in single precision exactly are multiples of 2^-23.
        found = _ising.divisor(self.weights, 2.0**23, 0)
        found = _ising.divisor(self.fields, 2.0**23, found)
        return found / 2.0**23 if found else None

    def rows(self, spins: Shaped[np.ndarray, "rows stride"]) -> Int8[np.ndarray, "rows n"]:
        """Spins in the order of the variables, without padding."""
        out = np.empty((spins.shape[0], self.n), np.int8)
        out[:, self.order] = spins[:, : self.n]
        return out

    def random(self, rng: np.random.Generator, rows: int) -> Shaped[np.ndarray, "rows stride"]:
        """Random spins that keep every group's count."""
        spins = np.ones((rows, self.stride), self.fields.dtype)
        free = self.free
        spins[:, :free] = 1 - 2 * rng.integers(0, 2, (rows, free), np.int8)
        for group, count in zip(self.groups, self.counts.tolist(), strict=True):
            rank = rng.random((rows, group.stop - group.start)).argsort(axis=1).argsort(axis=1)
            spins[:, group] = np.where(rank < count, -1, 1)
        return spins


def _reordered(
    starts: np.ndarray, columns: np.ndarray, values: np.ndarray, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """CSR arrays of the matrix whose rows and columns follow ``order``, columns ascending."""
    n = order.size
    if (order == np.arange(n)).all():
        return starts, columns, values
    sizes = np.diff(starts)[order]
    laid = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    where = np.arange(laid[-1]) + np.repeat(starts[order] - laid[:-1], sizes)
    place = np.empty(n, np.int64)
    place[order] = np.arange(n)
    moved = place[columns[where]]
    sort = np.argsort(np.repeat(np.arange(n), sizes) * n + moved)
    return laid, moved[sort], values[where][sort]


def _exact_in_single(fields: np.ndarray, weights: np.ndarray, reach: float) -> bool:
    """Whether every local field is a number that single precision holds exactly."""
    for shift in range(24):
        if 8 * reach >= 2.0 ** (24 - shift):
            return False
        if all(_ising.whole(numbers, 2.0**shift) for numbers in (fields, weights)):
            return True
    return False


@dataclass(frozen=True, slots=True, eq=False)
class Chains:
    """Configurations under search, one a row, and the best of each.

    Attributes
    ----------
    spins, locals, energies
        Spins, their local fields, and energies without the offset.
    best, least
        Best spins seen and their energies.
    """

    spins: Shaped[np.ndarray, "rows stride"]
    locals: Shaped[np.ndarray, "rows stride"]
    energies: Float64[np.ndarray, " rows"]
    best: Shaped[np.ndarray, "rows stride"]
    least: Float64[np.ndarray, " rows"]

    @classmethod
    def of(cls, landscape: Landscape, spins: Shaped[np.ndarray, "rows stride"]) -> Chains:
        """Chains that start at ``spins``."""
        held = np.array(spins, landscape.fields.dtype, order="C")
        locals_ = np.zeros(held.shape, landscape.fields.dtype)
        energies = np.zeros(held.shape[0])
        _ising.prepare(landscape.form, held, locals_, energies)
        return cls(held, locals_, energies, held.copy(), energies.copy())

    def some(self, which: np.ndarray) -> Chains:
        """Copies of the chains ``which``."""
        return Chains(
            self.spins[which],
            self.locals[which],
            self.energies[which],
            self.best[which],
            self.least[which],
        )

    def restart(
        self, landscape: Landscape, which: np.ndarray, spins: Shaped[np.ndarray, "some stride"]
    ) -> None:
        """Put the chains ``which`` at ``spins`` and forget their best."""
        started = Chains.of(landscape, spins)
        self.spins[which] = started.spins
        self.locals[which] = started.locals
        self.energies[which] = started.energies
        self.best[which] = started.spins
        self.least[which] = started.energies

    def state(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Spins, local fields, energies: what every move changes."""
        return self.spins, self.locals, self.energies


def anneal(
    landscape: Landscape,
    chains: Chains,
    places: Int64[np.ndarray, "rows 2"],
    sweeps: Int64[np.ndarray, " rows"],
    keys: UInt64[np.ndarray, " rows"],
    *,
    hot: float,
    cold: float,
    budget: int,
    threads: int = 1,
) -> None:
    """Metropolis sweeps of each chain under a temperature falling from ``hot`` to ``cold``.

    A chain ends its pass after ``sweeps`` sweeps; ``places`` holds the sweeps done and the
    position inside the present one. ``best`` is looked for at the end of each sweep.
    """
    _ising.anneal(
        landscape.form,
        *chains.state(),
        chains.best,
        chains.least,
        places,
        sweeps,
        keys,
        hot,
        cold,
        budget,
        threads,
    )


def descend(landscape: Landscape, chains: Chains, *, key: int, threads: int = 1) -> None:
    """Flips and swaps that lower the energy, spins in turn, until none does."""
    _ising.descend(landscape.form, *chains.state(), key, threads)


def steepest(landscape: Landscape, chains: Chains, *, key: int, moves: int) -> bool:
    """The move that lowers the energy most, again and again, ``moves`` times at most.

    Returns whether every chain stands in a local minimum.
    """
    return _ising.steepest(landscape.form, *chains.state(), key, moves)


def wander(
    landscape: Landscape,
    chains: Chains,
    kicks: Int64[np.ndarray, " rows"],
    keys: UInt64[np.ndarray, " rows"],
    *,
    most: int,
    budget: int,
    threads: int = 1,
) -> None:
    """Kicks of up to ``most`` moves, each with a descent, taken back if the energy rose.

    ``kicks`` counts them.
    """
    _ising.wander(
        landscape.form,
        *chains.state(),
        chains.best,
        chains.least,
        kicks,
        keys,
        most,
        budget,
        threads,
    )


def tabu(
    landscape: Landscape,
    chains: Chains,
    until: Int32[np.ndarray, "rows stride"],
    trails: Int64[np.ndarray, "rows 2"],
    lengths: Int64[np.ndarray, " rows"],
    keys: UInt64[np.ndarray, " rows"],
    *,
    base: int,
    spread: int,
    budget: int,
    high: int | None = None,
    patience: int = LONGEST_WALK,
    threads: int = 1,
) -> None:
    """One-flip tabu walk of each chain: always the cheapest move that is not tabu.

    A moved spin rests for ``base`` moves and a random number below ``spread`` more. With
    ``high``, the number of moves falls in proportion to what is left of the walk, from ``high``
    at its beginning to ``base`` at its end. A walk ends after its length, `LONGEST_WALK` at most,
    or when ``patience`` moves in a row brought nothing better than its best; a call on a walk
    that is over does nothing. ``until`` holds the move from which each spin may move again,
    ``trails`` the moves made and the move of the last improvement.
    """
    if lengths.max(initial=0) > LONGEST_WALK:
        raise InputError(f"a walk has {LONGEST_WALK} moves at most, got {lengths.max()}")
    _ising.tabu(
        landscape.form,
        *chains.state(),
        chains.best,
        chains.least,
        until,
        trails,
        lengths,
        keys,
        base,
        base if high is None else high,
        spread,
        patience,
        budget,
        threads,
    )


def graft(
    landscape: Landscape, chains: Chains, guests: Shaped[np.ndarray, "rows stride"], *, mirror: bool
) -> Int64[np.ndarray, " rows"]:
    """Take into each chain every region of the guest in its row that is no worse there.

    Where two configurations differ, spins that neither feel each other nor share a group fall
    into regions that change the energy independently of each other. With ``mirror``, for
    instances that do not change when all spins flip, the nearer of a guest and its reverse is
    taken. ``best`` stays as it is. Returns the number of regions in each row.
    """
    regions = np.zeros(len(guests), np.int64)
    _ising.graft(landscape.form, *chains.state(), guests, mirror, regions)
    return regions


def temper(
    landscape: Landscape,
    chains: Chains,
    place: Int64[np.ndarray, " 2"],
    temperatures: Float64[np.ndarray, " rungs"],
    at: Int32[np.ndarray, "ladders rungs"],
    exchanges: Int64[np.ndarray, "ladders rungs"],
    *,
    clustered: int,
    key: int,
    budget: int,
    threads: int = 1,
) -> None:
    """Turns of parallel tempering: a sweep of every chain, then exchanges of neighbours.

    ``at`` holds the chain at each rung; ``exchanges`` counts those above each rung; ``place`` is
    the turns made and the next chain of this one. At the first ``clustered`` rungs, pairs of
    ladders also trade clusters.
    """
    _ising.temper(
        landscape.form,
        *chains.state(),
        chains.best,
        chains.least,
        place,
        temperatures,
        at,
        exchanges,
        clustered,
        key,
        budget,
        threads,
    )


def bifurcate(
    landscape: Landscape,
    x: Float32[np.ndarray, "blocks n 16"],
    y: Float32[np.ndarray, "blocks n 16"],
    seen: Float32[np.ndarray, "blocks n 16"],
    *,
    begin: int,
    end: int,
    steps: int,
    step: float,
    strength: float,
    pull: float,
    discrete: bool,
    threads: int = 1,
) -> None:
    """Steps ``begin`` to ``end`` of ``steps`` of simulated bifurcation, 16 runs to a block.

    ``x`` and ``y`` are positions and momenta, ``seen`` scratch; ``strength`` is c0 of the paper,
    ``pull`` the weight with which group sums are drawn to their count.
    """
    _ising.bifurcate(
        landscape.form,
        x,
        y,
        seen,
        begin,
        end,
        step,
        strength,
        pull,
        steps,
        discrete,
        threads,
    )


def enumerate_codes(
    fields: Float64[np.ndarray, " n"],
    couplings: Float64[np.ndarray, "n n"],
    states: UInt64[np.ndarray, " room"],
    energies: Float64[np.ndarray, " room"],
    *,
    begin: int,
    end: int,
    size: int,
    limit: float,
) -> tuple[int, int]:
    """Energies of Gray codes ``begin`` to ``end`` of all but the last four of ``n >= 4`` spins.

    ``couplings`` are symmetric. Every configuration with energy below ``limit`` is put into
    ``states`` (bits of an index) and ``energies`` from place ``size`` on. Returns the next code,
    less than ``end`` if there was no room left, and the new size.
    """
    return _ising.enumerate(fields, couplings, begin, end, states, energies, size, limit)


def combine(
    landscape: Landscape,
    chains: Chains,
    chosen: Int32[np.ndarray, " n"],
    rows: Shaped[np.ndarray, "room stride"],
    kept: Float64[np.ndarray, " room"],
    *,
    size: int,
    limit: float,
    budget: int,
) -> tuple[int, bool]:
    """Go on through all configurations that keep every group's count, the first chain their place.

    ``chosen`` holds, at each group's place, its members that are −1, ascending. What has energy
    below ``limit`` goes to ``rows`` and ``kept`` from ``size`` on. Returns the new size and
    whether configurations are left.
    """
    return _ising.combine(landscape.form, *chains.state(), chosen, rows, kept, size, limit, budget)
