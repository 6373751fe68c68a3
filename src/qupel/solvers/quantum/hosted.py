"""QAOA on a backend: angles chosen here, one order for shots there, energies recomputed here.

A hosted solver is split around the step that may have to be paid for: `program` makes what is
ordered, `samples` reads what came back. A route orders through the ledger in between; `solve`
does all three on a backend that is free and answers at once.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from jaxtyping import Float64

from qupel.backends.contract import Backend, Order, Program, Reading, Result
from qupel.backends.registry import backend_named
from qupel.errors import InputError, ResultError
from qupel.model import Circuit, Ising, Outcome, Samples
from qupel.model.circuit import Gate
from qupel.model.quota import keep_quotas
from qupel.simulators import Qaoa
from qupel.solvers.contract import OnEvent, Stop, Watch, ignore
from qupel.solvers.quantum.angles import AngleSearch
from qupel.solvers.quantum.fixed_angles import LAYERS, angles_for
from qupel.solvers.quantum.qaoa import fixed_for

#: Spins up to which angles are trained on a simulator: a layer takes well under a millisecond.
TRAINED = 14

Angles = Float64[np.ndarray, " layers"]


@dataclass(frozen=True, slots=True)
class HostedQaoa:
    """Measure a QAOA circuit on a backend, at angles found on this machine.

    The circuit has a Hadamard on each qubit and layers of ``rzz``, ``rz`` and ``rx``. Its angles
    are trained on a simulator for forms of at most `TRAINED` spins; larger forms take fixed
    angles (see `qupel.solvers.quantum.fixed_angles`), so that no state vector is needed. Shots
    that break a quota are dropped, unless all do.

    Attributes
    ----------
    backend
        Where the circuit runs, as ``provider:device``.
    layers
        Layers of the circuit, 1 to 10.
    shots
        Measurements of the circuit.
    angles
        ``auto``, as told above; ``fixed`` never trains.
    evaluations
        Evaluations of the energy at most while angles are trained.
    """

    name: ClassVar[str] = "hosted-qaoa"
    kind: ClassVar[str] = "quantum"
    accepts: ClassVar[type[Ising]] = Ising
    keeps_quotas: ClassVar[bool] = False

    backend: str = "local:statevector"
    layers: int = 1
    shots: int = 1000
    angles: Literal["auto", "fixed"] = "auto"
    evaluations: int = 100

    def __post_init__(self) -> None:
        if not 1 <= self.layers <= LAYERS:
            raise InputError(f"layers must be 1 to {LAYERS}, got {self.layers}")
        if self.shots < 1:
            raise InputError(f"shots must be at least 1, got {self.shots}")
        if self.angles not in ("auto", "fixed"):
            raise InputError(f"angles must be auto or fixed, got {self.angles!r}")
        if self.evaluations < self.layers:
            raise InputError(
                f"evaluations must be at least one a layer, got {self.evaluations} "
                f"for {self.layers} layers"
            )

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
        circuit = qaoa_circuit(form, *self.found_angles(form, stop))
        return (circuit,), {"seed": int(rng.integers(2**63))}

    def samples(self, form: Ising, result: Result) -> Samples:
        """Return the samples that a result holds, their energies recomputed.

        Raises
        ------
        ResultError
            If the result is not one reading of as many bits as the form has spins.
        """
        return samples_of(form, result)

    def found_angles(self, form: Ising, stop: Stop | None = None) -> tuple[Angles, Angles]:
        """Gammas and betas of the circuit, in radians."""
        if self.angles == "fixed" or form.variables > TRAINED:
            return angles_for(form, self.layers)
        search = AngleSearch(
            Qaoa(form, threads=1),
            Stop() if stop is None else stop,
            self.evaluations,
            reserve=0.02,
            fixed=fixed_for(form),
        )
        search.search(self.layers)
        gammas, betas = np.split(search.best, 2)
        return gammas, betas

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
        programs, settings = self.program(form, rng, stop=stop)
        samples = self.samples(form, run_now(backend, programs, self.shots, settings, stop))
        watch.saw(float(samples.energies[0]))
        return samples


def qaoa_circuit(form: Ising, gammas: Any, betas: Any) -> Circuit:
    """Circuit of layers ``exp(-i gamma E)``, ``exp(-i beta sum X)``; spin ``k`` is qubit ``k``."""
    spins = range(form.variables)
    pairs = form.couplings.tocoo()
    couplings = list(zip(pairs.row.tolist(), pairs.col.tolist(), pairs.data.tolist(), strict=True))
    gates = [Gate("h", (k,)) for k in spins]
    for gamma, beta in zip(np.asarray(gammas).tolist(), np.asarray(betas).tolist(), strict=True):
        gates += [Gate("rzz", (i, j), (2 * gamma * weight,)) for i, j, weight in couplings]
        gates += [
            Gate("rz", (k,), (2 * gamma * field,))
            for k, field in enumerate(form.fields.tolist())
            if field
        ]
        gates += [Gate("rx", (k,), (2 * beta,)) for k in spins]
    return Circuit(form.variables, gates)


def samples_of(form: Ising, result: Result) -> Samples:
    """Return the samples of an order of one program for a form, energies recomputed by us.

    Rows that break a quota are dropped, unless all do; facts tell of all shots.

    Raises
    ------
    ResultError
        If the result is not one reading of as many bits as the form has spins.
    """
    reading = _only_reading(form, result)
    bits, where = np.unique(reading.bits, axis=0, return_inverse=True)
    occurrences = np.zeros(len(bits), np.int64)
    np.add.at(occurrences, where.reshape(-1), reading.occurrences)
    spins = (1 - 2 * bits.astype(np.int8)).astype(np.int8)
    energies = form.energies(spins)
    shots = int(occurrences.sum())
    mean = float(energies @ occurrences / shots)
    spread = float((energies - mean) ** 2 @ occurrences) / max(shots - 1, 1)
    kept = keep_quotas(bits, form.quotas)
    kept = kept if kept.any() else np.ones_like(kept)
    spins, energies, occurrences = spins[kept], energies[kept], occurrences[kept]
    order = np.lexsort((*spins.T[::-1], energies))
    queued = result.times.queue_seconds
    return Samples(
        spins[order],
        energies[order],
        occurrences[order],
        Outcome.SAMPLED,
        seconds={} if queued is None else {"queue": queued},
        facts={
            "shots": shots,
            "device": result.device,
            "job": result.job,
            "calibration": result.calibration,
            "kept": int(occurrences.sum()),
            "mean_of_shots": mean,
            "standard_error": math.sqrt(spread / shots),
            **{f"device_{name}": value for name, value in result.facts.items()},
        },
    )


def _only_reading(form: Ising, result: Result) -> Reading:
    if len(result.readings) != 1:
        raise ResultError(f"job {result.job}: one program gave {len(result.readings)} readings")
    [reading] = result.readings
    if reading.bits.ndim != 2 or reading.bits.shape[1] != form.variables or not reading.shots:
        raise ResultError(
            f"job {result.job}: {form.variables} spins were measured, and the reading has "
            f"{reading.shots} shots of shape {reading.bits.shape}"
        )
    return reading


def free_backend(name: str) -> Backend:
    """Open a backend that is free and on this machine; `InputError` for any other."""
    backend = backend_named(name)
    able = backend.capabilities()
    if able.currency or able.region:
        what = f"bills in {able.currency}" if able.currency else f"runs in {able.region}"
        raise InputError(
            f"backend {name!r} {what}, and solve() pays for nothing and waits for nothing; order "
            "through a ledger: deploy a route with this solver (`qupel route deploy`), or plan "
            "`solver.program(form, rng)` with `Ledger.plan` and read it with `solver.samples`"
        )
    return backend


def run_now(
    backend: Backend,
    programs: tuple[Program, ...],
    shots: int,
    settings: Mapping[str, Any],
    stop: Stop,
) -> Result:
    """Order from a free backend and return its result; `InputError` if there is no time for it."""
    key = hashlib.sha256(repr((shots, sorted(settings.items()))).encode()).hexdigest()
    order = Order(programs, shots, key=key, tag="solve", settings=settings)
    needed, left = backend.estimate(order).run_seconds, stop.seconds_left()
    if needed is not None and needed > max(left, 1.0):
        raise InputError(
            f"{backend.provider}:{backend.device} needs up to {needed:.3g} s for {shots} shots, "
            f"and {left:.3g} s are left: give more time, fewer shots, or a smaller form"
        )
    return backend.result(backend.submit(order), order)


def trivial(form: Ising, watch: Watch) -> Samples:
    """Return the only sample of a form without variables."""
    rows = np.zeros((1, 0), np.int8)
    energies = form.energies(rows)
    watch.saw(float(energies[0]))
    return Samples.of(rows, energies, outcome=Outcome.SAMPLED)
