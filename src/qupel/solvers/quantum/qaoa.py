"""QAOA as a solver: angles by descent on a simulator, answers from shots."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from qupel.errors import InputError
from qupel.model import Ising, Samples
from qupel.model.quota import keep_quotas
from qupel.simulators import Mixer, Precision
from qupel.simulators import Qaoa as Circuit
from qupel.solvers.contract import OnEvent, Stop, Watch, ignore
from qupel.solvers.quantum.angles import AngleSearch

#: Members of a quota up to which all pairs are mixed; larger ones are mixed on a ring.
COMPLETE = 12


@dataclass(frozen=True, slots=True)
class Qaoa:
    """Find the angles of a QAOA circuit, then measure it.

    What is returned are the outcomes of ``shots`` measurements, simulated without noise; the
    state vector is never searched for its best entry. A round is one evaluation of the energy,
    mostly with its gradient. The angles cost no shots, which is kinder than hardware would be.
    Forms that need more than 2^26 states are refused; see `qupel.simulators.Qaoa`.

    Attributes
    ----------
    layers
        Layers of the circuit, 1 to 8. They are added one by one while time lasts.
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

    def __post_init__(self) -> None:
        if not 1 <= self.layers <= 8:
            raise InputError(f"layers must be 1 to 8, got {self.layers}")
        for name in ("shots", "threads"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.evaluations < self.layers:
            raise InputError(
                f"evaluations must be at least one a layer, got {self.evaluations} "
                f"for {self.layers} layers"
            )
        if self.mixer not in {"auto", "x", "xy-ring", "xy-complete"}:
            raise InputError(f"mixer must be auto, x, xy-ring or xy-complete, got {self.mixer!r}")
        if self.precision not in {"single", "double"}:
            raise InputError(f"precision must be single or double, got {self.precision!r}")

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
        mixer = self._mixer(form)
        began = time.monotonic()
        circuit = Circuit(form, precision=self.precision, threads=self.threads, mixer=mixer)
        built = time.monotonic() - began
        search = AngleSearch(circuit, stop, self.evaluations, _seconds_of(self.shots, form))
        search.search(self.layers)
        gammas, betas = np.split(search.best, 2)
        shots = circuit.sample(gammas, betas, shots=self.shots, rng=rng)
        kept = _keeping(shots, form) if mixer == "x" else shots
        if len(kept):
            watch.saw(float(kept.energies[0]))
        mean, error = _mean(shots)
        facts = {
            "layers": gammas.size,
            "shots": self.shots,
            "mixer": mixer,
            "states": circuit.subspace.size,
            "gammas": gammas.tolist(),
            "betas": betas.tolist(),
            "evaluations": search.done,
            "expectation": search.energy if search.done else None,
            "mean_of_shots": mean,
            "standard_error": error,
        }
        return replace(kept, seconds={"compile": built}, facts=facts)

    def _mixer(self, form: Ising) -> Mixer:
        if not form.quotas or self.mixer == "x":
            return "x"
        if self.mixer == "auto":
            largest = max(len(quota.members) for quota in form.quotas)
            return "xy-complete" if largest <= COMPLETE else "xy-ring"
        return self.mixer


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


def _mean(shots: Samples) -> tuple[float, float]:
    """Mean energy of the shots, and its standard error."""
    count = int(shots.occurrences.sum())
    mean = float(shots.energies @ shots.occurrences / count)
    square = float((shots.energies - mean) ** 2 @ shots.occurrences)
    return mean, float(np.sqrt(square / max(count - 1, 1) / count))


def _seconds_of(shots: int, form: Ising) -> float:
    """Seconds to allow for drawing, decoding and sorting the shots, generously."""
    return 0.003 + 1e-8 * shots * (20 + form.variables)
