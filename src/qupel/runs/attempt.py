"""One attempt: form, encode, search, decode, judge, repair, judge; and the record of it."""

from __future__ import annotations

import dataclasses
import math
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from qupel.encodings.paths import encode
from qupel.errors import ContractError, QupelError
from qupel.model.evidence import Evidence
from qupel.model.samples import Samples
from qupel.problems.contract import Judgement, Problem, Sense
from qupel.runs.candidates import Candidate, Counting, Jury, objective_of
from qupel.runs.clocks import Stopwatch
from qupel.runs.contract import Contract
from qupel.runs.description import describe, family_from, plain, solver_from, solvers_in
from qupel.runs.diversity import mean_distance
from qupel.runs.identity import samples_digest
from qupel.runs.record import Record, Status
from qupel.runs.reserve import Reserve
from qupel.runs.streams import Streams
from qupel.runs.task import Task
from qupel.runs.usage import Usage
from qupel.solvers.contract import Event, Incumbent, Stop

#: Longest trace kept; a longer one is thinned evenly, its last entry kept.
TRACE = 1000

OnSamples = Callable[[Samples], None]


def attempt(
    task: Task,
    *,
    requested: float | None = None,
    problem: Problem[Any] | None = None,
    reserve: Reserve | None = None,
    on_samples: OnSamples | None = None,
) -> Record:
    """Make one attempt in this process. It ends with a record, whatever happens.

    Only what ends the process keeps it from returning; `qupel.runs.Workers` guards against
    that, enforces the deadline and calls the fallback.

    Parameters
    ----------
    requested
        Reading of ``time.monotonic`` when the attempt was asked for; now, if not given.
    problem
        The task's problem where it has been rebuilt already.
    reserve
        What earlier attempts taught of the time needed after the search.
    on_samples
        Is given the samples once the answer is complete.
    """
    clock = Stopwatch(time.monotonic() if requested is None else requested)
    usage = Usage.begin()
    found: dict[str, Any] = {}  # grows stage by stage, so that a failure keeps what was known
    course = Course(task, clock, found, reserve if reserve is not None else Reserve())
    try:
        status = course.run(problem)
    except ContractError as error:
        status = Status.REFUSED if course.samples is None else Status.FAILED
        found["why"] = str(error)
    except QupelError as error:
        status, found["why"], found["log"] = Status.FAILED, _line(error), traceback.format_exc()
    except Exception as error:  # noqa: BLE001  a solver may raise anything; the record tells
        status, found["log"] = Status.FAILED, traceback.format_exc()
        found["why"] = f"{type(error).__name__}: {_line(error)}"
    clocks, end_to_end = clock.stop()
    peak, how = usage.peak()
    found["seeds"] = dict(course.streams.used)
    record = task.record(
        status,
        clocks=clocks,
        end_to_end=end_to_end,
        cpu_seconds=usage.seconds(),
        peak_memory=max(peak, int(found.get("facts", {}).get("peak_memory", 0))),
        peak_memory_by=how,
        answered_by="primary" if status is Status.ANSWERED else "",
        **found,
    )
    if on_samples is not None and course.samples is not None:
        on_samples(course.samples)
    return record


