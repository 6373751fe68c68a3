"""Causes of failures: what has to change before the next run can be better."""

from __future__ import annotations

import re
from enum import StrEnum

from qupel.errors import ContractError, InputError, RefusedError, ResultError


class Cause(StrEnum):
    """Where a failure comes from, and so who can mend it."""

    DATA = "data"  # the problem's numbers: whoever gave them
    CIRCUIT = "circuit"  # width, depth, gates, shots: whoever designed the program
    COMPILATION = "compilation"  # mapping onto the device: compiler or embedding
    DEVICE_NOISE = "device noise"  # errors, drift, calibration: the device
    SERVICE = "service"  # network, queue, credentials, billing: the provider


# Words that providers use, the most telling first: a message on a failed compilation names gates,
# and one on a noisy device names qubits, but hardly the other way round.
_WORDS = (
    (
        Cause.SERVICE,
        r"credential|unauthor|forbidden|token|quota|billing|payment|permission|credits?\b"
        r"|rate limit|maintenance|offline|unavailable|timed? ?out|internal (server )?error|region",
    ),
    (
        Cause.COMPILATION,
        r"compil|transpil|basis gate|native gate|not native|embed|layout|rout(e|ing)|coupling map"
        r"|topology|connectivity|unsupported (gate|instruction|operation)|optimi[sz]ation pass",
    ),
    (
        Cause.DEVICE_NOISE,
        r"nois|calibrat|fidelit|decoher|drift|readout error|chain break|faulty qubit|canary"
        r"|error rate",
    ),
    (
        Cause.DATA,
        r"\bnan\b|infinite|infinity|not finite|coefficient|bias(es)? (out of|beyond)|schema"
        r"|payload|json|instance|out of range|precision",
    ),
    (Cause.CIRCUIT, r"qubit|gate|depth|shots?\b|circuit|program|width|spins?\b|reads?\b|variables"),
)


def cause_of(failure: BaseException | str, *, usual: Cause | None = None) -> Cause:
    """The cause of a failure, from its kind and its words.

    Parameters
    ----------
    failure
        An error, or the reason that a provider gave. An attribute ``cause`` of an error that is
        a `Cause` decides.
    usual
        What it is if neither kind nor words tell; the provider's service unless given.
    """
    told = getattr(failure, "cause", None)
    if isinstance(told, Cause):
        return told
    if isinstance(failure, InputError | ContractError):
        return Cause.DATA
    if isinstance(failure, str | RefusedError | ResultError):
        words = str(failure).lower()
        for cause, pattern in _WORDS:
            if re.search(pattern, words):
                return cause
    return Cause.SERVICE if usual is None else usual
