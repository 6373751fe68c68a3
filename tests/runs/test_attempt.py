from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from qupel.errors import InputError
from qupel.model.evidence import Evidence
from qupel.model.samples import Samples
from qupel.runs.attempt import attempt, evidence_of, without_caches
from qupel.runs.record import Record, Share, Status
from qupel.runs.task import Task
from qupel.solvers.quantum.hosted_annealing import HostedAnnealing
from tests.clocked import quickest
from tests.runs.toy import SMALL, Climb, Knapsack, Leisurely, Packs, Rows, Shots, Within, place


def made(solver: Any, problem: Knapsack = SMALL, **more: Any) -> Record:
    more.setdefault("seconds", 2.0)
    return attempt(Task.of(problem, solver, **more))


def rows(*bits: tuple[int, ...], **settings: Any) -> Rows:
    return Rows(bits, **settings)


def test_the_record_tells_the_whole_attempt() -> None:
    record = made(Shots(64), seed=3, arm="shots", case="small", polish=True)
    assert record.status is Status.ANSWERED
    assert record.answered_by == "primary"
    assert (record.arm, record.case, record.seed) == ("shots", "small", 3)
    assert record.objective == 8.0
    assert record.feasible
    assert record.measures == {"left": 0.0}
    assert record.answer == {"items": [0, 2]}
    assert record.solution == "0 2\n"
    assert record.solver["shots"] == 64
    assert record.outcome == "SAMPLED"
    assert record.sizes["variables"] == 3
    assert record.sizes["encoded_variables"] == 3
    assert record.encoding["exact"] is True
    assert set(record.seeds) == {"solve", "polish"}
    assert {"python", "qupel", "numpy"} <= set(record.versions)
    assert {"processor", "simd", "cores"} <= set(record.platform)
    assert record.facts == {"shots": 64}
    assert 0 < record.cpu_seconds < 10
    assert record.peak_memory > 10_000_000


def test_a_record_survives_json() -> None:
    import json

    record = made(Shots(64), polish=True)
    document = json.loads(json.dumps(record.to_json(), allow_nan=False))
    assert Record.from_json(document) == record
    assert Record.from_json(document).to_json() == document


def test_clocks_add_up_to_the_end_to_end_time() -> None:
    timed = quickest(lambda: made(rows((1, 0, 0), compile=0.02, queue=0.03)), within=0.08)
    record, around = timed.value, timed.seconds
    assert record.clocks.total == pytest.approx(record.end_to_end, rel=0.01)
    assert record.clocks.compile == pytest.approx(0.02)
    assert record.clocks.queue == pytest.approx(0.03, abs=0.005)
    assert 0.05 < record.end_to_end <= around
    assert record.end_to_end == pytest.approx(around, abs=0.05)


def test_the_judge_finds_what_the_solver_claims() -> None:
    record = made(rows((1, 1, 1)), repair=False)
    assert record.claimed_energy == -10.0  # a claim: the row is too heavy
    assert record.status is Status.INFEASIBLE
    assert not record.feasible
    assert record.objective == 10.0
    assert record.violations == ({"constraint": "weight", "where": "the bag", "amount": 3.0},)
    assert record.why == "no sample is feasible: weight at the bag by 3"
    assert record.answered_by == ""


def test_feasible_samples_are_counted_with_their_occurrences() -> None:
    heavy, light = (1, 1, 1), (1, 0, 0)
    record = made(rows(heavy, light, heavy, heavy, (0, 0, 0)), keep=32)
    assert record.raw == Share(2, 5)
    assert record.repaired == Share(5, 5)
    assert record.raw_objective == 5.0
    assert record.objective == 8.0  # the heavy one, repaired
    assert "all 5 shots by the form's constraints" in record.counted


def test_without_repair_infeasible_samples_stay_so() -> None:
    record = made(rows((1, 1, 1), (1, 0, 0)), repair=False)
    assert record.repaired == record.raw == Share(1, 2)
    assert record.objective == 5.0


