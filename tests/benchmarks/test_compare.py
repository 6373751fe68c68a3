"""The comparison as plain data, its summaries, money, fronts and ranks."""

import json
from dataclasses import replace

import pytest

from qupel.benchmarks import (
    Comparison,
    Decision,
    Prices,
    Reference,
    Worth,
    compare,
)
from qupel.benchmarks.money import cost_of
from qupel.model.evidence import Evidence
from qupel.runs.record import Clocks, Record, Share
from tests.benchmarks.constructed import ARMS, NO_GAIN, WIN, Bench

BENCH = Bench()


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return BENCH.compared()


def test_comparison_survives_a_round_trip_through_json(comparison: Comparison) -> None:
    text = json.dumps(comparison.to_json(), allow_nan=False)
    assert Comparison.from_json(json.loads(text)) == comparison
    few = BENCH.but(cases=3).compared()
    assert Comparison.from_json(json.loads(json.dumps(few.to_json(), allow_nan=False))) == few


def test_equal_records_give_an_equal_comparison(comparison: Comparison) -> None:
    assert BENCH.compared() == comparison


def test_records_of_equal_id_merge(comparison: Comparison) -> None:
    records = BENCH.records()
    twice = compare([*records, *records], ARMS, BENCH.rule, draws=500, **BENCH.options)
    assert twice == comparison


def test_summary_holds_what_the_records_say(comparison: Comparison) -> None:
    summary = comparison.summary("hybrid")
    assert (summary.runs, summary.cases) == (30, 10)
    assert summary.feasible.share == 1.0
    assert summary.raw.share == pytest.approx(0.4)
    assert summary.repaired.share == pytest.approx(0.9)
    assert sum(summary.stages.values()) == pytest.approx(1.0)
    assert summary.clocks["execute"].mean == pytest.approx(0.5)
    assert summary.clocks["compile, queue and execute"].mean == pytest.approx(0.8)
    assert summary.clocks["end to end"].p95 == 1.0
    assert summary.evidence == ("noisy simulator",)
    assert summary.statuses == {"answered": 30}
    assert summary.diversity == pytest.approx(0.3)
    for clock in summary.times_to_solution:
        assert clock.run_seconds == pytest.approx(summary.clocks[clock.clock].mean)


def test_curves_reach_no_more_runs_for_harder_targets(comparison: Comparison) -> None:
    for summary in comparison.summaries:
        reached = [curve.reached for curve in summary.curves]
        assert reached == sorted(reached, reverse=True)
        assert summary.curves[-1].reached >= summary.success.count


def test_claims_better_than_the_judged_answer_are_not_believed() -> None:
    honest = BENCH.compared().summary("hybrid")
    boast = BENCH.but(change=lambda r: replace(r, trace=((0.0, 1e-6), (0.6, 1.0)))).compared()
    assert boast.summary("hybrid").curves[-1].reached == honest.curves[-1].reached


def test_gaps_are_measured_from_the_reference_that_was_given() -> None:
    references = {f"day {case:02}": Reference(10.0, "literature") for case in range(10)}
    comparison = compare(
        BENCH.records(), ARMS, BENCH.rule, references=references, draws=50, **BENCH.options
    )
    cell = next(c for c in comparison.cells if c.arm == "pyvrp" and c.case == "day 00")
    assert cell.objectives[0] is not None
    assert cell.gaps[0] == pytest.approx(1 - 10.0 / cell.objectives[0])
    assert comparison.cases[0].reference == references["day 00"]


def test_reference_that_was_beaten_moves_and_names_who_beat_it() -> None:
    references = {"day 00": Reference(1e6, "an old paper")}
    comparison = compare(
        BENCH.records(), ARMS, BENCH.rule, references=references, draws=50, **BENCH.options
    )
    case = comparison.cases[0]
    assert "hybrid" in case.improved_by
    assert case.reference is not None
    assert "an old paper" in case.reference.source
    assert any("beat the best known" in c for c in comparison.comparability.cautions)


def test_infeasible_runs_are_valued_and_never_dropped() -> None:
    def change(record: Record) -> Record:
        return replace(record, feasible=False) if record.arm == "tempering" else record

    summary = BENCH.but(change=change).compared().summary("tempering")
    assert summary.gap.value == 1.0
    assert summary.kpi is None
    assert summary.feasible.count == 0
    assert summary.success.share == 0.0
    assert all(clock.censored for clock in summary.times_to_solution)
    assert summary.primal_integral.value == 1.0
    effect = BENCH.but(change=change).compared().effect("tempering")
    assert effect.estimate.value < -50


