"""A classical answer, improved part by part by any inner solver."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from qupel.encodings import Encoded
from qupel.errors import InputError
from qupel.model import Ising, Model, Outcome, Qubo, Samples
from qupel.problems.contract import Decomposable, Judgement, Problem, Subproblem
from qupel.solvers.contract import Event, Incumbent, Log, OnEvent, Solver, Stop, Watch, ignore
from qupel.solvers.hybrid.search import encoded_for, search
from qupel.solvers.quantum.qaoa import Qaoa
from qupel.solvers.registry import solver_for

FORMS = (Model, Qubo, Ising)


@dataclass(frozen=True, slots=True)
class Hybrid:
    """Cut a hard part out of the incumbent, let an inner solver search it, keep what is better.

    A round is one part: `Decomposable.subproblem` cuts it, the inner solver samples its form,
    the best few samples are put back, repaired where the judge finds a violation, and the best
    of them is polished. It becomes the incumbent if the judge likes it better: feasible before
    infeasible, then fewer violations (their amounts summed), then the objective. An answer that
    is different and exactly as good also becomes the incumbent, so that the search drifts over
    plateaus. No round begins that would not end in time. What is returned is never worse than
    the start.

    Attributes
    ----------
    start
        Makes the first incumbent; None stands for the family's ``greedy``.
    start_share
        Share of the time (and of the rounds) that the start may use, 0 to 1.
    inner
        Searches the parts. A solver with a method ``after`` (QAOA has one) is told the facts of
        the part before, and begins the next where that ended: with its angles.
    size
        Variables of a part at most, before it is encoded for the inner solver.
    encoded_size
        Variables of a part at most once it is encoded, slack included; ``size`` if that is
        larger. Where a part comes out larger, this and all later parts are cut smaller.
    polish
        Whether the problem's local moves are applied to the start and to each round's best.
    few
        Samples of each part that are put back and judged.
    inner_rounds
        Rounds of an inner solver that searches until it is stopped. Those that take a number of
        shots (a field ``shots``) end by themselves and are not limited.
    """

    name: ClassVar[str] = "hybrid"
    kind: ClassVar[str] = "hybrid"
    accepts: ClassVar[type[Any]] = Problem
    keeps_quotas: ClassVar[bool] = True
    searches_forms: ClassVar[tuple[str, ...]] = ("inner",)

    start: Solver[Any] | None = None
    start_share: float = 0.2
    inner: Solver[Any] = field(default_factory=lambda: Qaoa(layers=2, shots=256, evaluations=60))
    size: int = 14
    encoded_size: int = 18
    polish: bool = True
    few: int = 4
    inner_rounds: int = 2

    def __post_init__(self) -> None:
        if not 0 < self.start_share < 1:
            raise InputError(f"start_share must be above 0 and below 1, got {self.start_share}")
        for name in ("size", "encoded_size", "few", "inner_rounds"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.inner.accepts not in FORMS:
            raise InputError(
                f"an inner solver searches a Model, Qubo or Ising; {self.inner.name!r} takes "
                f"a {self.inner.accepts.__name__}"
            )

    def solve(
        self,
        form: Problem[Any],
        *,
        stop: Stop,
        rng: np.random.Generator,
        on_event: OnEvent = ignore,
    ) -> Samples:
        """Improve the start part by part until ``stop`` says so.

        Values are those of the problem for its best answer; the energy is the objective,
        negated where the sense is ``max``, infinite for an infeasible answer.
        """
        if not isinstance(form, Decomposable):
            raise InputError(
                f"a hybrid solver needs parts to work on, and {form.family} problems offer no "
                f"`subproblem` and `polish`"
            )
        watch = Watch(on_event)
        course = _Course(self, form, stop, rng, watch)
        course.begin()
        if watch.best > stop.target:
            while course.improvable() and stop.seconds_left() > course.round_seconds:
                course.round()
                if stop(watch.best):
                    break
        return course.samples()


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    """An answer and what the judge says of it; smaller rank is better."""

    answer: Any
    judgement: Judgement
    energy: float

    @property
    def rank(self) -> tuple[bool, float, float]:
        broken = sum(violation.amount for violation in self.judgement.violations)
        energy = self.energy if math.isfinite(self.energy) else math.inf
        return (not self.judgement.feasible, broken, energy)


@dataclass(slots=True, eq=False)
class _Course:
    """One search: the incumbent and what has been counted on the way."""

    hybrid: Hybrid
    problem: Decomposable[Any]
    stop: Stop
    rng: np.random.Generator
    watch: Watch
    incumbent: _Candidate = field(init=False)
    first: _Candidate = field(init=False)
    tried: int = 0
    accepted: int = 0
    improved: int = 0
    drawn: int = 0
    feasible: int = 0
    missed: int = 0
    round_seconds: float = 0.0  # what the slowest of the last few rounds took
    size: int = field(init=False)
    inner: Solver[Any] = field(init=False)

    def __post_init__(self) -> None:
        self.size = self.hybrid.size
        self.inner = self.hybrid.inner

    def begin(self) -> None:
        """Make the first incumbent."""
        answer = self._started()
        if self.hybrid.polish and self.problem.judge(answer).feasible:
            answer = self.problem.polish(answer, self.rng)
        self.first = self.incumbent = self._judged(answer)
        self._report()

    def improvable(self) -> bool:
        """Whether the problem still offered a part the last few times."""
        return self.missed < 3

    def round(self) -> None:
        """Cut one part out, search it, and keep what is better."""
        began = time.monotonic()
        self._improve()
        self.round_seconds = max(0.7 * self.round_seconds, time.monotonic() - began)

    def _improve(self) -> None:
        cut = self._cut()
        if cut is None:
            self.missed += 1
            return
        self.missed = 0
        self.tried += 1
        best = min(self._proposals(*cut), key=lambda found: found.rank, default=None)
        if best is None:
            return
        if self.hybrid.polish and best.judgement.feasible:
            polished = self._judged(self.problem.polish(best.answer, self.rng))
            best = min(best, polished, key=lambda found: found.rank)
        if best.rank > self.incumbent.rank or self._is_incumbent(best):
            return
        self.improved += best.rank < self.incumbent.rank
        self.accepted += 1
        self.incumbent = best
        self._report()

    def samples(self) -> Samples:
        """Return the incumbent as samples, with the course's figures."""
        facts = {
            "subproblems": self.tried,
            "size": self.size,
            "accepted": self.accepted,
            "improved": self.improved,
            "start_objective": self.first.judgement.objective,
            "gain": self.first.energy - self.incumbent.energy
            if self.first.judgement.feasible
            else None,
            "inner_samples": self.drawn,
            "inner_feasible": self.feasible,
        }
        energy = self.incumbent.energy if self.incumbent.judgement.feasible else math.inf
        values = self.problem.values(self.incumbent.answer)
        outcome = Outcome.STOPPED if self.improvable() else Outcome.STALLED
        return Samples.of(values, [energy], outcome=outcome, facts=facts)

    def _cut(self) -> tuple[Subproblem[Any], Encoded[Any]] | None:
        """Cut out a part that the inner solver can hold; None if there is none."""
        room = max(self.hybrid.size, self.hybrid.encoded_size)
        while True:
            part = self.problem.subproblem(self.incumbent.answer, self.size, self.rng)
            if part is None:
                return None
            encoded = encoded_for(self.hybrid.inner, part.form)
            excess = encoded.form.variables - room
            if excess <= 0:
                return part, encoded
            if self.size == 1:
                return None
            self.size = max(1, self.size - max(1, excess // 2))

    def _proposals(self, part: Subproblem[Any], encoded: Encoded[Any]) -> list[_Candidate]:
        """Answers from the best few samples of a part, repaired where they need it."""
        rounds = None if hasattr(self.inner, "shots") else self.hybrid.inner_rounds
        stop = Stop(self.stop.deadline, rounds=rounds)
        found = search(self.inner, part.form, encoded, stop=stop, rng=self.rng)
        learn = getattr(self.inner, "after", None)
        if learn is not None:
            self.inner = learn(found.facts)
        self.drawn += int(found.occurrences.sum())
        self.feasible += int(found.occurrences[found.feasible].sum())
        same = np.asarray(part.start).tobytes()
        proposals = []
        for row in found.best(self.hybrid.few):
            if row.astype(np.asarray(part.start).dtype).tobytes() == same:
                continue
            candidate = self._judged(part.lift(row))
            if not candidate.judgement.feasible:
                candidate = self._judged(self.problem.repair(candidate.answer))
            proposals.append(candidate)
        return proposals

    def _is_incumbent(self, found: _Candidate) -> bool:
        """Whether nothing changed."""
        if found.rank != self.incumbent.rank:
            return False
        ours, theirs = (self.problem.values(x.answer) for x in (self.incumbent, found))
        return bool(np.array_equal(ours, theirs))

    def _started(self) -> Any:
        """Answer of the start solver, repaired if need be."""
        solver = self.hybrid.start or solver_for("greedy", type(self.problem))
        stop = self._start_stop()
        if solver.accepts in FORMS:
            form = self.problem.form()
            encoded = encoded_for(solver, form)
            rows = search(solver, form, encoded, stop=stop, rng=self.rng).best(1)
        else:
            rows = solver.solve(
                self.problem, stop=stop, rng=self.rng, on_event=self._pass_on
            ).values[:1]
        if len(rows) == 0:
            raise InputError(
                f"the start {solver.name!r} found no answer to begin with; give it more time "
                f"(start_share) or choose another one"
            )
        answer = self.problem.answer(rows[0])
        if not self.problem.judge(answer).feasible:
            answer = self.problem.repair(answer)
        return answer

    def _pass_on(self, event: Event) -> None:
        """Report the start's incumbents; its energies are objectives, signed as ours."""
        if isinstance(event, Incumbent):
            self.watch.saw(event.energy)

    def _start_stop(self) -> Stop:
        """Return the start's share of time and rounds; one round if neither is limited."""
        share = self.hybrid.start_share
        deadline = time.monotonic() + share * self.stop.seconds_left()
        left = self.stop.rounds_left()
        if left is None and math.isinf(deadline):
            left = 1
        rounds = None if left is None else max(1, math.ceil(share * left))
        return Stop(deadline, self.stop.target, rounds)

    def _judged(self, answer: Any) -> _Candidate:
        judgement = self.problem.judge(answer)
        sign = -1.0 if self.problem.sense == "max" else 1.0
        return _Candidate(answer, judgement, sign * judgement.objective)

    def _report(self) -> None:
        if self.incumbent.judgement.feasible and self.watch.saw(self.incumbent.energy):
            text = f"part {self.tried}: objective {self.incumbent.judgement.objective:g}"
            self.watch.on_event(Log(self.watch.seconds(), text))
