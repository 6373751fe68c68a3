"""QAOA whose angles are found by measuring: propose, run the circuit, cost, propose again.

The search is a value and a course. A course asks for one evaluation at a time and is told what was
measured; between the two, whoever drives it may wait, pay, or die: a course that is told the same
readings again asks for the same evaluations, byte for byte.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float64

from qupel.backends.contract import Program, Reading, Result
from qupel.backends.registry import backend_named
from qupel.errors import InputError
from qupel.model import Ising, Samples
from qupel.model.quota import keep_quotas
from qupel.solvers.contract import OnEvent, Stop, Watch, ignore
from qupel.solvers.quantum.at_once import free_backend, run_now, trivial
from qupel.solvers.quantum.fixed_angles import angles_for, degree_and_scale
from qupel.solvers.quantum.hosted import HostedQaoa, ramp
from qupel.solvers.quantum.hosted_samples import samples_of
from qupel.solvers.quantum.qaoa_circuit import qaoa_circuit
from qupel.solvers.quantum.spsa import Spsa

#: Evaluations whose mean cost is compared with that of as many before them.
WINDOW = 10

Vector = Float64[np.ndarray, " angles"]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """One evaluation of the circuit that a course asks for.

    Attributes
    ----------
    number
        From 0.
    angles
        Gammas in radians, then betas.
    seed
        Of the order, for backends that are simulated.
    shots
        To take.
    """

    number: int
    angles: Vector
    seed: int
    shots: int


@dataclass(frozen=True, slots=True)
class VariationalQaoa:
    """Find the angles of a QAOA circuit on the backend that runs it.

    The cost is the mean energy of the shots; those that break a quota are left out, unless all do.
    The search begins at fixed angles, those of `HostedQaoa` for large forms, and goes down by
    SPSA in units of the instance. Where it stood in the later half of its steps, on the average,
    are the angles it settled at; single costs are too noisy to choose by. Every shot that was
    taken is among the samples.

    Attributes
    ----------
    backend
        Where the circuits run, as ``provider:device``.
    layers
        Layers of the circuit, 1 to 10.
    shots
        Of each evaluation.
    evaluations
        At most.
    max_shots
        Of all evaluations together; None for as many as they take.
    tolerance
        The search has converged when the mean cost of ten evaluations is less than this share
        of the energies' spread below that of the ten before; 0 to go on to the end.
    mixer
        As for `HostedQaoa`.
    gain, perturbation
        As for `qupel.solvers.quantum.spsa.Spsa`.
    """

    name: ClassVar[str] = "variational-qaoa"
    kind: ClassVar[str] = "quantum"
    accepts: ClassVar[type[Ising]] = Ising
    keeps_quotas: ClassVar[bool] = True

    backend: str = "local:statevector"
    layers: int = 1
    shots: int = 200
    evaluations: int = 60
    max_shots: int | None = None
    tolerance: float = 0.002
    mixer: str = "auto"
    gain: float = 0.03
    perturbation: float = 0.15

    def __post_init__(self) -> None:
        HostedQaoa(self.backend, self.layers, self.shots, self.mixer)  # type: ignore[arg-type]
        Spsa(self.gain, self.perturbation)
        if self.evaluations < 1:
            raise InputError(f"evaluations must be at least 1, got {self.evaluations}")
        if self.max_shots is not None and self.max_shots < self.shots:
            raise InputError(
                f"max_shots must allow one evaluation of {self.shots} shots, got {self.max_shots}"
            )
        if not 0 <= self.tolerance < 1:
            raise InputError(f"tolerance must be from 0 to below 1, got {self.tolerance}")

    @property
    def evidence(self) -> str:
        """What kind of machine answers: the backend's."""
        return str(backend_named(self.backend).capabilities().evidence)

    def course(self, form: Ising, seed: int) -> Course:
        """Return the search of one form, at its beginning.

        Parameters
        ----------
        form
            At least one spin.
        seed
            Of the optimiser's perturbations and of simulated backends.
        """
        if not form.variables:
            raise InputError("a form without variables needs no circuit; there is nothing to run")
        return Course(self, form, seed)

    def programs(self, form: Ising, evaluation: Evaluation) -> tuple[Program, ...]:
        """Return what an evaluation runs."""
        gammas, betas = np.split(evaluation.angles, 2)
        return (qaoa_circuit(form, gammas, betas, self._circuits().mixer_for(form)),)

    def solve(
        self,
        form: Ising,
        *,
        stop: Stop,
        rng: np.random.Generator,
        on_event: OnEvent = ignore,
    ) -> Samples:
        """Search on a backend that is free, until ``stop`` says so or it has converged.

        Raises
        ------
        InputError
            If the backend bills, or is not on this machine; see `qupel.runs.variational`.
        """
        watch = Watch(on_event)
        backend = free_backend(self.backend)
        if not form.variables:
            return trivial(form, watch)
        course = self.course(form, int(rng.integers(2**53)))
        while (asked := course.asks()) is not None:
            settings = {"seed": asked.seed}
            programs = self.programs(form, asked)
            try:
                course.tell(run_now(backend, programs, asked.shots, settings, stop))
            except InputError as error:  # the first evaluation needs more time than there is
                if not course.costs:
                    raise
                course.end(str(error))
                break
            watch.saw(course.lowest)
            if stop(course.lowest):
                course.end("the stop rule ended it")
        return course.samples()

    def start(self, form: Ising) -> tuple[Vector, float]:
        """Angles to begin with, gammas in units of the instance; and that unit in radians."""
        mixer = self._circuits().mixer_for(form)
        gammas, betas = angles_for(form, self.layers) if mixer == "x" else ramp(form, self.layers)
        scale = degree_and_scale(form)[1]
        return np.concatenate([gammas * scale, betas]), 1 / scale

    def _circuits(self) -> HostedQaoa:
        return HostedQaoa(self.backend, self.layers, self.shots, self.mixer)  # type: ignore[arg-type]