def test_the_best_feasible_row_is_seen_even_behind_many_infeasible_ones() -> None:
    many = [(1, 1, 1), (1, 1, 0, 0)[:3]]
    problem = Knapsack((5.0, 2.0, 3.0), (4.0, 4.0, 8.0), 7.0)
    record = made(rows(*many, (1, 0, 1), (1, 0, 0)), problem, keep=2, repair=False)
    assert record.objective == 5.0
    assert record.raw == Share(1, 4)


def test_no_sample_is_an_outcome_not_an_error() -> None:
    record = made(rows())
    assert record.status is Status.INFEASIBLE
    assert record.objective is None
    assert record.answer is None
    assert "no feasible point in its time" in record.why


def test_polish_is_kept_only_if_the_judge_likes_it_better() -> None:
    assert made(rows((1, 0, 0)), polish=True).objective in {7.0, 8.0}
    assert made(rows((1, 0, 0)), polish=False).objective == 5.0

    class Spoils(Knapsack):
        def polish(self, answer: Any, rng: np.random.Generator) -> Any:
            return self.answer(np.zeros(3))

    spoils = Spoils(*(getattr(SMALL, name) for name in ("worth", "weights", "limit")))
    task = Task.of(SMALL, rows((1, 0, 0)), seconds=1.0, polish=True)
    assert attempt(task, problem=spoils).objective == 5.0


def test_diversity_is_over_distinct_feasible_samples() -> None:
    assert made(rows((1, 0, 0), (1, 0, 0))).diversity == 0.0
    assert made(rows((1, 0, 0), (0, 1, 0), (1, 1, 1))).diversity == pytest.approx(2 / 3)
    assert made(rows((1, 1, 1)), repair=False).diversity is None


def test_the_trace_is_in_the_kpis_sense_and_ends_with_the_answer() -> None:
    record = made(Climb(), rounds=200, seed=1)
    seconds = [at for at, _ in record.trace]
    assert seconds == sorted(seconds)
    assert record.trace[-1][1] == record.objective
    assert all(value <= record.objective + 1e-9 for _, value in record.trace)
    assert record.trace[-1][0] <= record.end_to_end


def test_claims_that_the_judge_does_not_bear_out_are_not_in_the_trace() -> None:
    record = made(Shots(64), repair=False)
    assert record.claimed_energy == -10.0
    assert record.objective == 8.0
    assert max(value for _, value in record.trace) == 8.0


def test_equal_tasks_give_equal_answers_and_samples() -> None:
    kept: list[Samples] = []
    task = Task.of(SMALL, Climb(), seconds=9.0, rounds=30, seed=5, polish=True)
    first, second = (attempt(task, on_samples=kept.append) for _ in range(2))
    assert first.id == second.id
    assert first.solution == second.solution
    assert first.seeds == second.seeds
    for part in ("values", "energies", "occurrences"):
        assert getattr(kept[0], part).tobytes() == getattr(kept[1], part).tobytes()


def test_other_seeds_draw_other_samples() -> None:
    assert made(Shots(8), seed=1).seeds != made(Shots(8), seed=2).seeds


@pytest.mark.parametrize("mischief", ["raise", "input"])
def test_an_exception_becomes_one_line_and_a_log(mischief: str) -> None:
    record = made(Packs(mischief))
    assert record.status is Status.FAILED
    assert record.why in {"KeyError: 'a surprise'", "weights must be above 0"}
    assert "Traceback" in record.log
    assert record.clocks.total == pytest.approx(record.end_to_end, rel=0.01)


def test_an_unknown_solver_fails_with_the_nearest_name() -> None:
    record = made({"solver": "anealing"})
    assert record.status is Status.FAILED
    assert "did you mean 'annealing'" in record.why


def test_a_document_that_is_no_problem_fails() -> None:
    task = Task("tests.runs.toy:Knapsack", {"worth": []}, place("Shots"), 0, 1.0)
    assert attempt(task).status is Status.FAILED


