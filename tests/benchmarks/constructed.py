"""Constructed benchmarks: records with planted effects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from qupel.benchmarks import SAMPLER, UNIFORM, Arm, Comparison, Kind, Rule, Tuning, compare
from qupel.model.evidence import Evidence
from qupel.runs.record import Clocks, Record, Share, Status

TUNED = Tuning(trials=20, seconds=40.0, cells=(("elsewhere", 7),))

BASELINES = ("pyvrp", "ortools-routing")


def arm(name: str, kind: Kind, **changes: Any) -> Arm:
    solver = {"solver": name, "kind": str(kind)}
    return Arm(name, kind, solver, **{"tuning": TUNED, **changes})


STATUS_QUO = arm("planner", Kind.STATUS_QUO, tuning=Tuning(exempt="production as it stands"))
CLASSICAL = arm("pyvrp", Kind.CLASSICAL)
INSPIRED = arm("tempering", Kind.INSPIRED)
HYBRID = Arm(
    "hybrid",
    Kind.HYBRID,
    {"solver": "hybrid", "kind": "hybrid", "inner": {"solver": "qaoa", "kind": "quantum"}},
    tuning=TUNED,
)
UNIFORM_PLACEBO = arm("hybrid on bits", Kind.PLACEBO, placebo_of="hybrid", placebo_kind=UNIFORM)
SAMPLER_PLACEBO = arm("hybrid on tabu", Kind.PLACEBO, placebo_of="hybrid", placebo_kind=SAMPLER)
ARMS = (STATUS_QUO, CLASSICAL, INSPIRED, HYBRID, UNIFORM_PLACEBO, SAMPLER_PLACEBO)

NO_GAIN = {a.name: 0.0 for a in ARMS} | {"planner": -10.0, "tempering": -3.0}
"""Improvement of each arm over pyvrp in percent, where the hybrid has none."""

RULE = Rule(margin=2.0, max_cost_ratio=1.5, max_latency_seconds=2.0)

WIN = NO_GAIN | {"hybrid": 8.0}


@dataclass(frozen=True)
class Bench:
    """Records with planted improvements in percent of the KPI, and how to compare them."""

    gains: Mapping[str, float] = field(default_factory=lambda: dict(WIN))
    cases: int = 10
    seeds: int = 3
    arms: Sequence[Arm] = ARMS
    rule: Rule = RULE
    wobble: float = 0.5
    noise: float = 0.3
    evidence: Evidence = Evidence.NOISY
    costs: Mapping[str, float] = field(default_factory=dict)
    change: Callable[[Record], Record] = lambda record: record
    options: Mapping[str, Any] = field(default_factory=lambda: {"baselines": BASELINES})

    def records(self) -> list[Record]:
        rng = np.random.default_rng(5)
        sizes = 100 * np.exp(rng.normal(0, 0.5, self.cases))
        records = []
        for known in self.arms:
            shares = rng.normal(0, self.wobble, self.cases)
            for case in range(self.cases):
                for seed in range(self.seeds):
                    gain = self.gains[known.name] + shares[case] + rng.normal(0, self.noise)
                    value = float(sizes[case] * (1 - gain / 100))
                    records.append(self.change(self._record(known, case, seed, value)))
        return records

    def _record(self, known: Arm, case: int, seed: int, value: float) -> Record:
        quantum = known.has_quantum_step
        return Record(
            id=f"{known.name}/{case}/{seed}",
            arm=known.name,
            case=f"day {case:02}",
            seed=seed,
            family="cvrp",
            problem_hash=f"hash {case}",
            solver=dict(known.solver),
            status=Status.ANSWERED,
            answered_by="primary",
            evidence=self.evidence if quantum else Evidence.CLASSICAL,
            objective=value,
            feasible=True,
            raw=Share(40, 100),
            repaired=Share(90, 100),
            trace=((0.2, value * 1.1), (0.6, value)),
            clocks=Clocks(encode=0.1, compile=0.1, queue=0.2, execute=0.5, judge=0.1),
            end_to_end=1.0,
            cpu_seconds=0.7,
            peak_memory=10_000_000,
            budget=1.0,
            cost=self.costs.get(known.name, 1.0),
            diversity=0.3,
        )

    def compared(self) -> Comparison:
        return compare(self.records(), self.arms, self.rule, draws=500, **self.options)

    def but(self, **changes: Any) -> Bench:
        return replace(self, **changes)
