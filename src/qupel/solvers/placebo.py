"""Placebos: the same pipeline with the quantum step replaced by something plainly classical.

Whatever a pipeline gains over its placebos is the quantum contribution; what both gain is not.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Int8

from qupel.errors import InputError
from qupel.model import Ising, Outcome, Samples
from qupel.solvers.contract import OnEvent, Solver, Stop, Watch, ignore

#: Random bits drawn in one round, about a millisecond's work.
_ROUND = 100_000


@dataclass(frozen=True, slots=True)
class UniformBits:
    """Uniform random bits, as many rows as a quantum solver would have taken shots.

    Bits under a quota are uniform among the patterns that keep it: a quantum solver that keeps
    quotas is given as much.

    Attributes
    ----------
    shots
        Rows to draw.
    """

    name: ClassVar[str] = "uniform-bits"
    kind: ClassVar[str] = "placebo"
    accepts: ClassVar[type[Ising]] = Ising
    keeps_quotas: ClassVar[bool] = True

    shots: int = 1000

    def __post_init__(self) -> None:
        if self.shots < 1:
            raise InputError(f"shots must be at least 1, got {self.shots}")

    def solve(
        self,
        form: Ising,
        *,
        stop: Stop,
        rng: np.random.Generator,
        on_event: OnEvent = ignore,
    ) -> Samples:
        """Draw all rows, or as many as ``stop`` leaves time for; a round is a batch of rows."""
        watch = Watch(on_event)
        batch = max(1, _ROUND // max(form.variables, 1))
        drawn: list[Int8[np.ndarray, "rows n"]] = []
        energies: list[np.ndarray] = []
        left = self.shots
        while left:
            spins = _uniform(form, min(batch, left), rng)
            drawn.append(spins)
            energies.append(form.energies(spins))
            left -= len(spins)
            watch.saw(float(energies[-1].min()))
            if stop(watch.best):
                break
        return Samples.of(
            np.concatenate(drawn),
            np.concatenate(energies),
            outcome=Outcome.STOPPED if left else Outcome.SAMPLED,
            facts={"shots": self.shots - left},
        )


def placebos(solver: Solver[Any]) -> dict[str, Solver[Any]]:
    """Placebos of a solver, by kind; none for a solver without a quantum step.

    Every quantum solver in ``solver``, itself included and however deep, is replaced: by
    `UniformBits` of as many shots in ``uniform``, and in ``sampler`` by simulated annealing, run
    under the same stop rule. All else stays as it is.
    """
    if not _has_quantum_step(solver):
        return {}
    return {"uniform": _replaced(solver, _uniform_bits), "sampler": _replaced(solver, _annealing)}


def _uniform_bits(step: Any) -> Solver[Any]:
    return UniformBits(step.shots) if hasattr(step, "shots") else UniformBits()


def _annealing(_: Any) -> Solver[Any]:
    from qupel.solvers.classical.annealing import Annealing

    return Annealing()


def _replaced(value: Any, by: Callable[[Any], Solver[Any]]) -> Any:
    """Replace the quantum solvers in a solver, or in a tuple of them; leave all else."""
    if not _has_quantum_step(value):
        return value
    if isinstance(value, tuple):
        return tuple(_replaced(part, by) for part in value)
    if value.kind == "quantum":
        return by(value)
    settings = {part.name: getattr(value, part.name) for part in dataclasses.fields(value)}
    changed = {name: _replaced(held, by) for name, held in settings.items()}
    return dataclasses.replace(value, **changed)


def _has_quantum_step(value: Any) -> bool:
    if isinstance(value, tuple):
        return any(_has_quantum_step(part) for part in value)
    if not isinstance(value, Solver) or not dataclasses.is_dataclass(value):
        return False
    settings = (getattr(value, part.name) for part in dataclasses.fields(value))
    return value.kind == "quantum" or any(_has_quantum_step(held) for held in settings)


def _uniform(form: Ising, rows: int, rng: np.random.Generator) -> Int8[np.ndarray, "rows n"]:
    """Random spins that keep the form's quotas."""
    bits = rng.integers(0, 2, (rows, form.variables), dtype=np.int8)
    for quota in form.quotas:
        members = len(quota.members)
        order = rng.permuted(np.tile(np.arange(members), (rows, 1)), axis=1)
        bits[:, list(quota.members)] = order < quota.count
    return 1 - 2 * bits
