"""Local search for job shops: descent, tabu search and annealing over machine orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qupel.errors import InputError
from qupel.kernels.jobshop import Kind
from qupel.model.samples import Outcome, Samples
from qupel.problems.jobshop import JobShop
from qupel.solvers.classical.dispatching import best_rule
from qupel.solvers.contract import OnEvent, Stop, Watch, ignore


@dataclass(frozen=True, slots=True)
class JobShopLocalSearch:
    """Descent on the critical path's blocks, kicked out of each local optimum.

    A move takes an operation to or from an end of its block (the neighbourhood N7 of Zhang et
    al. 2007, which contains N5 and N6); the best by the estimate of Balas and Vazacopoulos
    (1998) is made, with maintenance by full timing of the most promising. From a local optimum
    the search returns to the best schedule of the run and makes two to four random moves.

    Attributes
    ----------
    patience
        Kicks without a gain after which the search begins again from a random active schedule.
    """

    name: ClassVar[str] = "local-search"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type] = JobShop
    keeps_quotas: ClassVar[bool] = False
    tunable: ClassVar[dict[str, tuple[Any, ...]]] = {"patience": (500, 100, 2000)}

    patience: int = 500

    def __post_init__(self) -> None:
        _positive("patience", self.patience)

    def solve(
        self,
        form: JobShop,
        *,
        stop: Stop,
        rng: np.random.Generator,
        on_event: OnEvent = ignore,
    ) -> Samples:
        """Search until ``stop`` says so or the makespan meets a lower bound."""
        return _search(form, Kind.DESCENT, self.patience, 0, stop, rng, on_event)


@dataclass(frozen=True, slots=True)
class JobShopTabu:
    """Tabu search on the critical path's blocks, restarted between elite schedules.

    Neighbourhood and estimates are those of `JobShopLocalSearch`. The tabu list forbids to
    restore an order of two operations for ``10 + jobs / machines`` to half as many more steps.
    A run without a gain ends; its best schedule may join the elite, and the next run begins
    between two of them, operations sequenced by a weighted mean of their starts in both. That
    keeps what the two agree on, and is a simple form of the path relinking of Peng, Lü and
    Cheng (2015), doi:10.1016/j.cor.2014.08.006.

    The defaults were chosen on ft10, orb03, la27 and la29 with three seeds each.

    Attributes
    ----------
    patience
        Steps without a gain that end a run.
    elite
        Schedules kept; below 2 every run begins at random.
    """

    name: ClassVar[str] = "tabu"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type] = JobShop
    keeps_quotas: ClassVar[bool] = False
    tunable: ClassVar[dict[str, tuple[Any, ...]]] = {
        "patience": (3000, 1000, 10000),
        "elite": (6, 3, 12),
    }

    patience: int = 3000
    elite: int = 6

    def __post_init__(self) -> None:
        _positive("patience", self.patience)
        if self.elite < 0:
            raise InputError(f"elite must not be negative, got {self.elite}")

    def solve(
        self,
        form: JobShop,
        *,
        stop: Stop,
        rng: np.random.Generator,
        on_event: OnEvent = ignore,
    ) -> Samples:
        """Search until ``stop`` says so or the makespan meets a lower bound."""
        return _search(form, Kind.TABU, self.patience, self.elite, stop, rng, on_event)


@dataclass(frozen=True, slots=True)
class JobShopAnnealing:
    """Simulated annealing by exchanges of neighbours on the critical path.

    After van Laarhoven, Aarts and Lenstra (1992), doi:10.1287/opre.40.1.113, with geometric
    cooling from half the mean duration to a fiftieth of it; each cycle is twice as long as the
    last and begins at the best schedule. Every exchange is timed in full.
    """

    name: ClassVar[str] = "annealing"
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
        """Search until ``stop`` says so or the makespan meets a lower bound."""
        return _search(form, Kind.ANNEALING, 1, 0, stop, rng, on_event)


def _search(
    shop: JobShop,
    kind: Kind,
    patience: int,
    elite: int,
    stop: Stop,
    rng: np.random.Generator,
    on_event: OnEvent,
) -> Samples:
    watch = Watch(on_event)
    seed = int(rng.integers(2**63))
    kernel = shop.kernel()
    lower = shop.lower_bound()
    watch.proved(lower)
    sequence, makespan = best_rule(shop, kernel)
    watch.saw(makespan)
    search = kernel.search(kind, sequence, seed=seed, patience=patience, pool=elite, lower=lower)
    steps = steps_of_a_round(shop, kind)
    while not search.finished:
        watch.saw(search.advance(steps))
        if search.finished or stop(watch.best):
            break
    return Samples.of(
        search.best()[None],
        [float(search.makespan)],
        outcome=Outcome.OPTIMAL if search.finished else Outcome.STOPPED,
        bound=float(search.makespan if search.finished else lower),
        facts={"steps": search.steps, "restarts": search.restarts},
    )


def steps_of_a_round(shop: JobShop, kind: Kind) -> int:
    """Return the steps that take one or two milliseconds, by the size of the shop alone."""
    steps = 200_000 // (shop.operations + 50)
    if shop.maintenance and kind != Kind.ANNEALING:
        steps //= 8  # moves are timed in full
    return max(1, steps)


def _positive(name: str, value: int) -> None:
    if value < 1:
        raise InputError(f"{name} must be at least 1, got {value}")