@dataclass(slots=True)
class Course:
    """The way of one attempt, and what it has found so far."""

    task: Task
    clock: Stopwatch
    found: dict[str, Any]
    reserve: Reserve
    streams: Streams = field(init=False)
    samples: Samples | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.streams = Streams(self.task.seed)

    def run(self, problem: Problem[Any] | None) -> Status:
        """Form, encode, search, decode, judge, repair, judge."""
        task, clock, contract = self.task, self.clock, self.task.contract or Contract()
        started = clock.enter("encode")
        contract.check_task(task)
        if problem is None:
            problem = family_from(task.family).from_document(task.problem)
        problem = without_caches(problem)
        solver = solver_from(task.solver, type(problem))
        contract.check_solver(solver)
        self.found["solver"] = describe(solver, type(problem))
        self.found["evidence"] = evidence_of(solver)
        form, given, back = self._encoded(problem, solver)
        contract.check_form(given, solver)
        if contract.result is not None and form is not None:
            contract.check_answers(problem, form)

        trace = Trace(clock.started, problem.sense)
        deadline = clock.started + task.seconds
        kind = (task.problem_hash, str(task.solver["solver"]))
        encoding = time.monotonic() - started
        kept_back = self.reserve.seconds(kind, encoding=encoding, budget=task.seconds)
        stop = Stop(deadline=deadline - kept_back, target=task.target, rounds=task.rounds)
        rng = self.streams.rng("solve")
        trace.begins(clock.enter("execute"))
        samples = solver.solve(given, stop=stop, rng=rng, on_event=trace)
        after = clock.enter("decode")
        self.samples = samples
        clock.attribute(samples.seconds)
        self._claims(samples)

        final = self._answer(problem, form, samples, back, Jury(problem, deadline))
        if final is None:
            self.found["why"] = samples.outcome.value
            return Status.INFEASIBLE
        self._final(problem, contract, final)
        self.found["trace"] = trace.until(clock.seconds(), final.judgement)
        self.reserve.saw(kind, time.monotonic() - after)
        if final.judgement.feasible:
            return Status.ANSWERED
        self.found["why"] = f"no sample is feasible: {_broken(final.judgement)}"
        return Status.INFEASIBLE

    def _encoded(self, problem: Problem[Any], solver: Any) -> tuple[Any, Any, Any]:
        """Return the problem's form, what the solver is given, and the way back to the form."""
        if isinstance(problem, solver.accepts):
            return None, problem, np.asarray
        form = problem.form()
        encoded = encode(
            form, into=solver.accepts, keep_quotas=solver.keeps_quotas, **self.task.encoding
        )
        before, after = encoded.report.before, encoded.report.after
        self.found["sizes"] = {
            **dataclasses.asdict(before),
            **{f"encoded_{name}": size for name, size in dataclasses.asdict(after).items()},
        }
        self.found["encoding"] = encoded.report.document()
        return form, encoded.form, encoded.back

    def _claims(self, samples: Samples) -> None:
        self.found["outcome"] = samples.outcome.name
        self.found["claimed_bound"] = plain(samples.bound)
        self.found["facts"] = plain(samples.facts)
        if len(samples):
            self.found["claimed_energy"] = plain(samples.energies[0])
        if self.task.store_samples:
            self.found["samples"] = samples_digest(samples)

    def _answer(
        self, problem: Problem[Any], form: Any, samples: Samples, back: Any, jury: Jury
    ) -> Candidate | None:
        """Decode, judge, repair, polish; the best feasible candidate, else the first of all."""
        clock, found = self.clock, self.found
        if len(samples) == 0:
            return None
        rows = back(samples.values)
        counting = Counting.of(samples, rows, form)
        looked = counting.looked_at(self.task.keep)
        answers = [problem.answer(rows[i]) for i in looked]

        clock.enter("judge")
        # Half of the time is left for repair, and half of that for judging what it gave.
        raw = jury.judged(answers, share=0.5 if self.task.repair else 1.0)
        found["raw"], found["counted"] = counting.raw(looked, raw)
        best = jury.best(raw)
        found["raw_objective"] = None if best is None else objective_of(best.judgement)
        found["diversity"] = mean_distance(counting.feasible_rows(rows, looked, raw))

        candidates = raw
        if self.task.repair:
            clock.enter("repair")
            mended = jury.repaired(raw, share=0.5)
            clock.enter("judge")
            candidates = jury.judged_again(raw, mended)
        found["repaired"] = counting.share(looked, [c.judgement.feasible for c in candidates])
        found["counted"] += f"; repaired: the first {len(candidates)} distinct rows, by the judge"
        best = jury.best([*candidates, *raw])
        if best is not None and self.task.polish:
            best = self._polished(problem, best, jury)
        return best or raw[0]

    def _polished(self, problem: Any, best: Candidate, jury: Jury) -> Candidate:
        """Improve the best candidate where the family can; kept if the judge likes it better."""
        if not hasattr(problem, "polish"):
            return best
        self.clock.enter("repair")
        answer = problem.polish(best.answer, self.streams.rng("polish"))
        self.clock.enter("judge")
        polished = Candidate(answer, problem.judge(answer))
        return jury.best([best, polished]) or best

    def _final(self, problem: Problem[Any], contract: Contract, final: Candidate) -> None:
        """Take down the answer that goes out."""
        judgement, found = final.judgement, self.found
        found["objective"] = objective_of(judgement)
        found["feasible"] = judgement.feasible
        found["violations"] = tuple(plain(broken) for broken in judgement.violations)
        found["measures"] = plain(judgement.measures)
        found["answer"] = plain(final.answer)
        found["solution"] = problem.write_answer(final.answer)
        if self.task.contract is not None and judgement.feasible:
            contract.check_answer(problem, final.answer, found["solution"])