def test_effects_are_paired_by_case_and_adjusted_for_their_number(
    comparison: Comparison,
) -> None:
    effect = comparison.effect("hybrid")
    assert effect.against == "pyvrp"
    assert (effect.wins, effect.ties, effect.losses) == (10, 0, 0)
    assert effect.p_value == pytest.approx(2 / 2**10)
    assert effect.p_holm is not None
    assert effect.p_holm >= 2 / 2**10
    assert effect.rank_biserial == 1.0
    assert set(effect.by_case) == {case.name for case in comparison.cases}
    low, high = effect.estimate.low, effect.estimate.high
    assert low is not None
    assert high is not None
    assert low <= (effect.bootstrap.low or 0) <= (effect.bootstrap.high or 0) <= high


def test_contributions_compare_the_candidate_with_each_placebo(comparison: Comparison) -> None:
    assert [c.against for c in comparison.contributions] == ["hybrid on tabu", "hybrid on bits"]
    assert all(c.arm == "hybrid" and c.estimate.value > 7 for c in comparison.contributions)


def test_pareto_front_is_the_known_one() -> None:
    bench = BENCH.but(
        gains=NO_GAIN | {"hybrid": 1.0}, costs={"planner": 0.1, "hybrid": 5.0, "pyvrp": 1.0}
    )
    comparison = bench.but(wobble=0.0, noise=0.0).compared()
    front = {point.arm for point in comparison.points if point.on_front}
    assert {"planner", "pyvrp", "hybrid"} <= front
    assert "tempering" not in front
    assert comparison.front_gain == ("hybrid",)
    worse = bench.but(gains=NO_GAIN | {"hybrid": -1.0}, wobble=0.0, noise=0.0).compared()
    assert worse.front_gain == ()


def test_ranks_are_stable_when_effects_are_large(comparison: Comparison) -> None:
    assert comparison.ranks is not None
    assert comparison.ranks.mean["hybrid"] == 1.0
    assert comparison.ranks.mean["planner"] == 6.0
    assert comparison.ranks.same_best == 1.0
    assert comparison.ranks.kendall_tau is not None
    assert comparison.ranks.kendall_tau > 0.6
    assert BENCH.but(seeds=1).compared().ranks.same_best is None  # type: ignore[union-attr]


def test_net_value_is_computed_to_the_cent() -> None:
    worth = Worth(per_percent=10.0, per_second=2.0, per_run_fixed=1.5, runs_per_year=100)
    bench = BENCH.but(
        gains=WIN,
        wobble=0.0,
        noise=0.0,
        costs={"hybrid": 4.25, "pyvrp": 1.0},
        options={**BENCH.options, "worth": worth, "prices": Prices("EUR")},
        rule=replace(BENCH.rule, max_cost_ratio=5.0),
        change=lambda r: replace(r, end_to_end=0.75) if r.arm == "pyvrp" else r,
    )
    value = bench.compared().verdict.net_value
    assert value is not None
    # 8 % at 10, less 3.25 for runs, a quarter second at 2, and the upkeep.
    assert value.per_run == pytest.approx(80.0 - 3.25 - 0.5 - 1.5, abs=0.005)
    assert value.per_year == pytest.approx(7475.0, abs=0.5)
    assert value.currency == "EUR"


def test_price_list_charges_machines_by_the_hour_and_devices_by_shot_task_and_second() -> None:
    [record, *_] = BENCH.records()
    prices = Prices("EUR", core_hour=3.6, cores=2, shot=0.01, task=0.3, quantum_second=2.0)
    own = replace(
        record,
        cost=None,
        end_to_end=11.0,
        clocks=Clocks(queue=1.0, execute=4.0),
        raw=Share(0, 100),
    )
    assert cost_of(own, prices) == pytest.approx(2 * 3.6 * 10 / 3600)
    device = replace(own, evidence=Evidence.HARDWARE)
    assert cost_of(device, prices) == pytest.approx(0.02 + 1.0 + 0.3 + 8.0)
    assert cost_of(replace(device, cost=7.0), prices) == 7.0
    assert cost_of(own, None) is None
    counted = replace(device, sizes={"shots": 10.0, "tasks": 2.0})
    assert cost_of(counted, prices) == pytest.approx(0.02 + 0.1 + 0.6 + 8.0)


def test_change_of_price_changes_what_passes_the_cost_gate() -> None:
    def change(record: Record) -> Record:
        return replace(record, cost=None)

    for shot, decision in ((0.0, Decision.KEEP), (0.01, Decision.ITERATE)):
        prices = Prices("EUR", core_hour=36.0, cores=1, shot=shot)
        bench = BENCH.but(change=change, options={**BENCH.options, "prices": prices})
        assert bench.compared().verdict.decision == decision
