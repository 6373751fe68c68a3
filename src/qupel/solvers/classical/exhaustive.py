"""Every configuration of an Ising model, so that the best is proved."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qupel.errors import InputError
from qupel.kernels.ising import Chains, combine, enumerate_codes
from qupel.model.ising import Ising
from qupel.model.samples import Outcome, Samples
from qupel.model.sparse import symmetric
from qupel.solvers.contract import OnEvent, Stop, ignore
from qupel.solvers.search import ROUND, Search

_CODES = 1 << 18  # of sixteen configurations each: about two milliseconds
_ROOM = 1 << 12


@dataclass(frozen=True, slots=True)
class Exhaustive:
    """Look at every configuration that keeps the quotas; the best is optimal.

    Free spins alone are walked through in Gray-code order, sixteen at a time; quotas by
    combinations.

    Attributes
    ----------
    limit
        Largest size that is tried: the binary logarithm of the number of configurations.
    """

    name: ClassVar[str] = "exhaustive"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type] = Ising
    keeps_quotas: ClassVar[bool] = True

    limit: int = 32

    def __post_init__(self) -> None:
        if not 0 <= self.limit <= 60:
            raise InputError(f"limit must be from 0 to 60, got {self.limit}")

    def solve(
        self, form: Ising, *, stop: Stop, rng: np.random.Generator, on_event: OnEvent = ignore
    ) -> Samples:
        """Go through all configurations, or as many as ``stop`` allows.

        Raises
        ------
        InputError
            If there are more than two to the power of ``limit``.
        """
        free = form.variables - sum(len(quota.members) for quota in form.quotas)
        count = 2**free * math.prod(math.comb(len(q.members), q.count) for q in form.quotas)
        if count > 2**self.limit:
            raise InputError(
                f"{form.variables} variables have 2^{math.log2(count):.1f} configurations, above "
                f"the limit of 2^{self.limit}; raise `limit` or choose another solver"
            )
        search = Search(form, stop, on_event)
        combined = bool(form.quotas) or form.variables < 6
        if not (_combinations(search) if combined else _codes(search)):
            return search.samples()
        found = search.samples(Outcome.OPTIMAL, configurations=count)
        search.watch.proved(found.bound)
        return found


def _codes(search: Search) -> bool:
    """All configurations of free spins; False if the stop rule came first."""
    land = search.landscape
    form = search.form
    n = form.variables
    couplings = np.ascontiguousarray(symmetric(form.couplings).toarray())
    states = np.zeros(_ROOM, np.uint64)
    energies = np.zeros(_ROOM)
    size, limit, code, last = 0, math.inf, 0, 1 << (n - 4)
    while True:
        code, size = enumerate_codes(
            form.fields,
            couplings,
            states,
            energies,
            begin=code,
            end=min(last, code + _CODES),
            size=size,
            limit=limit,
        )
        if size > search.room:
            order = np.lexsort((states[:size], energies[:size]))[: search.room]
            states[: order.size], energies[: order.size] = states[order], energies[order]
            size, limit = order.size, float(energies[order.size - 1])
        least = float(energies[:size].min())
        if code >= last or least + form.offset < search.watch.best - land.tolerance:
            keep = np.argsort(energies[:size], kind="stable")
            if code < last:
                keep = keep[:1]
            bits = (states[keep, None] >> np.arange(n, dtype=np.uint64)) & np.uint64(1)
            rows = np.ones((keep.size, land.stride), land.fields.dtype)
            rows[:, :n] = (1 - 2 * bits.astype(np.int64))[:, land.order]
            search.offer(rows, energies[keep])
        if code >= last:
            return True
        if search.over():
            return False


def _combinations(search: Search) -> bool:
    """All configurations that keep the quotas; False if the stop rule came first."""
    land = search.landscape
    start = np.ones((1, land.stride), land.fields.dtype)
    chosen = np.zeros(land.n, np.int32)
    for group, count in zip(land.groups, land.counts.tolist(), strict=True):
        chosen[group.start : group.start + count] = np.arange(group.start, group.start + count)
        start[0, group.start : group.start + count] = -1
    chains = Chains.of(land, start)
    rows = np.ones((_ROOM, land.stride), land.fields.dtype)
    energies = np.zeros(_ROOM)
    size, limit, left = 0, math.inf, True
    while left:
        size, left = combine(
            land, chains, chosen, rows, energies, size=size, limit=limit, budget=ROUND
        )
        if size > search.room:
            order = np.argsort(energies[:size], kind="stable")[: search.room]
            rows[: order.size], energies[: order.size] = rows[order], energies[order]
            size, limit = order.size, float(energies[order.size - 1])
        best = int(np.argmin(energies[:size]))
        if energies[best] + search.form.offset < search.watch.best - land.tolerance:
            search.offer(rows[best : best + 1], energies[best : best + 1])
        if left and search.over():
            return False
    search.offer(rows[:size], energies[:size])
    return True
