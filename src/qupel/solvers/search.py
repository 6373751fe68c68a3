"""What searches over Ising models share: the form laid out, the best rows seen, the clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from qupel.kernels.bundle import Bundles
from qupel.kernels.dense import DenseChains, DenseModel
from qupel.kernels.ising import Chains, Landscape, descend
from qupel.model.ising import Ising
from qupel.model.samples import Outcome, Samples
from qupel.model.sparse import symmetric
from qupel.solvers.contract import OnEvent, Stop, Watch

#: Work of one round in rough nanoseconds.
ROUND = 2_000_000
_MOST_SAMPLES = 256
_MOST_NUMBERS = 4_000_000
_FINISHED = 16  # rows at most that end in a descent together


def landscape_of(form: Ising) -> Landscape:
    """Lay ``form`` out for the kernels, quotas as groups."""
    pairs = symmetric(form.couplings)
    return Landscape.of(
        form.fields,
        pairs.indptr,
        pairs.indices,
        pairs.data,
        [(quota.members, quota.count) for quota in form.quotas],
    )


def temperature_range(landscape: Landscape) -> tuple[float, float]:
    """Temperatures between which an instance freezes, hottest first.

    The scale of spin i is the root of its squared field and couplings, the standard deviation of
    its local field among random spins; it is 1 in the Sherrington-Kirkpatrick model, whose
    transition is at temperature 1 (doi:10.1103/PhysRevLett.35.1792). Hot is 0.7 times the root
    mean square of the scales, but no less than 0.35 times the 95th percentile; cold is a tenth of
    their 10th percentile. The factors were tuned on G15, G33, G50, G53 and G56.
    """
    squares = landscape.squares()
    scales = np.sqrt(squares[squares > 0])
    if not scales.size:
        return 1.0, 0.1
    hot = max(0.7 * float(np.sqrt(np.mean(scales**2))), 0.35 * float(np.quantile(scales, 0.95)))
    return hot, min(0.1 * float(np.quantile(scales, 0.1)), hot)


def keys_of(rng: np.random.Generator, count: int) -> np.ndarray:
    """Keys of so many counter-based random streams."""
    return rng.integers(0, 2**64, count, dtype=np.uint64)


@dataclass(slots=True, eq=False)
class Search:
    """One search: its landscape, its clock, and the best distinct rows seen.

    `over` is asked once a round; `samples` is the answer.
    """

    form: Ising
    stop: Stop
    on_event: OnEvent
    landscape: Landscape = field(init=False)
    watch: Watch = field(init=False)
    rows: dict[bytes, tuple[float, int]] = field(init=False, default_factory=dict)
    room: int = field(init=False)
    followed: float = field(init=False, default=np.inf)

    def __post_init__(self) -> None:
        self.watch = Watch(self.on_event)
        self.landscape = landscape_of(self.form)
        self.room = max(16, min(_MOST_SAMPLES, _MOST_NUMBERS // max(1, self.form.variables)))

    def offer(self, spins: np.ndarray, energies: np.ndarray) -> None:
        """Take note of rows (padded, in the landscape's order) with their tracked energies."""
        worst = np.inf if len(self.rows) < self.room else max(e for e, _ in self.rows.values())
        offset = self.form.offset
        good = energies + offset <= max(worst, self.watch.best)
        if not good.any():
            return
        rows = self.landscape.rows(spins[good])
        # Without rounding the tracked energy is the true one.
        true = energies[good] + offset if self.landscape.exact else self.form.energies(rows)
        for row, energy in zip(rows, true.tolist(), strict=True):
            key = row.tobytes()
            known, times = self.rows.get(key, (energy, 0))
            self.rows[key] = (known, times + 1)
            self.watch.saw(energy)
        if len(self.rows) > 2 * self.room:
            self._prune()

    def _prune(self) -> None:
        best = sorted(self.rows.items(), key=lambda item: (item[1][0], item[0]))[: self.room]
        self.rows = dict(best)

    def follow(self, chains: Chains) -> None:
        """Take note of the best chain, if it is better than all before."""
        if not chains.least.size:
            return
        best = int(np.argmin(chains.least))
        slack = self.landscape.tolerance
        if chains.least[best] + self.form.offset < self.watch.best - slack:
            self.offer(chains.best[best : best + 1], chains.least[best : best + 1])

    def finish(self, chains: Chains, *, key: int, threads: int = 1) -> None:
        """Take note of each chain's best, and of the minima right below; on large forms of some."""
        land = self.landscape
        count = max(1, 8 * ROUND // (land.weights.size + 20 * land.n + 1))
        chosen = np.argsort(chains.least, kind="stable")[:count]
        self.offer(chains.best[chosen], chains.least[chosen])
        below = Chains.of(self.landscape, chains.best[chosen])
        descend(self.landscape, below, key=key, threads=threads)
        self.offer(below.spins, below.energies)

    def follow_bundles(self, bundles: Bundles) -> None:
        """Take note of the best kept spins of bundles, if they are better than all before."""
        best = int(np.argmin(bundles.least))
        if bundles.least[best] + self.form.offset < self.watch.best - self.landscape.tolerance:
            self.offer(bundles.best[best : best + 1], bundles.least[best : best + 1])

    def finish_bundles(self, bundles: Bundles, *, key: int, threads: int = 1) -> None:
        """Take note of the best replicas, and of the minima right below: a round's worth."""
        self.follow_bundles(bundles)
        rows, energies = bundles.lowest(self._finished())
        self.offer(rows, energies)
        self._settle(rows, key, threads)

    def follow_dense(self, model: DenseModel, chains: DenseChains) -> None:
        """Take note of the best chain, if it is better than all before."""
        best = int(np.argmin(chains.least))
        if chains.least[best] < self.followed:
            self.followed = float(chains.least[best])
            energies = chains.least[best : best + 1] * model.unit
            self.offer(chains.best[best : best + 1], energies)

    def finish_dense(
        self, model: DenseModel, chains: DenseChains, *, key: int, threads: int = 1
    ) -> None:
        """Take note of the best chains, and of the minima right below: a round's worth."""
        chosen = np.argsort(chains.least, kind="stable")[: self._finished()]
        if model.exact:
            self.offer(chains.best[chosen], chains.least[chosen] * model.unit)
        self._settle(chains.best[chosen], key, threads)

    def _finished(self) -> int:
        """How many rows to settle at an end, for about two rounds' work."""
        land = self.landscape
        return int(np.clip(2 * ROUND // (land.weights.size + 20 * land.n + 1), 1, _FINISHED))

    def _settle(self, rows: np.ndarray, key: int, threads: int) -> None:
        land = self.landscape
        spins = np.ones((len(rows), land.stride), land.fields.dtype)
        spins[:, : land.n] = rows
        below = Chains.of(land, spins)
        descend(land, below, key=key, threads=threads)
        self.offer(below.spins, below.energies)

    def over(self) -> bool:
        """Whether the stop rule ends the search."""
        return self.stop(self.watch.best)

    def samples(self, outcome: Outcome = Outcome.STOPPED, **facts: Any) -> Samples:
        """Distinct rows seen, best first."""
        self._prune()
        n = self.form.variables
        spins = np.frombuffer(b"".join(self.rows), np.int8).reshape(len(self.rows), n)
        energies = np.array([energy for energy, _ in self.rows.values()])
        times = np.array([count for _, count in self.rows.values()], np.int64)
        # Equal energies are ordered by their spins, as everywhere.
        words = [row.tobytes() for row in (spins > 0).view(np.uint8)]
        order = np.array(sorted(range(len(words)), key=lambda i: (energies[i], words[i])), np.int64)
        bound = float(energies.min()) if outcome is Outcome.OPTIMAL else -np.inf
        return Samples(
            np.ascontiguousarray(spins[order]),
            energies[order],
            times[order],
            outcome=outcome,
            bound=bound,
            facts=facts,
        )
