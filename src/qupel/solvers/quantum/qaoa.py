"""QAOA as a solver: angles by descent on a simulator, answers from shots."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from qupel.errors import InputError
from qupel.model import Ising, Samples
from qupel.model.quota import keep_quotas
from qupel.simulators import Precision
from qupel.simulators import Qaoa as Circuit
from qupel.simulators.multi_angle import MultiAngleQaoa
from qupel.simulators.warm import softened
from qupel.solvers.classical.greedy import GreedyDescent
from qupel.solvers.contract import OnEvent, Stop, Watch, ignore
from qupel.solvers.quantum.angles import AngleSearch
from qupel.solvers.quantum.every_angle import free_angles
from qupel.solvers.quantum.fixed_angles import angles_for

#: Members of a quota up to which all pairs are mixed; larger ones are mixed on a ring.
COMPLETE = 12
#: Layers of which fixed angles are tried: computing them takes a twentieth of a second.
FIXED = 5
MIXERS = ("auto", "x", "xy-ring", "xy-complete")
#: Most layers of a circuit.
LAYERS = 20
#: Seconds that laying out one state of the cube takes on one thread, generously.
_STATE_SECONDS = 2e-8


@dataclass(frozen=True, slots=True)
class Qaoa:
    """Find the angles of a QAOA circuit, then measure it.

    What is returned are the outcomes of ``shots`` measurements, simulated without noise; the
    state vector is never searched for its best entry. A round is one evaluation of the energy,
    mostly with its gradient. The angles cost no shots, which is kinder than hardware would be.
    Forms whose states do not fit the memory, or cannot be laid out in the time left, are refused;
    see `qupel.simulators.Qaoa`.

    Attributes
    ----------
    layers
        Layers of the circuit, 1 to 20. They are added one by one while time lasts.
    shots
        Measurements of the final circuit.
    mixer
        ``auto``: variables under quotas by XY rotations, on all pairs if no quota has more than
        12 members, else on a ring; the others by X. ``xy-complete`` and ``xy-ring`` say which,
        and fall back to ``x`` where there is no quota. ``x`` mixes all variables by X and drops
        the shots that break a quota.
    precision
        ``single`` or ``double``.
    threads
        Threads to use; they change no result.
    evaluations
        Evaluations of the energy at most, shared evenly among the layers.
    start
        Where the search for angles begins. ``auto``: fixed angles computed for infinite regular
        graphs, scaled to the instance, beside a small grid and the angles of one layer less
        (mixer ``x`` only). ``grid``: without fixed angles. Or angles that suited a similar form,
        as the facts of its samples tell them (``unit_angles``): gammas in units of the instance,
        then betas.
    objective
        What the angles lower: ``mean`` of all outcomes, or ``cvar``, the mean of the best
        ``alpha`` of them, once the best angles of the mean are known.
    alpha
        Share of outcomes that ``cvar`` averages.
    warm
        ``descent``: begin in a product state around the answer of a greedy descent, with a mixer
        that belongs to it, in place of equal amplitudes. The answer is among the samples, so they
        are never worse. Shots that break a quota are dropped. ``none``: do not.
    epsilon
        How far a warm start keeps from its answer: the probability of each variable's other
        value, 0 to 0.5.
    multi_angle
        Once the search ends, give each term and each qubit an angle of its own and descend
        further, with as many evaluations again. Without XY mixers only.
    """

    name: ClassVar[str] = "qaoa"
    kind: ClassVar[str] = "quantum"
    accepts: ClassVar[type[Ising]] = Ising
    keeps_quotas: ClassVar[bool] = True
    evidence: ClassVar[str] = "noiseless simulator"

    layers: int = 3
    shots: int = 1000
    mixer: Literal["auto", "x", "xy-ring", "xy-complete"] = "auto"
    precision: Precision = "single"
    threads: int = 1
    evaluations: int = 300
    start: Literal["auto", "grid"] | tuple[float, ...] = "auto"
    objective: Literal["mean", "cvar"] = "mean"
    alpha: float = 0.25
    warm: Literal["none", "descent"] = "none"
    epsilon: float = 0.25
    multi_angle: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.layers <= LAYERS:
            raise InputError(f"layers must be 1 to {LAYERS}, got {self.layers}")
        for name in ("shots", "threads"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.evaluations < self.layers:
            raise InputError(
                f"evaluations must be at least one a layer, got {self.evaluations} "
                f"for {self.layers} layers"
            )
        _one_of("mixer", self.mixer, MIXERS)
        _one_of("precision", self.precision, ("single", "double"))
        _one_of("objective", self.objective, ("mean", "cvar"))
        _one_of("warm", self.warm, ("none", "descent"))
        if not 0 < self.alpha <= 1:
            raise InputError(f"alpha must be above 0 and at most 1, got {self.alpha}")
        if not 0 <= self.epsilon <= 0.5:
            raise InputError(f"epsilon must be 0 to 0.5, got {self.epsilon}")
        if self.mixer.startswith("xy") and (self.warm != "none" or self.multi_angle):
            raise InputError(
                f"mixer must be x or auto with warm or multi_angle, got {self.mixer!r}"
            )
        if self.multi_angle and self.objective == "cvar":
            raise InputError("multi_angle lowers the mean; objective must be 'mean' with it")
        if isinstance(self.start, str):
            _one_of("start", self.start, ("auto", "grid"))
        else:
            object.__setattr__(self, "start", _angles(self.start, self.layers))

    def solve(
        self,
        form: Ising,
        *,
        stop: Stop,
        rng: np.random.Generator,
        on_event: OnEvent = ignore,
    ) -> Samples:
        """Search the angles until ``stop`` says so, then take the shots."""
        watch = Watch(on_event)
        first = None
        if self.warm == "descent":
            first = GreedyDescent().solve(form, stop=Stop(stop.deadline), rng=rng)
            watch.saw(float(first.energies[0]))
        check_time(form, stop)
        began = time.monotonic()
        circuit, mixer = self._circuit(form, first)
        built = time.monotonic() - began
        search = AngleSearch(
            circuit,
            stop,
            self.evaluations,
            _seconds_of(self.shots, form),
            fixed=fixed_for(form) if mixer == "x" and self.start == "auto" else None,
            start=None if isinstance(self.start, str) else np.array(self.start),
            alpha=self.alpha if self.objective == "cvar" else 1.0,
            known=watch.best,
        )
        search.search(self.layers)
        gammas, betas = np.split(search.best, 2)
        energy, done, measured = search.energy, search.done, circuit
        if self.multi_angle and isinstance(circuit, MultiAngleQaoa):
            freed = free_angles(circuit, search, self.evaluations)
            gammas, betas, energy, done = freed.gammas, freed.betas, freed.energy, freed.done
        shots = measured.sample(gammas, betas, shots=self.shots, rng=rng)
        kept = _keeping(shots, form) if mixer in {"x", "warm"} else shots
        mean, error = _mean(shots)
        facts: dict[str, Any] = {
            "layers": len(gammas),
            "shots": self.shots,
            "mixer": mixer,
            "states": circuit.subspace.size,
            "gammas": gammas.tolist(),
            "betas": betas.tolist(),
            "unit_angles": search.units().tolist(),
            "evaluations": done,
            "expectation": energy if done else None,
            "mean_of_shots": mean,
            "standard_error": error,
        }
        if self.objective == "cvar":
            facts["cvar"] = search.value if math.isfinite(search.value) else None
        if first is not None:
            facts["start_energy"] = float(first.energies[0])
            facts["best_of_shots"] = float(kept.energies[0])
            kept = _with(kept, first)
        if len(kept):
            watch.saw(float(kept.energies[0]))
        return replace(kept, seconds={"compile": built}, facts=facts)

    def after(self, facts: Mapping[str, Any]) -> Qaoa:
        """Return this solver, to begin from the angles it found for a similar form.

        Those are near the best already, so that fewer evaluations are needed. ``facts`` are those
        of the samples found.
        """
        angles = facts.get("unit_angles", ())
        if not angles or len(angles) > 2 * self.layers:
            return self
        return replace(self, start=tuple(angles))

    def _circuit(self, form: Ising, first: Samples | None) -> tuple[Any, str]:
        """Return the circuit and its mixer's name."""
        settings: dict[str, Any] = {"precision": self.precision, "threads": self.threads}
        if not form.variables:
            return Circuit(form, **settings), "x"
        if first is not None:
            bits = (1 - first.values[0].astype(np.int64)) // 2
            return MultiAngleQaoa(form, start=softened(bits, self.epsilon), **settings), "warm"
        if self.multi_angle:
            return MultiAngleQaoa(form, **settings), "x"
        mixer = self.mixer
        if not form.quotas or mixer == "x":
            return Circuit(form, mixer="x", **settings), "x"
        if mixer == "auto":
            largest = max(len(quota.members) for quota in form.quotas)
            mixer = "xy-complete" if largest <= COMPLETE else "xy-ring"
        return Circuit(form, mixer=mixer, **settings), mixer


