"""The truth table of the verdict: constructed benchmarks, one for every branch."""

from dataclasses import replace
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.benchmarks import (
    Advantage,
    Arm,
    Decision,
    Kind,
    Kpi,
    Measure,
    Reference,
    Rule,
    compare,
)
from qupel.model.evidence import Evidence
from qupel.runs.record import Record
from tests.benchmarks.constructed import (
    ARMS,
    NO_GAIN,
    RULE,
    TUNED,
    WIN,
    Bench,
)

WINNING = Bench()
TAGS = {f"day {case:02}": ("winter",) if case < 8 else ("summer",) for case in range(16)}


def in_winter(gain: float, elsewhere: float) -> Bench:
    """Sixteen cases of which the first eight give the hybrid its gain."""

    def change(record: Record) -> Record:
        if record.arm != "hybrid" or record.objective is None:
            return record
        here = gain if TAGS[record.case] == ("winter",) else elsewhere
        return replace(record, objective=record.objective * (1 - here / 100))

    return Bench(gains=NO_GAIN, cases=16, change=change, options={**WINNING.options, "tags": TAGS})


def infeasible(arm: str, every: int) -> Bench:
    """The arm fails to answer feasibly in every so-many-th run."""

    def change(record: Record) -> Record:
        case = int(record.case.split()[1])
        if record.arm == arm and (3 * case + record.seed) % every == 0:
            return replace(record, feasible=False)
        return record

    return WINNING.but(gains=WIN | {"hybrid": 60.0}, change=change)


def measured(hybrid: float, tolerance: float | None) -> Bench:
    """Every arm is late 4 times a day, the hybrid as said."""

    def change(record: Record) -> Record:
        late = hybrid if record.arm == "hybrid" else 4.0
        return replace(record, measures={"late stops": late + 0.1 * record.seed})

    measure = Measure("late stops", "min", "stops", tolerance)
    return WINNING.but(change=change, rule=replace(RULE, measures=(measure,)))


def slow(record: Record) -> Record:
    if record.arm != "hybrid":
        return replace(record, budget=4.0)
    return replace(record, budget=4.0, end_to_end=3.0, clocks=replace(record.clocks, queue=2.2))


def fewest_feasible(record: Record) -> Record:
    """The hybrid never answers feasibly."""
    return replace(record, feasible=False) if record.arm == "hybrid" else record


