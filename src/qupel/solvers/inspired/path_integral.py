"""Simulated quantum annealing of Ising models by path integrals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from scipy import sparse

from qupel.errors import InputError
from qupel.kernels.ising import Chains, Landscape, descend
from qupel.kernels.paths import Paths, anneal_paths
from qupel.model.ising import Ising
from qupel.model.samples import Samples
from qupel.solvers.contract import OnEvent, Stop, ignore
from qupel.solvers.search import ROUND, Search, keys_of, landscape_of, temperature_range

_STRONG, _WEAK = 3.0, 1e-3  # transverse field in units of slices * temperature


@dataclass(frozen=True, slots=True)
class PathIntegral:
    """Copies of the model tied in imaginary time, under a transverse field that falls to nearly 0.

    Martoňák, Santoro, Tosatti 2002 (doi:10.1103/PhysRevB.66.094203): each of ``slices`` copies
    stands at the hot end of the instance's temperatures (see `temperature_range`), so that the
    whole stands at that divided by their number; the field falls linearly from 3 times that heat
    to a thousandth of it, and ties the copies ever closer. Each pass starts from random spins, has
    twice the sweeps of the one before, up to ``most_sweeps``, and ends in a descent.

    Quotas act on the copies as a quadratic pull; what is read out keeps them, by flipping the
    members that cost least and by swaps.

    Attributes
    ----------
    slices
        Copies in imaginary time: 16, 32, 48 or 64.
    moves
        ``clusters`` flips runs of a spin's slices together (Wolff's idea along imaginary time),
        ``local`` one slice at a time.
    replicas
        Independent paths; threads share them.
    sweeps, most_sweeps
        Sweeps of the first and of the longest pass.
    heat
        Temperature at which each slice stands, in the unit of the energy; None takes it from the
        instance.
    threads
        Threads to use; the result does not depend on it.
    """

    name: ClassVar[str] = "path-integral"
    kind: ClassVar[str] = "inspired"
    accepts: ClassVar[type] = Ising
    keeps_quotas: ClassVar[bool] = True
    tunable: ClassVar[dict[str, tuple[Any, ...]]] = {"slices": (32, 16, 64), "replicas": (1, 2, 4)}

    slices: int = 32
    moves: Literal["clusters", "local"] = "clusters"
    replicas: int = 1
    sweeps: int = 32
    most_sweeps: int = 1 << 18
    heat: float | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        if self.slices not in (16, 32, 48, 64):
            raise InputError(f"slices must be 16, 32, 48 or 64, got {self.slices}")
        if self.moves not in ("clusters", "local"):
            raise InputError(f"moves must be clusters or local, got {self.moves!r}")
        if min(self.replicas, self.sweeps, self.most_sweeps, self.threads) < 1:
            raise InputError(
                "replicas, sweeps, most_sweeps and threads must be at least 1, got "
                f"{self.replicas}, {self.sweeps}, {self.most_sweeps} and {self.threads}"
            )
        if self.heat is not None and not 0 < self.heat < np.inf:
            raise InputError(f"heat must be a temperature above 0, got {self.heat}")

    def solve(
        self, form: Ising, *, stop: Stop, rng: np.random.Generator, on_event: OnEvent = ignore
    ) -> Samples:
        """Search until ``stop`` says so."""
        search = Search(form, stop, on_event)
        pulled = _pulled(form) if form.quotas else form
        land = landscape_of(pulled) if form.quotas else search.landscape
        heat = self.heat if self.heat is not None else temperature_range(land)[0]
        paths = Paths.random(land, rng, self.replicas, self.slices)
        keys = keys_of(rng, self.replicas)
        sweeps, swept = min(self.sweeps, self.most_sweeps), 0
        while True:
            anneal_paths(
                land,
                paths,
                keys,
                sweeps=sweeps,
                temperature=heat / self.slices,
                strong=_STRONG * heat,
                weak=_WEAK * heat,
                clusters=self.moves == "clusters",
                budget=ROUND // self.replicas,
                threads=self.threads,
            )
            done = bool((paths.places[:, 0] >= sweeps).all())
            over = search.over()
            if done or over:
                self._read(search, land, paths, int(keys[0]))
            if over or (done and search.over()):
                swept += int(paths.places[:, 0].sum())
                return search.samples(sweeps=swept, heat=heat)
            if done:
                swept += self.replicas * sweeps
                paths.restart(land, rng)
                keys = keys_of(rng, self.replicas)
                sweeps = min(2 * sweeps, self.most_sweeps)

    def _read(self, search: Search, land: Landscape, paths: Paths, key: int) -> None:
        """Take note of each replica's best slice, and of the minimum right below."""
        rows = np.ones((self.replicas, land.stride), land.fields.dtype)
        for row in range(self.replicas):
            lowest = int(np.argmin(paths.energies[row]))
            kept = paths.least[row] <= paths.energies[row, lowest]
            rows[row, : land.n] = paths.best[row] if kept else paths.slices(row)[lowest]
        spins = land.rows(rows)[:, search.landscape.order]
        below = Chains.of(search.landscape, _kept(search.landscape, spins))
        descend(search.landscape, below, key=key, threads=self.threads)
        search.offer(below.spins, below.energies)


def _pulled(form: Ising) -> Ising:
    """The form with its quotas as a quadratic pull instead."""
    scale = temperature_range(landscape_of(form))[0]
    fields = form.fields.copy()
    rows, columns = [], []
    for quota in form.quotas:
        members = np.sort(np.asarray(quota.members, np.int64))
        first, second = np.triu_indices(members.size, 1)
        rows.append(members[first])
        columns.append(members[second])
        fields[members] -= 2 * scale * (members.size - 2 * quota.count)
    ends = (np.concatenate(rows), np.concatenate(columns))
    pairs = sparse.coo_array(
        (np.full(ends[0].size, 2 * scale), ends), shape=(form.variables, form.variables)
    )
    return Ising(fields, form.couplings + pairs.tocsr())


def _kept(land: Landscape, spins: np.ndarray) -> np.ndarray:
    """Padded rows in which the cheapest members have been flipped until quotas are kept."""
    rows = np.ones((len(spins), land.stride), land.fields.dtype)
    rows[:, : land.n] = spins
    for group, count in zip(land.groups, land.counts.tolist(), strict=True):
        felt = Chains.of(land, rows).locals[:, group]
        # Members that are -1 by choice come first, the most willing of each kind foremost.
        rank = np.lexsort((-felt, rows[:, group]), axis=1).argsort(axis=1, kind="stable")
        rows[:, group] = np.where(rank < count, -1, 1)
    return rows
