"""QAOA on a backend: angles chosen here, one order for shots there, energies recomputed here.

A hosted solver is split around the step that may have to be paid for: `program` makes what is
ordered, `samples` reads what came back. A route orders through the ledger in between; `solve`
does all three on a backend that is free and answers at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import comb, log2
from typing import Any, ClassVar, Literal

import numpy as np
from jaxtyping import Float64

from qupel.backends.contract import Program, Result
from qupel.backends.registry import backend_named
from qupel.errors import InputError
from qupel.model import Ising, Samples
from qupel.simulators import Qaoa
from qupel.solvers.contract import OnEvent, Stop, Watch, ignore
from qupel.solvers.quantum.angles import AngleSearch
from qupel.solvers.quantum.at_once import free_backend, run_now, trivial
from qupel.solvers.quantum.fixed_angles import LAYERS, angles_for, degree_and_scale
from qupel.solvers.quantum.hosted_samples import samples_of
from qupel.solvers.quantum.qaoa import COMPLETE, MIXERS, fixed_for
from qupel.solvers.quantum.qaoa_circuit import Mixer, qaoa_circuit

#: Spins up to which angles are trained on a simulator: a layer takes well under a millisecond.
TRAINED = 14
#: Largest angle of a ramp, in radians and in units of the instance.
RAMP = 0.75

Angles = Float64[np.ndarray, " layers"]


@dataclass(frozen=True, slots=True)
class HostedQaoa:
    """Measure a QAOA circuit on a backend, at angles found on this machine.

    Angles are trained on a simulator for forms of at most `TRAINED` spins, or as many states under
    quotas. Larger forms need no state vector: they take fixed angles (see
    `qupel.solvers.quantum.fixed_angles`), or with an XY mixer a ramp. Shots that break a quota are
    dropped, unless all do.

    Attributes
    ----------
    backend
        Where the circuit runs, as ``provider:device``.
    layers
        Layers of the circuit, 1 to 10.
    shots
        Measurements of the circuit.
    mixer
        ``auto``: variables under quotas by XY rotations, on all pairs if no quota has more than 12
        members, else on a ring; the others by X. ``xy-complete`` and ``xy-ring`` say which, ``x``
        mixes all variables by X. XY mixers keep quotas, but for noise, and cost more gates.
    angles
        ``auto``, as told above; ``fixed`` never trains; or angles that suited a similar form, as
        the facts of its samples tell them (``unit_angles``): gammas in units of the instance, then
        betas.
    evaluations
        Evaluations of the energy at most while angles are trained.
    """

    name: ClassVar[str] = "hosted-qaoa"
    kind: ClassVar[str] = "quantum"
    accepts: ClassVar[type[Ising]] = Ising
    keeps_quotas: ClassVar[bool] = True

    backend: str = "local:statevector"
    layers: int = 1
    shots: int = 1000
    mixer: Literal["auto", "x", "xy-ring", "xy-complete"] = "auto"
    angles: Literal["auto", "fixed"] | tuple[float, ...] = "auto"
    evaluations: int = 100

    def __post_init__(self) -> None:
        if not 1 <= self.layers <= LAYERS:
            raise InputError(f"layers must be 1 to {LAYERS}, got {self.layers}")
        if self.shots < 1:
            raise InputError(f"shots must be at least 1, got {self.shots}")
        if self.mixer not in MIXERS:
            raise InputError(f"mixer must be one of {', '.join(MIXERS)}, got {self.mixer!r}")
        if self.evaluations < self.layers:
            raise InputError(
                f"evaluations must be at least one a layer, got {self.evaluations} "
                f"for {self.layers} layers"
            )
        if self.angles not in ("auto", "fixed"):
            object.__setattr__(self, "angles", _checked_angles(self.angles, self.layers))

    @property
    def evidence(self) -> str:
        """What kind of machine answers: the backend's."""
        return str(backend_named(self.backend).capabilities().evidence)

    def program(
        self, form: Ising, rng: np.random.Generator, *, stop: Stop | None = None
    ) -> tuple[tuple[Program, ...], dict[str, Any]]:
        """Return what to order: the programs, and the settings of their order.

        Parameters
        ----------
        form
            At least one spin.
        rng
            Gives the order's seed, for backends that are simulated.
        stop
            Ends the training of angles early; without it they depend on the form alone.
        """
        if not form.variables:
            raise InputError("a form without variables needs no circuit; there is nothing to order")
        circuit = qaoa_circuit(form, *self.found_angles(form, stop), self.mixer_for(form))
        return (circuit,), {"seed": int(rng.integers(2**53))}

    def samples(self, form: Ising, result: Result) -> Samples:
        """Return the samples that a result holds, their energies recomputed.

        Raises
        ------
        ResultError
            If the result is not one reading of as many bits as the form has spins.
        """
        return samples_of(form, result)

    def mixer_for(self, form: Ising) -> Mixer:
        """Return the mixer of a form's circuit."""
        if not form.quotas:
            return "x"
        if self.mixer == "auto":
            largest = max(len(quota.members) for quota in form.quotas)
            return "xy-complete" if largest <= COMPLETE else "xy-ring"
        return self.mixer

    def found_angles(self, form: Ising, stop: Stop | None = None) -> tuple[Angles, Angles]:
        """Gammas and betas of the circuit, in radians."""
        mixer = self.mixer_for(form)
        if isinstance(self.angles, tuple):
            gammas, betas = np.split(np.array(self.angles), 2)
            return gammas / degree_and_scale(form)[1], betas
        if self.angles == "auto" and log2_states(form, mixer) <= TRAINED:
            return self._trained(form, mixer, Stop() if stop is None else stop)
        return angles_for(form, self.layers) if mixer == "x" else ramp(form, self.layers)

    def after(self, facts: Mapping[str, Any]) -> HostedQaoa:
        """Return this solver with the angles it found for a similar form; no more training."""
        angles = facts.get("unit_angles", ())
        return replace(self, angles=tuple(angles)) if len(angles) == 2 * self.layers else self

    def solve(
        self,
        form: Ising,
        *,
        stop: Stop,
        rng: np.random.Generator,
        on_event: OnEvent = ignore,
    ) -> Samples:
        """Choose angles until ``stop`` says so, then take the shots.

        Raises
        ------
        InputError
            If the backend bills, or is not on this machine: such an order must be accounted for.
        """
        watch = Watch(on_event)
        backend = free_backend(self.backend)
        if not form.variables:
            return trivial(form, watch)
        began = watch.seconds()
        gammas, betas = self.found_angles(form, stop)
        circuit = qaoa_circuit(form, gammas, betas, self.mixer_for(form))
        made = watch.seconds() - began
        settings = {"seed": int(rng.integers(2**53))}
        samples = self.samples(form, run_now(backend, (circuit,), self.shots, settings, stop))
        watch.saw(float(samples.energies[0]))
        facts = {
            **samples.facts,
            "layers": self.layers,
            "mixer": self.mixer_for(form),
            "gammas": gammas.tolist(),
            "betas": betas.tolist(),
            "unit_angles": [*(gammas * degree_and_scale(form)[1]).tolist(), *betas.tolist()],
        }
        return replace(samples, facts=facts, seconds={**samples.seconds, "compile": made})

    def _trained(self, form: Ising, mixer: Mixer, stop: Stop) -> tuple[Angles, Angles]:
        search = AngleSearch(
            Qaoa(form, threads=1, mixer=mixer),
            stop,
            self.evaluations,
            reserve=0.02,
            fixed=fixed_for(form) if mixer == "x" else None,
        )
        search.search(self.layers)
        gammas, betas = np.split(search.best, 2)
        return _padded(gammas, self.layers), _padded(betas, self.layers)