TABLE = {
    "a win with every gate passed": (WINNING, "keep", "empirical", "hybrid"),
    "a win on hardware": (
        WINNING.but(evidence=Evidence.HARDWARE),
        "keep",
        "hardware-specific",
        "hybrid",
    ),
    "the classical sampler wins too": (
        WINNING.but(gains=WIN | {"hybrid on tabu": 8.0}),
        "stop",
        "classical win",
        "hybrid on tabu",
    ),
    "uniform bits win too": (
        WINNING.but(gains=WIN | {"hybrid on bits": 7.5}),
        "stop",
        "classical win",
        "hybrid on bits",
    ),
    "a placebo wins too, but the hybrid is a margin above it": (
        WINNING.but(gains=WIN | {"hybrid on tabu": 4.0}),
        "keep",
        "empirical",
        "hybrid",
    ),
    "8 % better at double cost": (
        WINNING.but(costs={"hybrid": 2.0}),
        "iterate",
        "none",
        "pyvrp",
    ),
    "8 % better above the cap on cost": (
        WINNING.but(rule=replace(RULE, max_cost=0.5, max_cost_ratio=None)),
        "iterate",
        "none",
        "pyvrp",
    ),
    "better but too slow": (WINNING.but(change=slow), "iterate", "none", "pyvrp"),
    "wins only without noise and queue": (
        WINNING.but(evidence=Evidence.NOISELESS),
        "iterate",
        "idealised only",
        "pyvrp",
    ),
    "equivalent within the margin": (
        WINNING.but(gains=NO_GAIN),
        "stop",
        "none",
        "pyvrp",
    ),
    "worse": (WINNING.but(gains=NO_GAIN | {"hybrid": -5.0}), "stop", "none", "pyvrp"),
    "never feasible": (WINNING.but(change=fewest_feasible), "stop", "none", "pyvrp"),
    "better, but rarely feasible": (infeasible("hybrid", 7), "iterate", "none", "pyvrp"),
    "undecided": (
        WINNING.but(gains=NO_GAIN | {"hybrid": 3.0}, wobble=3.0, noise=1.0),
        "iterate",
        "none",
        "pyvrp",
    ),
    "a win whose contribution is undecided": (
        WINNING.but(
            gains=WIN | {"hybrid on tabu": 7.2, "hybrid on bits": 7.2},
            wobble=1.6,
            rule=Rule(margin=6.2),
        ),
        "iterate",
        "none",
        "pyvrp",
    ),
    "undecided, but no better than a placebo": (
        WINNING.but(gains=NO_GAIN | {"hybrid": 3.0, "hybrid on tabu": 9.0}, wobble=3.0, noise=1.0),
        "stop",
        "none",
        "pyvrp",
    ),
    "too few cases": (WINNING.but(cases=5), "insufficient", "none", "pyvrp"),
    "a win on one tag alone, none on average": (
        in_winter(3.4, -3.0),
        "iterate",
        "local",
        "pyvrp",
    ),
    "a win on average that one tag does not share": (
        in_winter(12.0, 1.5),
        "keep",
        "local",
        "hybrid",
    ),
    "better while too much is lost on another measure": (
        measured(7.0, 1.0),
        "iterate",
        "none",
        "pyvrp",
    ),
    "a loss on another measure within its tolerance": (
        measured(4.5, 1.0),
        "keep",
        "empirical",
        "hybrid",
    ),
    "a tie with the status quo": (
        WINNING.but(gains=NO_GAIN | {"planner": -1.0}),
        "stop",
        "none",
        "planner",
    ),
    "no sampler placebo": (WINNING.but(arms=ARMS[:-1]), "blocked", "none", ""),
    "no strong baseline": (
        WINNING.but(arms=[a for a in ARMS if a.name != "pyvrp"]),
        "blocked",
        "none",
        "",
    ),
    "no quantum step": (WINNING.but(arms=ARMS[:3]), "blocked", "none", ""),
    "unequal budgets": (
        WINNING.but(change=lambda r: replace(r, budget=1.05) if r.arm == "hybrid" else r),
        "not comparable",
        "none",
        "",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_verdict_of(name: str) -> None:
    bench, decision, advantage, run_now = TABLE[name]
    verdict = bench.compared().verdict
    assert (str(verdict.decision), str(verdict.advantage), verdict.run_now) == (
        decision,
        advantage,
        run_now,
    ), verdict.sentence
    assert verdict.sentence.endswith(".")
    assert verdict.reasons


def test_every_decision_and_advantage_is_in_the_table() -> None:
    assert {row[1] for row in TABLE.values()} == {str(known) for known in Decision}
    assert {row[2] for row in TABLE.values()} == {str(known) for known in Advantage}


def test_tie_with_the_classical_arm_goes_to_the_simplest_and_says_so() -> None:
    verdict = TABLE["a tie with the status quo"][0].compared().verdict
    assert "ties go to the simplest" in verdict.sentence


def test_local_win_names_its_tag() -> None:
    for name in (
        "a win on one tag alone, none on average",
        "a win on average that one tag does not share",
    ):
        comparison = TABLE[name][0].compared()
        assert comparison.verdict.region == ("winter",)
        assert "winter" in comparison.verdict.sentence
        holds = {region.tag: region.holds for region in comparison.regions}
        assert holds == {"winter": True, "summer": False}


def test_better_objective_with_worse_service_is_a_disagreement() -> None:
    verdict = measured(7.0, None).compared().verdict
    assert verdict.decision == Decision.KEEP
    [found] = verdict.disagreements
    assert found.measure == "late stops"
    assert found.effect.value == pytest.approx(-3.0)
    assert any("late stops" in reason for reason in verdict.reasons)


def test_undecided_verdicts_name_the_number_of_cases_needed() -> None:
    verdict = TABLE["undecided"][0].compared().verdict
    assert verdict.cases_needed is not None
    assert verdict.cases_needed > 10
    assert str(verdict.cases_needed) in verdict.sentence


def test_insufficient_verdict_plans_with_the_charter_s_spread() -> None:
    rule = replace(RULE, spread=4.0, expected=5.0)
    verdict = WINNING.but(cases=5, rule=rule).compared().verdict
    assert verdict.cases_needed is not None
    assert 15 <= verdict.cases_needed <= 30


def test_cost_gate_without_prices_cannot_pass() -> None:
    bench = WINNING.but(change=lambda record: replace(record, cost=None))
    verdict = bench.compared().verdict
    assert verdict.decision == Decision.ITERATE
    assert "no prices are known" in verdict.sentence


def test_second_candidate_raises_the_level_and_the_cases_needed() -> None:
    other = Arm("qaoa", Kind.QUANTUM, {"solver": "qaoa", "kind": "quantum"}, tuning=TUNED)
    placebos = [
        Arm(f"qaoa on {kind}", Kind.PLACEBO, placebo_of="qaoa", placebo_kind=kind)
        for kind in ("uniform", "sampler")
    ]
    bench = WINNING.but(
        arms=(*ARMS, other, *placebos),
        gains=WIN | {"qaoa": -30.0, "qaoa on uniform": -40.0, "qaoa on sampler": -5.0},
    )
    comparison = bench.compared()
    assert comparison.verdict.level == pytest.approx(0.975)
    assert comparison.verdict.candidate == "hybrid"
    assert len(comparison.contributions) == 4
    assert bench.but(cases=6).compared().verdict.decision == Decision.INSUFFICIENT


def test_hybrid_of_classical_parts_stands_on_the_classical_side() -> None:
    inner = {"solver": "hybrid", "kind": "hybrid", "inner": {"solver": "tabu", "kind": "classical"}}
    decomposed = Arm("decomposed", Kind.HYBRID, inner, tuning=TUNED)
    bench = WINNING.but(arms=(*ARMS, decomposed), gains=WIN | {"decomposed": 9.0})
    verdict = bench.compared().verdict
    assert verdict.comparator == "decomposed"
    assert verdict.decision == Decision.STOP
    assert verdict.run_now == "decomposed"


def test_maximised_kpi_is_judged_the_same() -> None:
    def mirrored(record: Record) -> Record:
        assert record.objective is not None
        return replace(record, objective=10_000 / record.objective)

    options = {**WINNING.options, "kpi": Kpi("yield", "t", "max")}
    verdict = WINNING.but(change=mirrored, options=options).compared().verdict
    assert verdict.decision == Decision.KEEP
    worse = WINNING.but(change=mirrored, options=options, gains=NO_GAIN | {"hybrid": -6.0})
    assert worse.compared().verdict.decision == Decision.STOP


def test_margin_in_the_kpi_s_own_unit_counts_money_not_percent() -> None:
    rule = Rule(margin=5.0, margin_unit="kpi")
    assert WINNING.but(rule=rule).compared().verdict.decision == Decision.KEEP
    rule = Rule(margin=50.0, margin_unit="kpi")
    assert WINNING.but(rule=rule).compared().verdict.decision == Decision.STOP


def test_answer_better_than_a_proved_optimum_stops_the_comparison() -> None:
    best = Reference(1e6, "a mirror", proved=True)
    options = {**WINNING.options, "references": {"day 03": best}}
    verdict = WINNING.but(options=options).compared().verdict
    assert verdict.decision == Decision.NOT_COMPARABLE
    assert "proved optimum" in verdict.sentence


def test_classical_win_is_not_recommended_beyond_the_cost_cap() -> None:
    bench = WINNING.but(gains=WIN | {"hybrid on tabu": 8.0}, costs={"hybrid on tabu": 3.0})
    verdict = bench.compared().verdict
    assert verdict.advantage == Advantage.CLASSICAL_WIN
    assert verdict.run_now == "pyvrp"


shuffled = settings(deadline=None, max_examples=8)


@shuffled
@given(st.randoms(use_true_random=False), st.sampled_from(["undecided", "worse"]))
def test_comparison_does_not_depend_on_the_order_or_numbers_of_seeds_and_records(
    random: Any, name: str
) -> None:
    bench = TABLE[name][0]
    records = bench.records()
    numbers = [0, 1, 2]
    random.shuffle(numbers)
    renamed = [replace(record, seed=numbers[record.seed]) for record in records]
    random.shuffle(renamed)
    one = compare(records, bench.arms, bench.rule, draws=200, **bench.options)
    two = compare(renamed, bench.arms, bench.rule, draws=200, **bench.options)
    assert one.verdict == two.verdict
    assert one.effects == two.effects
    assert one.summaries == two.summaries


@shuffled
@given(st.randoms(use_true_random=False), st.sampled_from(["undecided", "worse"]))
def test_comparison_does_not_depend_on_the_names_of_cases(random: Any, name: str) -> None:
    bench = TABLE[name][0]
    records = bench.records()
    names = sorted({record.case for record in records})
    others = names.copy()
    random.shuffle(others)
    mapped = dict(zip(names, others, strict=True))
    renamed = [replace(record, case=mapped[record.case]) for record in records]
    one = compare(records, bench.arms, bench.rule, draws=200, **bench.options)
    two = compare(renamed, bench.arms, bench.rule, draws=200, **bench.options)
    assert one.verdict == two.verdict
    assert [e.estimate for e in one.effects] == [e.estimate for e in two.effects]
    assert [e.bootstrap for e in one.effects] == [e.bootstrap for e in two.effects]


@shuffled
@given(
    st.floats(1e-3, 1e6),
    st.sampled_from(["undecided", "worse", "a win with every gate passed", "uniform bits win too"]),
    st.sampled_from(["percent", "kpi"]),
)
def test_unit_of_the_kpi_does_not_change_the_decision(
    unit: float, name: str, margin_unit: Literal["percent", "kpi"]
) -> None:
    bench = TABLE[name][0]
    records = bench.records()
    scaled = [replace(r, objective=unit * (r.objective or 0.0)) for r in records]
    rule = replace(bench.rule, margin_unit=margin_unit)
    factor = 1.0 if margin_unit == "percent" else unit
    other = replace(rule, margin=factor * rule.margin)
    one = compare(records, bench.arms, rule, draws=200, **bench.options).verdict
    two = compare(scaled, bench.arms, other, draws=200, **bench.options).verdict
    assert (one.decision, one.advantage, one.run_now) == (two.decision, two.advantage, two.run_now)
    assert one.cases_needed == two.cases_needed
