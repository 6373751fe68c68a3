"""Calibrations of an emulated device: their names, and how its errors drift between them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Drifting:
    """Errors of gates and readout, which change over time.

    Attributes
    ----------
    one_qubit, two_qubit
        Chance that a gate leaves its qubits maximally mixed.
    readout
        Chance that a bit is misread.
    period
        Seconds from one calibration to the next.
    spread
        Standard deviation of the errors' logarithm from calibration to calibration.
    daily
        Growth of the errors in a day since the last calibration: 0.1 makes them a tenth larger.
    """

    one_qubit: float = 0.0
    two_qubit: float = 0.0
    readout: float = 0.0
    period: float = DAY
    spread: float = 0.0
    daily: float = 0.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """A device as it is at one time.

    Attributes
    ----------
    id
        Name of the last calibration.
    since
        When it was made, UTC seconds since 1970.
    one_qubit, two_qubit, readout
        Errors now.
    """

    id: str
    since: float
    one_qubit: float
    two_qubit: float
    readout: float


def calibration_at(
    errors: Drifting, device: str, now: float, *, seed: int, extra: float = 1.0, redone: int = 0
) -> Calibration:
    """State of a device at a time.

    Parameters
    ----------
    errors
        Its errors, and how they change.
    device, seed
        Choose the random course.
    now
        UTC seconds since 1970.
    extra
        Factor of all errors: drift that somebody injected.
    redone
        Calibrations out of turn so far; each gives the calibration another name.
    """
    number = int(now // errors.period)
    since = number * errors.period
    rng = np.random.default_rng([seed, zlib.crc32(device.encode()), number, redone])
    factor = extra * float(np.exp(errors.spread * rng.standard_normal()))
    factor *= (1 + errors.daily) ** ((now - since) / DAY)
    again = f".{redone}" if redone else ""
    return Calibration(
        f"{device}-{number}{again}",
        since,
        min(errors.one_qubit * factor, 1.0),
        min(errors.two_qubit * factor, 1.0),
        min(errors.readout * factor, 0.5),
    )