def check_time(form: Ising, stop: Stop) -> None:
    """Refuse forms whose circuit could not even be made in the time left."""
    left = stop.seconds_left()
    if not form.quotas and _STATE_SECONDS * 2.0 ** min(form.variables, 999) > max(left, 1.0):
        raise InputError(
            f"QAOA of {form.variables} spins needs 2^{form.variables} states, more than can be "
            f"laid out in the {left:.3g} s left: reduce the form, give more time, or let a hybrid "
            f"solver cut it into parts"
        )


def fixed_for(form: Ising) -> Any:
    """Fixed angles of a form by depth, None where there are none."""

    def fixed(depth: int) -> np.ndarray | None:
        return np.concatenate(angles_for(form, depth)) if depth <= FIXED else None

    return fixed


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError(f"{name} must be one of {', '.join(known)}, got {value!r}")


def _angles(start: Any, layers: int) -> tuple[float, ...]:
    try:
        angles = tuple(float(angle) for angle in start)
    except (TypeError, ValueError):
        raise InputError(f"start must be auto, grid or angles, got {start!r}") from None
    if not angles or len(angles) % 2 or len(angles) > 2 * layers:
        raise InputError(
            f"start must be one gamma and one beta for each of 1 to {layers} layers, "
            f"got {len(angles)} angles"
        )
    if not all(map(math.isfinite, angles)):
        raise InputError(f"start must be finite angles, got {start!r}")
    return angles