def log2_states(form: Ising, mixer: Mixer) -> float:
    """Qubits of a simulator that holds only the states that the mixer reaches."""
    if mixer == "x":
        return form.variables
    free = form.variables - sum(len(quota.members) for quota in form.quotas)
    return free + sum(log2(comb(len(quota.members), quota.count)) for quota in form.quotas)


def ramp(form: Ising, layers: int) -> tuple[Angles, Angles]:
    """Angles of a slow passage in so many steps: gammas rise, betas fade.

    References
    ----------
    Montañez-Barrera, Michielsen (2025), Toward a linear-ramp QAOA protocol,
    doi:10.1038/s41534-025-01082-1.
    """
    shares = (np.arange(layers) + 0.5) / layers
    return RAMP * shares / degree_and_scale(form)[1], -RAMP * (1 - shares)


def _checked_angles(angles: Any, layers: int) -> tuple[float, ...]:
    try:
        held = tuple(float(angle) for angle in angles)
    except (TypeError, ValueError):
        raise InputError(f"angles must be auto, fixed or numbers, got {angles!r}") from None
    if len(held) != 2 * layers or not all(map(math.isfinite, held)):
        raise InputError(
            f"angles must be a finite gamma and beta for each of {layers} layers, got {angles!r}"
        )
    return held


def _padded(angles: Angles, layers: int) -> Angles:
    """Angles with zeros for layers that the search had no time for."""
    return np.concatenate([angles, np.zeros(layers - angles.size)])
