"""Whether smoke runs are those of the device that they are said to be of.

Charts of drift compare a device with itself, so a device that was wrong from the start, or an
adapter that mistranslates a gate, would be its own measure. What a device may fail is told by
the noise that its profile tells; without a profile, a circuit must be right more often than not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from qupel.backends.catalogue.listing import profile_named
from qupel.backends.checks.findings import CLEAR
from qupel.backends.checks.smoke import Smoke, SmokeRun
from qupel.backends.contract import Capabilities
from qupel.backends.machines import Noisy
from qupel.errors import InputError
from qupel.model.evidence import Evidence

#: Factor on the odds of a failure by which a device may be worse than its profile.
WORSE = 4.0
#: Chance that a circuit of a device just as bad as that is called implausible.
DOUBT = 1e-6
#: Shots of the model, and most qubits that it has.
SHOTS, MOST_QUBITS = 4000, 10


@dataclass(frozen=True, slots=True)
class Implausible:
    """A circuit fails more often than the device's profile, or any device, can explain.

    Attributes
    ----------
    at
        Time of the run, or of the first run of a baseline, UTC seconds since 1970.
    name
        Of the circuit.
    share
        Of shots that failed.
    most
        Largest share that is plausible.
    """

    at: float
    name: str
    share: float
    most: float

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.share:.2%} of shots fail, and {self.most:.2%} at most would be "
            "plausible; a baseline of such runs would hide the fault. Check the adapter (`qupel "
            "canary`) and the device, then begin anew (--anew)"
        )


def most_failures(circuits: Sequence[Smoke], limits: Capabilities) -> dict[str, float]:
    """Largest share of failures that each smoke circuit of a device may have.

    A noiseless device has none. A device with a profile may have `WORSE` times the odds that its
    noise model has; beyond ten qubits, and without a profile, a bit must be as clear as in a
    canary.
    """
    if limits.evidence is Evidence.NOISELESS:
        return {smoke.name: 0.0 for smoke in circuits}
    return {smoke.name: _most(smoke, limits.profile) for smoke in circuits}


def implausible(runs: Sequence[SmokeRun], most: Mapping[str, float]) -> Iterator[Implausible]:
    """Circuits that fail too often in these runs together."""
    shots = sum(run.shots for run in runs)
    for name, share in most.items():
        failures = sum(run.failures.get(name, 0) for run in runs)
        limit = int(binom.isf(DOUBT, shots, share))
        if failures > limit:
            yield Implausible(runs[0].at, name, failures / shots, limit / shots)


def _most(smoke: Smoke, profile: str) -> float:
    bare = 0.5 - CLEAR
    if not profile or smoke.circuit.qubits > MOST_QUBITS:
        return bare
    try:
        machine = Noisy.of(profile_named(profile), compiles=True)
        reading = machine.read(smoke.circuit, SHOTS, np.random.default_rng(0))
    except InputError:  # a profile without noise, of a simulator say
        return bare
    share = smoke.failures(reading) / SHOTS
    odds = WORSE * share / max(1 - share, 1 / SHOTS)
    return odds / (1 + odds)
