"""Loops through the ledger: paid once an evaluation, ended by budgets, alive after every death."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qupel.errors import BudgetError, InputError, RefusedError, RunError
from qupel.model.evidence import Evidence
from qupel.model.money import Money
from qupel.problems.maxcut import MaxCut
from qupel.runs.ledger import JobState
from qupel.runs.variational.loop import SIMULATOR, Loop, read_loop
from qupel.runs.variational.running import Runner
from tests.runs.variational.conftest import Measuring, loop

Runners = Callable[..., Runner]


def lines(log: str, run: str = "backend") -> list[dict[str, Any]]:
    """Lines of the evaluations of a run."""
    found = [json.loads(line) for line in log.splitlines()]
    return [line for line in found if line.get("run") == run and "evaluation" in line]


def end(log: str, run: str = "backend") -> dict[str, Any]:
    found = [json.loads(line) for line in log.splitlines()]
    return next(line for line in found if line.get("run") == run and "ended" in line)


def trajectory(log: str) -> list[tuple[Any, ...]]:
    """All of it that does not depend on the names of jobs."""
    names = ("angles", "seed", "shots", "digest", "cost", "counts")
    return [tuple(json.dumps(line[name]) for name in names) for line in lines(log)]


def test_every_evaluation_is_one_paid_job_and_every_shot_is_logged(
    runner: Runners, provider: Measuring, problem: MaxCut
) -> None:
    running = runner()
    log = running.run(loop(accounts=("experiment:cut",)), problem)
    held = lines(log)
    assert [line["evaluation"] for line in held] == list(range(9))
    assert all(sum(line["counts"].values()) == line["shots"] == 40 for line in held)
    assert len(provider.jobs) == 9
    assert {line["provider_job"] for line in held} == set(provider.jobs)
    account = running.ledger.account("experiment:cut")
    assert (account.spent.runs, account.spent.shots) == (9, 360)
    assert account.spent.money == 9 * provider.price
    jobs = [running.ledger.job(line["job"]) for line in held]
    assert {job.state for job in jobs} == {JobState.DONE}
    assert [job.purpose["evaluation"] for job in jobs] == list(range(9))


def test_it_is_compared_with_a_classical_baseline_and_a_simulator(
    runner: Runners, problem: MaxCut
) -> None:
    log = runner().run(loop(), problem)
    simulated = lines(log, "simulator")
    assert {line["evidence"] for line in simulated} == {"noiseless simulator"}
    assert len(simulated) == 9
    comparison = json.loads(log.splitlines()[-1])["comparison"]
    assert set(comparison["objectives"]) == {"baseline", "simulator", "backend"}
    assert comparison["objectives"]["baseline"] >= comparison["objectives"]["backend"]
    assert comparison["loop_is"] in {"equal", "worse"}


def test_run_again_it_pays_nothing_and_says_the_same(
    runner: Runners, provider: Measuring, problem: MaxCut, tmp_path: Path
) -> None:
    log = runner().run(loop(), problem, tmp_path / "log.jsonl")
    calls = provider.calls["submit"]
    assert runner("another").run(loop(), problem) == log
    assert (tmp_path / "log.jsonl").read_text() == log
    assert provider.calls["submit"] == calls


class DeathError(BaseException):
    """The process dies."""


def test_whatever_dies_when_each_evaluation_is_paid_once_and_the_trajectory_stays(
    runner: Runners, provider: Measuring, problem: MaxCut, tmp_path: Path
) -> None:
    deaths = 0

    def deadly(after: int) -> Callable[[str], None]:
        left = [after]

        def reached(_: str) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise DeathError

        return reached

    provider.lookup, path = type(provider.lookup).KEY, tmp_path / "log.jsonl"
    provider.faults["submit"] = [None, "reply lost", None, "reply lost"]
    searched = loop(simulate=False)
    for attempt in range(100):
        try:
            log = runner(f"worker {attempt}", reached=deadly(attempt % 13)).run(
                searched, problem, path
            )
            break
        except DeathError:
            deaths += 1
            provider.clock.sleep(120.0)  # the lease of the dead ends
    assert deaths > 10
    assert provider.paid_twice() == 0
    assert len(provider.jobs) == 9
    fresh = [line for line in trajectory(log) if line]
    again = Runner(runner().ledger, lambda name: provider, None)
    assert trajectory(again.run(searched, problem)) == fresh


@pytest.mark.parametrize(
    ("settings", "done", "said"),
    [
        ({"search": {"max_shots": 250}}, 6, "240 of 250 shots were taken"),
        ({"accounts": ("experiment:poor",)}, 5, "the budget is used up: "),
        ({"accounts": ("experiment:few",)}, 2, "the budget is used up: "),
    ],
)
def test_a_budget_ends_the_loop_with_what_was_found(
    runner: Runners,
    provider: Measuring,
    problem: MaxCut,
    settings: dict[str, Any],
    done: int,
    said: str,
) -> None:
    running = runner()
    running.ledger.set_budget("experiment:poor", shots=200)
    running.ledger.set_budget("experiment:few", money=Money.of("3.50"))
    log = running.run(loop(**settings), problem)
    assert len(provider.jobs) == len(lines(log)) == done
    assert end(log)["ended"].startswith(said)
    assert end(log)["feasible"]


def test_without_room_for_one_evaluation_nothing_is_ordered(
    runner: Runners, provider: Measuring, problem: MaxCut
) -> None:
    running = runner()
    running.ledger.set_budget("experiment:none", shots=39)
    with pytest.raises(BudgetError, match="experiment:none"):
        running.run(loop(accounts=("experiment:none",)), problem)
    assert not provider.jobs


def test_an_evaluation_that_fails_for_good_ends_it_and_names_the_job(
    runner: Runners, provider: Measuring, problem: MaxCut
) -> None:
    provider.faults["submit"] = [None, None, RefusedError("out of service")]
    with pytest.raises(RunError, match=r"evaluation 2: job \w+ is refused: .*out of service"):
        runner().run(loop(), problem)
    assert len(provider.jobs) == 2


def test_hardware_is_paid_only_after_the_simulator(
    runner: Runners, provider: Measuring, problem: MaxCut
) -> None:
    provider.evidence = Evidence.HARDWARE
    hardware = {"tier": "hardware", "owner": "Ada"}
    with pytest.raises(RefusedError, match="needs the approval of 1 person"):
        runner().run(loop(**hardware, simulate=False), problem)
    unsimulated = loop(**hardware, simulate=False)
    approved(runner(), unsimulated, problem)
    with pytest.raises(RunError, match="no simulator has run"):
        runner().run(unsimulated, problem)
    assert not provider.jobs
    approved(runner(), loop(**hardware), problem)
    log = runner().run(loop(**hardware), problem)
    assert {line["evidence"] for line in lines(log)} == {"hardware"}
    assert len(provider.jobs) == 9


def approved(running: Runner, searched: Loop, problem: MaxCut) -> None:
    from qupel.runs.approvals import approve
    from qupel.runs.identity import digest, document_of

    version = searched.version(digest(document_of(problem)))
    database = running.ledger.database
    with database.writing() as connection:
        approve(connection, version, owner="Ada", who="Grace", why="tried", at=0.0)


def test_its_simulator_costs_nothing() -> None:
    simulated = loop(accounts=("team:a",)).simulated
    assert (simulated.backend, simulated.accounts, simulated.most) == (SIMULATOR, (), None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: a\nproblem: p\nbackend: local:statevector\nsearch: {shot: 3}\n", "unexpected"),
        ("name: a\nproblem: p\nbackend: local:statevector\nbound: much\n", "much"),
        ("name: a\nproblem: p\nbackend: local:statevector\nsede: 3\n", "did you mean 'seed'?"),
        ("name: a\nproblem: p\nbackend: b:c\nbaseline: {rounds: 3}\n", "needs the key 'solver'"),
    ],
)
def test_faults_of_a_file_are_told(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "loop.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_loop(path)


def test_a_loop_survives_being_written() -> None:
    searched = loop(accounts=("team:a",))
    assert Loop.of(json.loads(json.dumps(searched.document()))) == searched
