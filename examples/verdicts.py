"""One verdict of each kind, from constructed records; memos land in ``out/verdicts/``.

Nothing is solved here. Every record is made up with a planted effect, and says so in its
``solver``, ``platform`` and ``facts``. The records go through the same comparison, rule and memo
as those of a real pilot, so the page shows how the rule decides, and nothing about any solver.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from qupel.benchmarks import SAMPLER, UNIFORM, Arm, Comparison, Kind, Kpi, Rule, Tuning, compare
from qupel.model.evidence import Evidence
from qupel.reports import Brief, memo, to_html
from qupel.runs.record import Clocks, Record, Share, Status

OUT = Path(__file__).parent.parent / "out" / "verdicts"
SYNTHETIC = "constructed numbers: nothing was solved"
TUNED = Tuning(trials=20, seconds=20.0, cells=(("a constructed case for tuning", 0),))


def _arm(name: str, kind: Kind, **changes: str) -> Arm:
    return Arm(name, kind, {"solver": f"constructed {name}", "kind": str(kind)}, **changes,
               tuning=TUNED)  # fmt: skip


TODAY = replace(_arm("today", Kind.STATUS_QUO), tuning=Tuning(exempt="as it stands"))
BASELINE = _arm("baseline", Kind.CLASSICAL)
HYBRID = replace(
    _arm("hybrid", Kind.HYBRID),
    solver={
        "solver": "constructed hybrid",
        "kind": "hybrid",
        "inner": {"solver": "constructed samples", "kind": "quantum"},
    },
)
ON_BITS = _arm("hybrid · uniform", Kind.PLACEBO, placebo_of="hybrid", placebo_kind=UNIFORM)
ON_SAMPLER = _arm("hybrid · sampler", Kind.PLACEBO, placebo_of="hybrid", placebo_kind=SAMPLER)
ARMS = (TODAY, BASELINE, HYBRID, ON_BITS, ON_SAMPLER)

RULE = Rule(margin=2.0, max_cost_ratio=1.5, max_latency_seconds=2.0)
KPI = Kpi("distance", "km")


def _unchanged(record: Record) -> Record:
    return record


@dataclass(frozen=True)
class Construction:
    """A benchmark with planted effects.

    Attributes
    ----------
    title
        What it shows.
    hybrid, uniform, sampler
        Planted improvement over the classical arm in percent, of the hybrid and its placebos.
    cases, seeds
        How many.
    spread
        Standard deviation of every arm's improvement between cases, in percentage points.
    evidence
        Kind of machine that the quantum samples pretend to come from.
    cost
        Of a run of the hybrid; every other arm costs 1.
    arms
        Those that ran.
    tags
        By case number.
    change
        Applied to every record at the end.
    """

    title: str
    hybrid: float = 0.0
    uniform: float = 0.0
    sampler: float = 0.0
    cases: int = 10
    seeds: int = 3
    spread: float = 0.5
    evidence: Evidence = Evidence.NOISY
    cost: float = 1.0
    arms: tuple[Arm, ...] = ARMS
    tags: Mapping[int, str] = field(default_factory=dict)
    change: Callable[[Record], Record] = _unchanged

    def records(self) -> list[Record]:
        """One for every arm, case and seed."""
        rng = np.random.default_rng(2026)
        gains = {"today": -10.0, "baseline": 0.0, "hybrid": self.hybrid,
                 "hybrid · uniform": self.uniform, "hybrid · sampler": self.sampler}  # fmt: skip
        sizes = 100.0 * np.exp(rng.normal(0.0, 0.5, self.cases))
        found = []
        for arm in self.arms:
            local = rng.normal(0.0, self.spread, self.cases)
            for case, size in enumerate(sizes):
                for seed in range(self.seeds):
                    gain = gains[arm.name] + local[case] + rng.normal(0.0, 0.3)
                    kpi = float(size * (1.0 - gain / 100.0))
                    found.append(self.change(self._record(arm, case, seed, kpi)))
        return found

    def _record(self, arm: Arm, case: int, seed: int, kpi: float) -> Record:
        return Record(
            id=f"constructed/{arm.name}/{case}/{seed}",
            arm=arm.name,
            case=f"day {case:02}",
            seed=seed,
            family="constructed",
            problem_hash=f"constructed/{case}",
            solver=dict(arm.solver),
            status=Status.ANSWERED,
            answered_by="primary",
            evidence=self.evidence if arm.has_quantum_step else Evidence.CLASSICAL,
            objective=kpi,
            feasible=True,
            raw=Share(40, 100),
            repaired=Share(90, 100),
            trace=((0.2, 1.1 * kpi), (0.6, kpi)),
            clocks=Clocks(encode=0.1, compile=0.1, queue=0.1, execute=0.6, judge=0.1),
            end_to_end=1.0,
            cpu_seconds=0.7,
            budget=1.0,
            cost=self.cost if arm is HYBRID else 1.0,
            platform={"machine": f"none, {SYNTHETIC}"},
            facts={"synthetic": SYNTHETIC},
        )

    def compared(self) -> Comparison:
        """The comparison, by the rule that all constructions share."""
        return compare(
            self.records(),
            self.arms,
            RULE,
            kpi=KPI,
            baselines=("constructed baseline",),
            tags={f"day {case:02}": (tag,) for case, tag in self.tags.items()},
            draws=2000,
        )


def _in_winter(record: Record) -> Record:
    """The hybrid gains another 12 % in the first eight cases."""
    if record.arm != "hybrid" or record.objective is None or record.case >= "day 08":
        return record
    return replace(record, objective=0.88 * record.objective)


def _other_data(record: Record) -> Record:
    """The hybrid was given other data in the first case."""
    if (record.arm, record.case) != ("hybrid", "day 00"):
        return record
    return replace(record, problem_hash="constructed/other")


CONSTRUCTIONS = {
    "keep": Construction("8 % better, and neither placebo is", hybrid=8.0),
    "iterate": Construction("Too scattered to tell", hybrid=3.0, spread=3.0),
    "stop": Construction("No better than the classical arm"),
    "loss": Construction("5 % worse than the classical arm", hybrid=-5.0),
    "classical-win": Construction("8 % better, and so is a placebo", hybrid=8.0, sampler=8.0),
    "idealised-only": Construction(
        "8 % better without noise and queue", hybrid=8.0, evidence=Evidence.NOISELESS
    ),
    "cost": Construction("8 % better at double cost", hybrid=8.0, cost=2.0),
    "local": Construction(
        "Better in winter alone",
        hybrid=1.0,
        cases=16,
        tags={case: "winter" if case < 8 else "summer" for case in range(16)},
        change=_in_winter,
    ),
    "insufficient": Construction("8 % better in five cases", hybrid=8.0, cases=5),
    "not-comparable": Construction("8 % better on other data", hybrid=8.0, change=_other_data),
    "blocked": Construction(
        "8 % better than a weak baseline",
        hybrid=8.0,
        arms=tuple(arm for arm in ARMS if arm is not BASELINE),
    ),
}


def _brief(name: str, construction: Construction) -> Brief:
    return Brief(
        title=f"Constructed: {construction.title[0].lower()}{construction.title[1:]}",
        decision=f"None. {SYNTHETIC[0].upper()}{SYNTHETIC[1:]}; this memo shows the verdict alone.",
        owner="nobody",
        approved_by="nobody",
        hypothesis="none; the effect was planted.",
        bottleneck="Nothing real",
        share=1.0,
        role="subproblem optimisation",
        fallback="None is needed where nothing runs.",
        stop_rule="after one run",
        engineering_metric="gap",
        expected_effect=construction.hybrid,
        created="2026-11-21",
        charter_hash=f"constructed {name}",
        amendments=(),
        hours=len(construction.records()) / 3600,
        complete=True,
        written="2026-11-21",
        commands=("python examples/verdicts.py",),
    )


def main(out: Path = OUT) -> None:
    """Print every verdict and write its memo."""
    out.mkdir(parents=True, exist_ok=True)
    for name, construction in CONSTRUCTIONS.items():
        comparison = construction.compared()
        verdict = comparison.verdict
        page = to_html(memo(_brief(name, construction), comparison))
        (out / f"{name}.html").write_text(page, encoding="utf-8")
        print(f"{construction.title}\n    -> {verdict.decision} (advantage: {verdict.advantage})")
        print(textwrap.indent(textwrap.fill(verdict.sentence, 84), "    ") + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT, help="folder of the memos")
    main(parser.parse_args().out)
