"""Mixed-integer linear programming by HiGHS, which comes with SciPy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float64, Int64

from qupel.errors import InputError
from qupel.model.model import Model
from qupel.model.samples import Outcome, Samples
from qupel.solvers.classical.highs import run_highs
from qupel.solvers.classical.last_resort import last_resort
from qupel.solvers.classical.linearise import linearised
from qupel.solvers.contract import OnEvent, Stop, Watch, ignore


@dataclass(frozen=True, slots=True)
class Milp:
    """HiGHS branch and cut: proves optimality or infeasibility, gives a bound.

    Products in the objective are made linear exactly (see `linearised`). A round of the stop
    rule is one node of the tree. The engine reports nothing on its way, so the only events are
    those of its end, and a target in the stop rule does not end it early. It is told to end a
    little before the deadline, and large forms run in a process of their own, which is ended
    without a result if it is late nevertheless (see `qupel.solvers.classical.highs`). Values are
    rounded and checked against the form.

    Attributes
    ----------
    gap
        Relative distance of bound and incumbent that counts as proof.
    presolve
        Whether HiGHS reduces the form first.
    """

    name: ClassVar[str] = "milp"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type] = Model
    keeps_quotas: ClassVar[bool] = True

    gap: float = 0.0
    presolve: bool = True

    def __post_init__(self) -> None:
        if not 0.0 <= self.gap < 1.0:
            raise InputError(f"gap must be from 0 to below 1, got {self.gap}")

    def solve(
        self,
        form: Model,
        *,
        stop: Stop,
        rng: np.random.Generator,
        on_event: OnEvent = ignore,
    ) -> Samples:
        """Search until ``stop`` says so or the best point is proved best; ``rng`` is not used."""
        watch = Watch(on_event)
        linear = linearised(form)
        options: dict[str, object] = {"presolve": self.presolve, "mip_rel_gap": self.gap}
        rounds = stop.rounds_left()
        if rounds is not None:
            options["node_limit"] = max(rounds, 1)
        found = run_highs(linear, options, stop.deadline)
        if found is None:
            return last_resort(form)
        if found.status == 2:
            return Samples.none(form.variables, outcome=Outcome.INFEASIBLE)
        facts = {
            "nodes": found.nodes,
            "linear_variables": linear.objective.size,
            "linear_rows": linear.rows.shape[0],
        }
        bound = found.bound + form.offset
        point = None if found.point is None else _rounded(form, found.point)
        if point is None:
            bound = bound if math.isfinite(bound) else -math.inf
            watch.proved(bound)
            return last_resort(form, bound=bound, facts=facts)
        energy = float(form.energies(point[None])[0])
        watch.saw(energy)
        bound = min(bound, energy)
        watch.proved(bound)
        optimal = found.status == 0
        return Samples.of(
            point[None],
            [energy],
            outcome=Outcome.OPTIMAL if optimal else Outcome.STOPPED,
            bound=bound,
            facts=facts,
        )


def _rounded(form: Model, x: Float64[np.ndarray, " columns"]) -> Int64[np.ndarray, " n"] | None:
    """Return the point's whole values, None if they break the form."""
    point = np.rint(x[: form.variables]).astype(np.int64)
    return point if bool(form.feasible(point[None])[0]) else None