def _keeping(shots: Samples, form: Ising) -> Samples:
    """Shots that keep the quotas; all of them if none does."""
    kept = keep_quotas((1 - shots.values) // 2, form.quotas)
    if not kept.any():
        return shots
    return replace(
        shots,
        values=shots.values[kept],
        energies=shots.energies[kept],
        occurrences=shots.occurrences[kept],
    )


def _with(shots: Samples, first: Samples) -> Samples:
    """Shots and the answer they started from, counted once if no shot hit it."""
    row = first.values[:1].astype(shots.values.dtype)
    if (shots.values == row).all(axis=1).any():
        return shots
    values = np.concatenate([row, shots.values])
    energies = np.concatenate([first.energies[:1], shots.energies])
    order = np.argsort(energies, kind="stable")
    occurrences = np.concatenate([[1], shots.occurrences])
    return replace(
        shots, values=values[order], energies=energies[order], occurrences=occurrences[order]
    )


def _mean(shots: Samples) -> tuple[float, float]:
    """Mean energy of the shots, and its standard error."""
    count = int(shots.occurrences.sum())
    mean = float(shots.energies @ shots.occurrences / count)
    square = float((shots.energies - mean) ** 2 @ shots.occurrences)
    return mean, float(np.sqrt(square / max(count - 1, 1) / count))


def _seconds_of(shots: int, form: Ising) -> float:
    """Seconds to allow for drawing, decoding and sorting the shots, generously."""
    return 0.003 + 1e-8 * shots * (20 + form.variables)