def test_the_search_leaves_time_for_what_follows() -> None:
    record = quickest(lambda: made(Climb(), seconds=0.3), within=0.34).value
    assert 0.2 < record.end_to_end < 0.35


def test_a_slow_judge_and_repair_end_in_time() -> None:
    problem = Leisurely((1.0,) * 6, (4.0,) * 6, 7.0)
    packed = [row for row in itertools.product((0, 1), repeat=6) if sum(row) > 1]
    record = quickest(lambda: made(rows(*packed), problem, seconds=0.4), within=0.44).value
    assert record.status is Status.ANSWERED
    assert 1 < record.repaired.of < 12
    assert record.end_to_end < 0.45


def test_the_only_feasible_row_is_judged_however_slow_the_judge_is() -> None:
    problem = Leisurely((1.0,) * 6, (4.0,) * 6, 7.0)
    packed = [row for row in itertools.product((0, 1), repeat=6) if sum(row) > 1]
    solver = rows(*packed, (1, 0, 0, 0, 0, 0))
    timed = quickest(lambda: made(solver, problem, seconds=0.2, repair=False), within=0.24)
    record = timed.value
    assert record.status is Status.ANSWERED
    assert record.end_to_end < 0.25


def test_evidence_is_that_of_the_quantum_step_wherever_it_is() -> None:
    assert made(Shots()).evidence is Evidence.NOISY
    assert made(Within(Within(Shots(evidence="hardware")))).evidence is Evidence.HARDWARE
    assert made(rows((1, 0, 0))).evidence is Evidence.CLASSICAL
    # A simulator in the chain is never called hardware.
    both = Within(Within(Shots(evidence="hardware")))
    object.__setattr__(both, "size", Shots(evidence="noiseless simulator"))
    assert evidence_of(both) is Evidence.NOISELESS


def test_peak_memory_is_of_this_attempt() -> None:
    small, large = made(Packs()), made(Packs(megabytes=200))
    assert large.peak_memory - small.peak_memory == pytest.approx(200 * 2**20, rel=0.1)
    assert made(Packs()).peak_memory < small.peak_memory + 50 * 2**20
    assert "since the attempt began" in large.peak_memory_by


def test_cpu_seconds_are_those_of_the_attempt() -> None:
    assert made(Packs(cpu=0.2)).cpu_seconds == pytest.approx(0.2, abs=0.1)


def test_what_an_earlier_attempt_cached_in_a_problem_is_gone() -> None:
    problem = Knapsack((1.0,), (1.0,), 1.0)
    object.__setattr__(problem, "cache", "warm")
    assert not hasattr(without_caches(problem), "cache")
    assert without_caches(problem) == problem


def test_a_price_list_speaks_of_the_finished_record() -> None:
    task = Task.of(SMALL, rows((1, 0, 0)), seconds=1.0)
    assert attempt(task).cost is None


def test_task_is_checked_when_it_is_made() -> None:
    task = Task.of(SMALL, Shots(), seconds=1.0)
    for change in (
        {"seconds": 0.0},
        {"seed": -1},
        {"keep": 0},
        {"seconds": math.nan},
        {"seconds": math.inf},
        {"seconds": 1e300},
        {"fallback_seconds": math.inf},
        {"seed": 2**53},
        {"seed": 1.5},
    ):
        with pytest.raises(ValueError, match=r"must be|needs|whole number"):
            replace(task, **change)


def test_a_description_without_identity_is_refused_before_it_is_sent() -> None:
    with pytest.raises(InputError, match="canonical JSON"):
        Task.of(SMALL, place("Shots", shots=2**60), seconds=1.0)
    with pytest.raises(InputError, match="cannot be written as plain data"):
        Task.of(SMALL, place("Shots", shots=object()), seconds=1.0)


def test_an_annealer_simulated_here_is_classical_computation() -> None:
    assert evidence_of(HostedAnnealing()) is Evidence.CLASSICAL