@dataclass(slots=True)
class Trace:
    """Incumbents as a solver claims them, on the clock of the attempt.

    Attributes
    ----------
    requested
        Reading of ``time.monotonic`` at the request.
    sense
        Of the problem's objective.
    """

    requested: float
    sense: Sense
    offset: float = field(default=0.0, init=False)
    seen: list[tuple[float, float]] = field(default_factory=list, init=False)

    def begins(self, now: float) -> None:
        """Take note of when the search began."""
        self.offset = now - self.requested

    def __call__(self, event: Event) -> None:
        """Take note of an incumbent."""
        if isinstance(event, Incumbent) and math.isfinite(event.energy):
            objective = event.energy if self.sense == "min" else -event.energy
            self.seen.append((self.offset + event.seconds, objective))

    def until(self, seconds: float, final: Judgement) -> tuple[tuple[float, float], ...]:
        """Return the claims that the judged answer bears out, then that answer."""
        last = objective_of(final)
        if last is None or not final.feasible:
            return self._thinned(self.seen)
        turn = 1.0 if self.sense == "min" else -1.0
        slack = 1e-9 * max(1.0, abs(last))
        borne_out = [(at, value) for at, value in self.seen if turn * (value - last) >= -slack]
        return (*self._thinned(borne_out), (seconds, last))

    @staticmethod
    def _thinned(seen: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
        if len(seen) <= TRACE:
            return tuple(seen)
        chosen = np.linspace(0, len(seen) - 1, TRACE).round().astype(int)
        return tuple(seen[i] for i in chosen)


def evidence_of(solver: Any) -> Evidence:
    """Kind of machine behind a solver's samples: the least real of its quantum steps'."""
    order = (
        Evidence.CLASSICAL,
        Evidence.EXACT,
        Evidence.NOISELESS,
        Evidence.NOISY,
        Evidence.EMULATOR,
        Evidence.HARDWARE,
    )
    steps = [
        Evidence(getattr(inner, "evidence", Evidence.NOISELESS))
        for inner in solvers_in(solver)
        if inner.kind == "quantum"
    ]
    return min(steps, key=order.index, default=Evidence.CLASSICAL)


def without_caches(problem: Problem[Any]) -> Problem[Any]:
    """Return the same problem without what an earlier attempt may have cached in it."""
    if not dataclasses.is_dataclass(problem) or not hasattr(problem, "__dict__"):
        return problem
    fresh = object.__new__(type(problem))
    for part in dataclasses.fields(problem):
        object.__setattr__(fresh, part.name, getattr(problem, part.name))
    return fresh


def _broken(judgement: Judgement) -> str:
    if not judgement.violations:
        return f"the objective is {judgement.objective}"
    first, more = judgement.violations[0], len(judgement.violations) - 1
    text = f"{first.constraint} at {first.where} by {first.amount:g}"
    return text if not more else f"{text}, and {more} more"


def _line(error: BaseException) -> str:
    """First line of an error's message."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__
