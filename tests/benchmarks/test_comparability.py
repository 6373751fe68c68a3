"""What makes arms not comparable, and what blocks a verdict."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from qupel.benchmarks import SAMPLER, Arm, Comparison, Decision, Kind, Tuning, compare
from qupel.errors import InputError
from qupel.runs.record import Record, Status
from tests.benchmarks.constructed import ARMS, TUNED, Bench

BENCH = Bench()


def hybrid(**changes: object) -> Callable[[Record], Record]:
    """Change the hybrid's records and no others."""
    return lambda record: replace(record, **changes) if record.arm == "hybrid" else record  # type: ignore[arg-type]


def with_tuning(name: str, tuning: Tuning) -> Comparison:
    arms = [replace(arm, tuning=tuning) if arm.name == name else arm for arm in ARMS]
    return BENCH.but(arms=arms).compared()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (hybrid(problem_hash="other"), "different data"),
        (hybrid(budget=1.03), "arm hybrid had 1.03 s"),
        (hybrid(end_to_end=1.2), "used 120% of its end-to-end budget"),
        (hybrid(versions={"qupel": "2"}), "versions differ"),
        (hybrid(platform={"cpu": "faster"}), "platform differ"),
        (hybrid(revision="abc"), "different revisions"),
        (hybrid(family="vrptw"), "several families"),
        (hybrid(seed=9), "no run of case day 00 with seed 9"),
        (lambda record: replace(record, problem_hash="same"), "one instance by content"),
    ],
)
def test_mismatch_is_not_comparable_and_names_no_winner(
    change: Callable[[Record], Record], words: str
) -> None:
    named = {"versions": {"qupel": "1"}, "platform": {"cpu": "slow"}}
    comparison = BENCH.but(change=lambda r: change(replace(r, **named))).compared()
    verdict = comparison.verdict
    assert verdict.decision == Decision.NOT_COMPARABLE
    assert any(words in found for found in comparison.comparability.violations)
    assert (verdict.run_now, verdict.candidate, verdict.comparator) == ("", "", "")
    assert comparison.effects == ()
    assert len(comparison.summaries) == len(ARMS)


def test_budgets_within_two_percent_are_equal() -> None:
    comparison = BENCH.but(change=hybrid(budget=1.015)).compared()
    assert comparison.comparability.violations == ()


def test_missing_run_is_named() -> None:
    records = [r for r in BENCH.records() if (r.arm, r.case, r.seed) != ("pyvrp", "day 04", 2)]
    comparison = compare(records, ARMS, BENCH.rule, draws=50)
    assert comparison.verdict.decision == Decision.NOT_COMPARABLE
    assert "arm pyvrp has no run of case day 04 with seed 2" in comparison.verdict.sentence


def test_arm_without_any_run_is_not_left_out_silently() -> None:
    records = [r for r in BENCH.records() if r.arm != "tempering"]
    comparison = compare(records, ARMS, BENCH.rule, draws=50)
    assert comparison.verdict.decision == Decision.NOT_COMPARABLE


def test_tuning_allowances_must_be_equal() -> None:
    more = with_tuning("hybrid", replace(TUNED, trials=50))
    assert any("could try 50 settings" in v for v in more.comparability.violations)
    longer = with_tuning("hybrid", replace(TUNED, seconds=80.0))
    assert any("80 s of tuning" in v for v in longer.comparability.violations)
    assert with_tuning("tempering", Tuning(exempt="has no settings")).verdict.run_now


def test_tuning_on_compared_runs_is_a_leak_and_on_other_seeds_a_caution() -> None:
    leak = with_tuning("hybrid", replace(TUNED, cells=(("hash 3", 1),)))
    assert any("day 03" in found for found in leak.comparability.violations)
    same_instance = with_tuning("hybrid", replace(TUNED, cells=(("hash 3", 77),)))
    assert same_instance.comparability.violations == ()
    assert any("day 03" in found for found in same_instance.comparability.cautions)


def test_baseline_that_never_answered_blocks() -> None:
    def change(record: Record) -> Record:
        if record.arm != "pyvrp":
            return record
        return replace(record, status=Status.FAILED, objective=None, feasible=False)

    verdict = BENCH.but(change=change).compared().verdict
    assert verdict.decision == Decision.BLOCKED
    assert "no strong baseline ever answered: pyvrp" in verdict.sentence


def test_weak_baseline_blocks_and_the_strong_ones_are_named() -> None:
    verdict = BENCH.but(options={"baselines": ("ortools-routing",)}).compared().verdict
    assert verdict.decision == Decision.BLOCKED
    assert "ortools-routing" in verdict.sentence


def test_runs_that_the_fallback_answered_do_not_count_for_the_arm() -> None:
    comparison = BENCH.but(change=hybrid(answered_by="fallback")).compared()
    assert comparison.summary("hybrid").feasible.count == 0
    assert comparison.summary("hybrid").fallbacks == 30
    assert any("fallback" in caution for caution in comparison.comparability.cautions)


def test_records_of_unknown_arms_and_no_records_are_refused() -> None:
    with pytest.raises(InputError, match="hybrid on tabu"):
        compare(BENCH.records(), ARMS[:-1], BENCH.rule)
    with pytest.raises(InputError, match="no records"):
        compare([], ARMS, BENCH.rule)


def test_placebo_must_name_its_arm_and_its_kind() -> None:
    with pytest.raises(InputError, match="placebo"):
        Arm("blind", Kind.PLACEBO, placebo_of="hybrid")
    with pytest.raises(InputError, match="no arm's placebo"):
        Arm("tabu", Kind.CLASSICAL, placebo_of="hybrid", placebo_kind=SAMPLER)
