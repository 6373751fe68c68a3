"""Dispatching rules for job shops: what a foreman does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Int32

from qupel.kernels.jobshop import Rule, Shop
from qupel.model.samples import Outcome, Samples
from qupel.problems.jobshop import JobShop
from qupel.solvers.contract import OnEvent, Stop, Watch, ignore

#: Every rule, once for active and once for non-delay schedules.
RULES = tuple((rule, active) for rule in Rule if rule != Rule.KEYS for active in (False, True))


@dataclass(frozen=True, slots=True)
class Dispatching:
    """Best schedule of twelve dispatching rules; deterministic.

    Shortest and longest operation, most and least work remaining, most operations remaining,
    first come: each once among the operations that could start before the earliest completion
    (active schedules of Giffler and Thompson 1960, doi:10.1287/opre.8.4.487), once among those
    that can start first (non-delay schedules).
    """

    name: ClassVar[str] = "greedy"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type] = JobShop
    keeps_quotas: ClassVar[bool] = False

    def solve(
        self,
        form: JobShop,
        *,
        stop: Stop,
        rng: np.random.Generator,
        on_event: OnEvent = ignore,
    ) -> Samples:
        """Try one rule after the other; ``rng`` is not used."""
        watch = Watch(on_event)
        shop, lower = form.kernel(), form.lower_bound()
        watch.proved(lower)
        plans: list[np.ndarray] = []
        makespans: list[float] = []
        outcome = Outcome.STALLED
        for rule, active in RULES:
            plans.append(shop.starts(shop.dispatch(rule, active=active)))
            makespans.append(float(form.makespan(plans[-1])))
            watch.saw(makespans[-1])
            if stop(watch.best):
                outcome = Outcome.STOPPED
                break
        if watch.best <= lower:
            outcome = Outcome.OPTIMAL
        return Samples.of(np.array(plans), makespans, outcome=outcome, bound=float(lower))


def best_rule(form: JobShop, shop: Shop) -> tuple[Int32[np.ndarray, " operations"], int]:
    """Return the sequence of the best rule, the first of equals, and its makespan."""
    sequences = [shop.dispatch(rule, active=active) for rule, active in RULES]
    makespans = [form.makespan(shop.starts(sequence)) for sequence in sequences]
    best = int(np.argmin(makespans))
    return sequences[best], makespans[best]
