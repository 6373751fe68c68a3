"""Memos of constructed comparisons, one for every decision, and names that mean harm."""

from __future__ import annotations

from dataclasses import replace

from qupel.benchmarks import Comparison, compare
from qupel.reports.brief import Brief
from tests.benchmarks.constructed import ARMS, NO_GAIN, WIN, Bench

BRIEF = Brief(
    title="Depot routing",
    decision="Which van visits which stops, each night.",
    owner="Ünal Groß",
    approved_by="A. Möller",
    hypothesis="Samples of sub-routes shorten the tours.",
    bottleneck="Route planning",
    share=0.6,
    role="subproblem optimisation",
    fallback="“pyvrp” answers within 2 s.",
    stop_rule="after one run",
    engineering_metric="gap",
    expected_effect=3.0,
    created="2026-11-20T10:00:00+00:00",
    charter_hash="0123456789abcdef" * 4,
    amendments=("the depot moved",),
    hours=0.2,
    complete=False,
    written="2026-11-21T10:00:00+00:00",
    commands=("qupel run pilot.yaml", "qupel report depot-routing"),
)

BENCHES = {
    "keep": Bench(),
    "iterate": Bench(costs={"hybrid": 2.0}),
    "stop": Bench(gains=NO_GAIN),
    "insufficient": Bench(cases=5),
    "not comparable": Bench(change=lambda r: replace(r, budget=1.05) if r.arm == "hybrid" else r),
    "blocked": Bench(arms=ARMS[:-1]),
    "never feasible": Bench(
        change=lambda r: replace(r, feasible=False) if r.arm == "hybrid" else r
    ),
    "all equal and quick": Bench(
        gains=dict.fromkeys(NO_GAIN, 0.0),
        wobble=0.0,
        noise=0.0,
        change=lambda r: replace(
            r,
            trace=((2e-4, r.objective or 0.0),),
            clocks=replace(r.clocks, encode=1e-5, compile=0.0, queue=1e-5, execute=3e-4, judge=0.0),
            end_to_end=3.2e-4,
        ),
    ),
}
"""One for each decision, and two whose charts would be empty or squeezed."""

HOSTILE = "Ärm <script>alert('x')</script> & \"Größe\" " + "sehr" * 20


def hostile() -> Comparison:
    """A win in which arm and cases have long names full of markup, quotes and umlauts."""
    arms = [
        replace(arm, name=HOSTILE)
        if arm.name == "hybrid"
        else replace(arm, placebo_of=HOSTILE)
        if arm.placebo_of
        else arm
        for arm in ARMS
    ]
    bench = Bench(
        gains=WIN,
        change=lambda r: replace(
            r, arm=HOSTILE if r.arm == "hybrid" else r.arm, case=f"{r.case} {HOSTILE}"
        ),
    )
    return compare(bench.records(), arms, bench.rule, draws=500, **bench.options)
