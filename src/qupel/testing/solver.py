"""The contract of solvers, as one suite: `check_solver`."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import sparse

from qupel.model.ising import Ising
from qupel.model.model import Model
from qupel.model.qubo import Qubo
from qupel.model.quota import keep_quotas
from qupel.model.samples import Outcome, Samples
from qupel.solvers.contract import (
    Bound,
    Event,
    Incumbent,
    Solver,
    Stop,
    after_rounds,
    after_seconds,
    any_of,
    reached,
)

#: Energies count as equal within this share of their size.
TOLERANCE = 1e-9
_ATTEMPTS = 12


class ConformanceError(AssertionError):
    """A solver broke its contract; the message says which clause, and how."""


def check_solver(
    solver: Solver[Any], form: Any, *, seed: int = 0, rounds: int = 8, seconds: float = 0.3
) -> None:
    """Run ``solver`` on ``form`` and hold it to every clause of its contract.

    Checked are: true energies, ascending, of distinct rows; kept quotas and constraints; equal
    samples for equal seeds and, where the solver has ``threads``, for two threads; the time limit
    within 5 % or 50 ms; the target; incumbents that fall as time goes on and are not better than
    the best sample; a proved bound not above it; an unchanged input.

    Parameters
    ----------
    form
        A `Model`, `Qubo` or `Ising`, or a problem for a solver that takes problems. Energies of a
        problem are those of its judge.
    seed
        Seed of every run.
    rounds
        Rounds of the runs that must repeat.
    seconds
        Time limit of the run that is timed.

    Raises
    ------
    ConformanceError
        At the first broken clause.
    """
    before = fingerprint(form)
    stop = _Listening(rounds=rounds)
    samples, events = _run(solver, form, stop, seed)
    _check_unchanged(form, before)
    _check_samples(form, samples)
    _check_events(samples, events)
    again, _ = _run(solver, form, after_rounds(rounds), seed)
    _check_equal(samples, again, f"two runs of seed {seed} and {rounds} rounds")
    if any(field.name == "threads" and field.init for field in dataclasses.fields(solver)):  # type: ignore[arg-type]
        wide = dataclasses.replace(solver, threads=2)  # type: ignore[type-var]
        threaded, _ = _run(wide, form, after_rounds(rounds), seed)
        _check_equal(samples, threaded, "one thread and two")
    if math.isfinite(stop.told):
        _check_target(solver, form, stop.told, seed, rounds)
    _check_time(solver, form, seed, seconds)
    _check_unchanged(form, before)


def _check_unchanged(form: Any, before: str) -> None:
    _require(fingerprint(form) == before, "the solver changed its input")


def fingerprint(value: Any) -> str:
    """SHA-256 of everything a value holds: arrays by their bytes, problems by their document."""
    digest = hashlib.sha256()
    _digest(value, digest)
    return digest.hexdigest()


def _digest(value: Any, digest: Any) -> None:
    if isinstance(value, np.ndarray):
        digest.update(f"{value.dtype}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, sparse.csr_array):
        for part in (value.indptr, value.indices, value.data):
            _digest(part, digest)
    elif hasattr(value, "document"):
        digest.update(json.dumps(value.document(), sort_keys=True, default=str).encode())
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            _digest(getattr(value, field.name), digest)
    elif isinstance(value, Mapping):
        for key in sorted(value, key=repr):
            digest.update(repr(key).encode())
            _digest(value[key], digest)
    elif isinstance(value, tuple | list):
        for part in value:
            _digest(part, digest)
    else:
        digest.update(repr(value).encode())


def _require(kept: bool, sentence: str) -> None:
    if not kept:
        raise ConformanceError(sentence)


def _run(solver: Solver[Any], form: Any, stop: Stop, seed: int) -> tuple[Samples, list[Event]]:
    events: list[Event] = []
    samples = solver.solve(form, stop=stop, rng=np.random.default_rng(seed), on_event=events.append)
    return samples, events


def _judged(form: Any, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Energy of each row, and whether it is feasible, found without the solver."""
    if isinstance(form, Ising):
        _require(bool(np.isin(values, (-1, 1)).all()), "spins must be +1 or -1")
        return form.energies(values), keep_quotas((values < 0).astype(np.uint8), form.quotas)
    if isinstance(form, Qubo):
        _require(bool(np.isin(values, (0, 1)).all()), "bits must be 0 or 1")
        return form.energies(values), keep_quotas(values, form.quotas)
    if isinstance(form, Model):
        return form.energies(values), form.feasible(values)
    judged = [form.judge(form.answer(row)) for row in values]
    sign = -1.0 if form.sense == "max" else 1.0
    energies = np.array([sign * judgement.objective for judgement in judged])
    return energies, np.array([judgement.feasible for judgement in judged], bool)


def _slack(*energies: float) -> float:
    return TOLERANCE * max(1.0, *(abs(e) for e in energies if math.isfinite(e)), 1.0)


