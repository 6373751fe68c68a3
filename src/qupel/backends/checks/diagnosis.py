"""Diagnosis: whether a circuit fails by itself, by noise, or by what a device makes of it.

The same circuit runs in three arms: without noise, with the device's noise on the gates as they are
given, and with the noise on the gates that the device would run. The first arm that fails tells
what to change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from qupel.backends.catalogue.profile import DeviceProfile
from qupel.backends.checks.direct import Direct, Runner, order_of
from qupel.backends.contract import Backend, Reading
from qupel.backends.local import Local
from qupel.backends.machines import Ideal, Noisy
from qupel.errors import InputError
from qupel.model.circuit import Circuit
from qupel.model.evidence import Evidence

#: Normal quantile of the intervals: 99 of 100 hold the true share.
QUANTILE = 2.5758

#: Says of rows of bits which are right.
Right = Callable[[np.ndarray], np.ndarray]


class Cause(StrEnum):
    """What makes a circuit fail."""

    NONE = "no arm fails"
    WRITTEN = "as written only"
    ALGORITHM = "algorithm"
    DEVICE = "device"
    COMPILING = "compiling"
    UNCLEAR = "unclear"


#: What to do about each cause.
ADVICE = {
    Cause.NONE: "the circuit does what is wanted, as far as the device's profile goes",
    Cause.WRITTEN: "as it is written it fails with the device's noise; compiled, as it would be "
    "run, it passes, so that the device is not at fault",
    Cause.ALGORITHM: "it fails without noise: change the ansatz, its angles or its depth; "
    "a better device would not help",
    Cause.DEVICE: "it works without noise and fails with the device's: take fewer gates, "
    "mitigation, or a better device",
    Cause.COMPILING: "it works with the device's noise and fails once it is compiled to its gates "
    "and couplings: take a circuit that fits the couplings, or a device that has them",
    Cause.UNCLEAR: "the first arm in doubt is within the error of its shots: take more",
}


@dataclass(frozen=True, slots=True)
class ArmReport:
    """How one arm did.

    Attributes
    ----------
    name
        Of the arm.
    evidence
        What kind of machine it is.
    score
        Share of shots that were right.
    low, high
        Interval of that share by the shots (Wilson 1927), 99 %.
    wanted
        Share that is good enough.
    """

    name: str
    evidence: Evidence
    score: float
    low: float
    high: float
    wanted: float

    @property
    def passed(self) -> bool | None:
        """Whether the share is good enough; None if the shots cannot tell."""
        if self.low >= self.wanted:
            return True
        return False if self.high < self.wanted else None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the arms showed.

    Attributes
    ----------
    arms
        Noiseless, noisy, device-like.
    cause
        Why the circuit fails, if it does.
    """

    arms: tuple[ArmReport, ...]
    cause: Cause

    @property
    def advice(self) -> str:
        """What to do."""
        return ADVICE[self.cause]


def diagnose(
    circuit: Circuit,
    right: Right,
    wanted: float,
    profile: DeviceProfile,
    *,
    shots: int = 2000,
    seed: int = 0,
    device: tuple[Backend, Runner] | None = None,
) -> Diagnosis:
    """Run a circuit without noise, with a device's noise, and as the device would run it.

    Parameters
    ----------
    circuit
        No free parameters.
    right
        Of rows of bits, one a shot's outcome, which are right.
    wanted
        Share of right shots that is good enough, between 0 and 1.
    profile
        A gate device.
    shots
        In each arm.
    seed
        Of the simulated arms.
    device
        An emulator, or the device itself, in place of the modelled device of the third arm, and
        what carries out orders to it.
    """
    if not 0 < wanted < 1:
        raise InputError(f"wanted must be above 0 and below 1, got {wanted}")
    noiseless = Local("statevector", Ideal())
    noisy = Local(f"noisy-{profile.name}", Noisy.of(profile))
    like = Local(f"modelled-{profile.name}", Noisy.of(profile, compiles=True))
    third: tuple[Backend, Runner] = device or (like, Direct(like))
    arms = []
    for name, (backend, run) in (
        ("noiseless", (noiseless, Direct(noiseless))),
        ("noisy", (noisy, Direct(noisy))),
        ("device-like", third),
    ):
        result = run(order_of((circuit,), shots, "diagnosis", {"seed": seed}, name))
        share, low, high = share_right(result.readings[0], right)
        arms.append(ArmReport(name, backend.capabilities().evidence, share, low, high, wanted))
    return Diagnosis(tuple(arms), cause_of(arms))


def cause_of(arms: Sequence[ArmReport]) -> Cause:
    """What the first arm that does not pass tells, for arms as `diagnose` orders them.

    A compiler may take gates away: what fails as it is written and passes compiled does not fail.
    """
    noiseless, noisy, compiled = (arm.passed for arm in arms)
    if noiseless and noisy is False and compiled:
        return Cause.WRITTEN
    for arm, cause in zip(arms, (Cause.ALGORITHM, Cause.DEVICE, Cause.COMPILING), strict=True):
        if arm.passed is None:
            return Cause.UNCLEAR
        if not arm.passed:
            return cause
    return Cause.NONE


def share_right(reading: Reading, right: Right) -> tuple[float, float, float]:
    """Share of shots that were right, and its interval."""
    good = np.asarray(right(reading.bits))
    if good.dtype != np.bool_ or good.shape != reading.occurrences.shape:
        raise InputError(
            f"right must say True or False of each of {reading.occurrences.size} rows, got "
            f"{good.dtype} of shape {good.shape}"
        )
    return wilson(int(reading.occurrences[good].sum()), reading.shots)


def wilson(hits: int, tried: int) -> tuple[float, float, float]:
    """Share, and the ends of its interval."""
    share, square = hits / tried, QUANTILE**2
    middle = (share + square / (2 * tried)) / (1 + square / tried)
    half = QUANTILE / (1 + square / tried)
    half *= float(np.sqrt(share * (1 - share) / tried + square / (4 * tried**2)))
    return share, max(0.0, middle - half), min(1.0, middle + half)


def shots_to_tell(share: float, wanted: float) -> int | None:
    """Shots with which a share is told from the one that is wanted; None if they are equal.

    From there on Wilson's interval around ``share`` does not hold ``wanted``, between 0 and 1.
    """
    if share == wanted:
        return None
    needed = QUANTILE**2 * wanted * (1 - wanted) / (share - wanted) ** 2
    return int(np.ceil(needed)) + 1


def one_of(*outcomes: Sequence[int]) -> Right:
    """Rows that are one of these outcomes, qubit 0 first."""
    wanted = np.array(outcomes, np.uint8)

    def right(rows: Any) -> np.ndarray:
        return np.asarray((np.asarray(rows)[:, None, :] == wanted[None]).all(axis=2).any(axis=1))

    return right
