"""Running a loop through the ledger: each evaluation is one job under a key of its own.

There is nothing to resume. A loop that is run again asks for the same evaluations, finds those
that were paid for in the ledger, and goes on with the first that was not; a process may die at any
moment.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qupel.backends.checks.locks import Lock
from qupel.backends.contract import Backend, Order
from qupel.errors import BudgetError, RunError
from qupel.problems.contract import Problem
from qupel.runs.approvals import approved_by
from qupel.runs.attempt import attempt
from qupel.runs.clearance import clear
from qupel.runs.description import describe, family_name, plain, solver_from
from qupel.runs.identity import digest, document_of
from qupel.runs.ledger import Job, JobState, Ledger
from qupel.runs.provenance import machine, revision, versions
from qupel.runs.task import Task
from qupel.runs.variational.log import (
    SCHEMA,
    Case,
    comparison_line,
    counts_of,
    end_line,
    evaluation_line,
    text_of,
)
from qupel.runs.variational.loop import Loop
from qupel.solvers.quantum.variational import Course, Evaluation

#: Longest pause between two looks at a job, in seconds.
LONGEST_PAUSE = 5.0


def _silent(line: Mapping[str, Any]) -> None:
    pass


@dataclass(slots=True, eq=False)
class Runner:
    """Runs loops.

    Attributes
    ----------
    ledger
        Pays, follows and keeps what was measured; its clock is slept on.
    open_backend
        Opens a backend by name.
    lock
        Says whether an adapter's canary has passed; None lets every adapter through.
    tell
        Told every line of the log as it is known.
    """

    ledger: Ledger
    open_backend: Callable[[str], Backend]
    lock: Lock | None
    tell: Callable[[Mapping[str, Any]], None] = _silent
    _lines: list[dict[str, Any]] = field(default_factory=list, init=False)
    _path: Path | None = field(default=None, init=False)
    _written: list[str] = field(default_factory=list, init=False)

    def run(
        self, loop: Loop, problem: Problem[Any], log: Path | None = None, source: str = ""
    ) -> str:
        """Run a loop to its end: baseline, simulator, backend; return its log.

        Parameters
        ----------
        problem
            What it searches.
        log
            File that the log is written to, whole after every evaluation.
        source
            Where the problem came from.

        Raises
        ------
        BudgetError
            If not one evaluation can be paid.
        RunError
            If an evaluation's job failed for good, was refused, or is uncertain.
        """
        case, document = Case.of(problem, loop), document_of(problem)
        version = loop.version(digest(document))
        self._lines, self._path, self._written = [], log, _lines_of(log)
        self._add(
            {
                "log": "variational",
                "schema": SCHEMA,
                "loop": loop.document(),
                "problem": {"family": family_name(problem), "document": plain(document)},
                "problem_hash": digest(document),
                "source": source,
                "version": version,
                "environment": {"versions": versions(), "machine": machine()},
                "revision": revision(),
            }
        )
        self._add({"baseline": self._baseline(loop, problem)})
        if loop.simulate:
            self._trajectory("simulator", loop.simulated, case, version)
        self._trajectory("backend", loop, case, version)
        self._add(comparison_line(self._lines, problem.sense))
        return "".join(map(text_of, self._lines))

    def _baseline(self, loop: Loop, problem: Problem[Any]) -> dict[str, Any]:
        solver = solver_from(loop.baseline, type(problem))
        task = Task.of(
            problem,
            solver,
            seconds=loop.baseline_seconds,
            seed=loop.seed,
            rounds=loop.baseline_rounds,
        )
        record = attempt(task, problem=problem)
        return {
            "solver": describe(solver, type(problem)),
            "record": record.id,
            "status": str(record.status),
            "objective": record.objective if record.feasible else None,
        }

    def _trajectory(self, run: str, loop: Loop, case: Case, version: str) -> None:
        course, backend = loop.solver.course(case.form, loop.seed), self.open_backend(loop.backend)
        while (asked := course.asks()) is not None:
            try:
                job = self._planned(run, loop, case, version, asked, backend)
            except BudgetError as error:
                if not asked.number:
                    raise
                course.end(f"the budget is used up: {error}")
                break
            self._measure(run, course, asked, self._driven(job, asked, backend))
        self._add(end_line(run, course, case))

    def _planned(
        self,
        run: str,
        loop: Loop,
        case: Case,
        version: str,
        asked: Evaluation,
        backend: Backend,
    ) -> Job:
        """Write an evaluation's job down; the same job whenever it is asked for."""
        key = digest([version, run, asked.number])
        programs = loop.solver.programs(case.form, asked)
        order = Order(
            programs, asked.shots, key=key, tag=f"qupel-{key[:24]}", settings={"seed": asked.seed}
        )
        estimate = clear(
            self.ledger,
            backend,
            order,
            lock=self.lock,
            most=loop.most,
            tier=loop.tier,
            runs=asked.number,
            approved_by=approved_by(self.ledger.database, version),
        )
        return self.ledger.plan(
            order,
            backend=loop.backend,
            accounts=loop.accounts,
            bound=loop.most if estimate.cost is not None and loop.most else estimate.cost,
            correlation=version[:32],
            purpose={"loop": loop.name, "evaluation": asked.number, "version": version},
        )

    def _driven(self, job: Job, asked: Evaluation, backend: Backend) -> Job:
        """Drive a job to its end, waiting as long as it takes."""
        while not job.state.still:
            progress = self.ledger.advance(job.id, backend)
            job = progress.job
            if progress.wait:
                self.ledger.clock.sleep(min(progress.wait, LONGEST_PAUSE))
        if job.state is not JobState.DONE:
            raise RunError(
                f"evaluation {asked.number}: job {job.id} is {job.state}: {job.why}; what was "
                f"measured before stays; see: qupel jobs show {job.id[:12]}"
            )
        return job

    def _measure(self, run: str, course: Course, asked: Evaluation, job: Job) -> None:
        result = self.ledger.result(job.id)
        assert result is not None  # noqa: S101  it is done
        measured = {
            "job": job.id,
            "provider_job": result.job,
            "device": result.device,
            "evidence": str(result.evidence),
            "calibration": result.calibration,
            "billed": None if result.billed is None else str(result.billed),
            "counts": counts_of(result),
        }
        self._add(evaluation_line(run, asked, course.tell(result), measured))

    def _add(self, line: dict[str, Any]) -> None:
        self._lines.append(line)
        known = self._written[len(self._lines) - 1 : len(self._lines)]
        # A log that goes on beyond this line is not cut short on the way to where it ended.
        if self._path is not None and known != [text_of(line)]:
            part = self._path.with_name(f"{self._path.name}.part")
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("w", encoding="utf-8") as file:
                file.writelines(map(text_of, self._lines))
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._path)
            self._written = []
        self.tell(line)


def _lines_of(log: Path | None) -> list[str]:
    if log is None or not log.exists():
        return []
    return log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