@dataclass(slots=True, eq=False)
class Course:
    """A search under way.

    Attributes
    ----------
    solver, form, seed
        Of the search.
    costs, angles
        Of every evaluation so far.
    lowest
        Lowest energy of a shot that keeps the quotas, infinite before there is one.
    why
        Why it ended; empty while it goes on.
    """

    solver: VariationalQaoa
    form: Ising
    seed: int
    costs: list[float] = field(default_factory=list, init=False)
    angles: list[np.ndarray] = field(default_factory=list, init=False)
    lowest: float = field(default=math.inf, init=False)
    why: str = field(default="", init=False)
    _results: list[Result] = field(default_factory=list, init=False)
    _search: Generator[np.ndarray, float, None] = field(init=False)
    _scale: float = field(init=False)
    _units: np.ndarray = field(init=False)
    _spread: float = field(init=False)
    _seeds: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        steps, shots = np.random.SeedSequence(self.seed).spawn(2)
        start, self._scale = self.solver.start(self.form)
        spsa = Spsa(self.solver.gain, self.solver.perturbation)
        self._search = spsa.proposals(start, np.random.default_rng(steps))
        self._units = next(self._search)
        self._seeds = np.random.default_rng(shots)
        # The deviation of the energies of all states: fields and couplings add their squares.
        squares = (*self.form.fields.tolist(), *self.form.couplings.data.tolist())
        self._spread = math.sqrt(math.fsum(value * value for value in squares)) or 1.0

    @property
    def settled(self) -> Vector:
        """Angles in radians where the search stood in the later half of its steps, on average."""
        steps = (len(self.costs) - 1) // 2
        if steps < 1:
            return self.angles[0]
        looked = np.stack(self.angles[1 : 1 + 2 * steps]).reshape(steps, 2, -1)
        found: Vector = looked.mean(axis=1)[steps // 2 :].mean(axis=0)
        return found

    @property
    def shots(self) -> int:
        """Shots so far."""
        return len(self.costs) * self.solver.shots

    def asks(self) -> Evaluation | None:
        """Return the next evaluation, None if the search has ended. It is then to be told."""
        self.why = self.why or self._reason_to_end()
        if self.why:
            return None
        angles = self._units.copy()
        angles[: angles.size // 2] *= self._scale
        seed = int(self._seeds.integers(2**53))
        self.angles.append(angles)
        return Evaluation(len(self.costs), angles, seed, self.solver.shots)

    def tell(self, result: Result) -> float:
        """Take what an evaluation measured; return its cost.

        Raises
        ------
        ResultError
            If the result is not one reading of as many bits as the form has spins.
        """
        samples = samples_of(self.form, result)
        cost = math.fsum(
            energy * times
            for energy, times in zip(
                samples.energies.tolist(), samples.occurrences.tolist(), strict=True
            )
        ) / int(samples.occurrences.sum())
        kept = keep_quotas(((1 - samples.values) // 2).astype(np.uint8), self.form.quotas)
        if kept.any():
            self.lowest = min(self.lowest, float(samples.energies[kept].min()))
        self.costs.append(cost)
        self._results.append(result)
        self._units = self._search.send(cost / self._spread)
        return cost

    def end(self, why: str) -> None:
        """End the search for a reason of the caller's, such as a budget that is used up."""
        self.why = self.why or why

    def samples(self) -> Samples:
        """Return all shots so far as samples; `InputError` if there are none."""
        if not self._results:
            raise InputError(f"nothing was measured: {self.why or 'the search has not begun'}")
        readings = [reading for result in self._results for reading in result.readings]
        bits = np.concatenate([reading.bits for reading in readings])
        occurrences = np.concatenate([reading.occurrences for reading in readings])
        pooled = replace(self._results[-1], readings=(Reading(bits, occurrences),), facts={})
        samples = samples_of(self.form, pooled)
        gammas, betas = np.split(self.settled, 2)
        facts: dict[str, Any] = {
            **samples.facts,
            "layers": self.solver.layers,
            "evaluations": len(self.costs),
            "first_cost": self.costs[0],
            "cost": math.fsum(self.costs[-WINDOW:]) / len(self.costs[-WINDOW:]),
            "gammas": gammas.tolist(),
            "betas": betas.tolist(),
            "ended": self.why,
        }
        return replace(samples, facts=facts)

    def _reason_to_end(self) -> str:
        solver, done = self.solver, len(self.costs)
        if done >= solver.evaluations:
            return f"all {solver.evaluations} evaluations were made"
        if solver.max_shots is not None and self.shots + solver.shots > solver.max_shots:
            return f"{self.shots} of {solver.max_shots} shots were taken"
        if solver.tolerance and done >= 2 * WINDOW + 1:
            late = math.fsum(self.costs[-WINDOW:]) / WINDOW
            early = math.fsum(self.costs[-2 * WINDOW : -WINDOW]) / WINDOW
            if early - late < solver.tolerance * self._spread:
                return "it has converged"
        return ""