def _check_samples(form: Any, samples: Samples) -> None:
    if not len(samples):
        _require(
            samples.outcome in (Outcome.EMPTY, Outcome.INFEASIBLE),
            f"no samples came with the outcome {samples.outcome.name}",
        )
        return
    if isinstance(form, Ising | Qubo | Model):
        width = samples.values.shape[1]
        _require(
            width == form.variables, f"rows have {width} columns for {form.variables} variables"
        )
    true, feasible = _judged(form, samples.values)
    # A claim about an infeasible row is no energy of the problem.
    judged = feasible if not isinstance(form, Ising | Qubo | Model) else np.ones_like(feasible)
    wrong = np.abs(true - samples.energies) > TOLERANCE * np.maximum(1.0, np.abs(true))
    for row in np.flatnonzero(wrong & judged)[:1].tolist():
        raise ConformanceError(
            f"row {row} is claimed to have energy {samples.energies[row]!r}, but has {true[row]!r}"
        )
    _require(bool((np.diff(samples.energies) >= 0).all()), "energies do not ascend")
    distinct = len(np.unique(samples.values, axis=0)) if samples.values.shape[1] else 1
    _require(distinct == len(samples), f"{len(samples)} rows hold only {distinct} distinct ones")
    _require(bool((samples.occurrences >= 1).all()), "a row occurs less than once")
    broken = int((~feasible).sum())
    _require(
        broken in (0, len(samples)),
        f"{broken} of {len(samples)} rows break a quota or constraint beside others that keep it",
    )
    best = float(samples.energies[0])
    _require(
        samples.bound <= best + _slack(best),
        f"the bound {samples.bound} is above the best energy {best}",
    )
    if samples.outcome is Outcome.OPTIMAL:
        _require(
            samples.bound >= best - 1e-6 * max(1.0, abs(best)),
            f"the outcome is OPTIMAL, but the bound {samples.bound} does not meet {best}",
        )


def _check_events(samples: Samples, events: list[Event]) -> None:
    for kind in (Incumbent, Bound):
        seen = [event for event in events if isinstance(event, kind)]
        for early, late in itertools.pairwise(seen):
            _require(
                early.seconds <= late.seconds,
                f"{kind.__name__} events go back in time: {early.seconds} then {late.seconds}",
            )
            better = late.energy < early.energy if kind is Incumbent else late.energy > early.energy
            _require(
                better, f"{kind.__name__} {late.energy} after {early.energy} is no improvement"
            )
    incumbents = [event.energy for event in events if isinstance(event, Incumbent)]
    if not incumbents:
        return
    _require(len(samples) > 0, "incumbents were reported, but no sample came back")
    best = float(samples.energies[0])
    _require(
        incumbents[-1] >= best - _slack(best),
        f"the last incumbent {incumbents[-1]} is better than the best sample {best}",
    )


def _check_equal(one: Samples, other: Samples, what: str) -> None:
    for name in ("values", "energies", "occurrences"):
        same = getattr(one, name).tobytes() == getattr(other, name).tobytes()
        _require(same and len(one) == len(other), f"{what} gave different {name}")
    _require(
        one.outcome is other.outcome and one.bound == other.bound,
        f"{what} ended differently: {one.outcome.name}, {other.outcome.name}",
    )


def _check_target(solver: Solver[Any], form: Any, target: float, seed: int, rounds: int) -> None:
    """Aim at what the same seed said it had reached: the search must end by then, and have it."""
    stop = any_of(reached(target + _slack(target)), after_rounds(20 * rounds))
    samples, _ = _run(solver, form, stop, seed)
    _require(
        stop.asked <= rounds,
        f"the target {target} was within reach in {rounds} rounds, but the search went on for "
        f"{stop.asked}",
    )
    _require(
        len(samples) > 0 and samples.energies[0] <= target + 2 * _slack(target),
        f"a search ended by the target {target} gave back something worse",
    )


@dataclasses.dataclass(slots=True)
class _Listening(Stop):
    """A stop rule that remembers the best energy it was told."""

    told: float = math.inf

    def __call__(self, best: float) -> bool:
        self.told = min(self.told, best)
        return Stop.__call__(self, best)


def _check_time(solver: Solver[Any], form: Any, seed: int, seconds: float) -> None:
    """Time the solver; a busy machine gets further attempts."""
    allowed = seconds + max(0.05 * seconds, 0.05)
    took = math.inf
    for _ in range(_ATTEMPTS):
        started = time.monotonic()
        _run(solver, form, after_seconds(seconds), seed)
        took = min(took, time.monotonic() - started)
        if took <= allowed:
            return
    raise ConformanceError(
        f"a limit of {seconds} s was overrun: {took:.3f} s at the best of {_ATTEMPTS} attempts, "
        f"{allowed:.3f} allowed"
    )
