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
# and one on a noisy device names qubits, but hardly the other way round. Words of an account, a
# network or a timetable come before them all, but for the few that would be taken for one.
_WORDS = (
    (
        Cause.DEVICE_NOISE,
        r"(qubits?|couplers?) .{0,60}not (operational|functional)|faulty (qubit|gate|coupler|edge)",
    ),
    (Cause.CIRCUIT, r"predicted execution time|(qubits?|shots) .{0,60}out of range"),
    (
        Cause.SERVICE,
        r"credential|authori[sz]|authentic|forbidden|token|quota|billing|payment|permission"
        r"|credits?\b|\bplan\b|contract expired|suspended|insufficient (funds|remaining)"
        r"|access time|rate limit|thrott|pending jobs|jobs running|maintenance|offline|retired"
        r"|unavailable|under calibration|calibration window"
        r"|(backend|device|system|machine|solver|target|service)( \S+)? is not"
        r" (available|operational)"
        r"|timed? ?out|execution time|internal (\w+ )?error|region|no route|unreachable|connection",
    ),
    (
        Cause.COMPILATION,
        r"compil|transpil|basis gate|native gate|not native|embed|layout|\brouting\b"
        r"|\broute (the )?qubits|coupling map|topology|connectivity|optimi[sz]ation pass"
        r"|(instruction|operation)s? .{0,60}not supported|unsupported (instruction|operation)"
        r"|incompatible with (the )?solver|not in (the )?solver",
    ),
    (
        Cause.DEVICE_NOISE,
        r"nois|calibrat|fidelit|decoher|drift|readout error|chain break|canary|error rate",
    ),
    (Cause.CIRCUIT, r"(gates?|qubits?|shots)\b.{0,60}not supported|unsupported gate"),
    (
        Cause.DATA,
        r"\bnan\b|infinite|infinity|not finite|coefficient|bias(es)? (out of|beyond)|schema"
        r"|payload|json|range exceeded|out of range|precision",
    ),
    (Cause.CIRCUIT, r"qubit|gate|depth|shots?\b|circuit|program|width|spins?\b|reads?\b|variables"),
)
#: Where words of a name such as ``NotEnoughQubits`` or ``NOT_ENOUGH_QUBITS`` meet.
_SEAMS = re.compile(r"(?<=[a-z])(?=[A-Z])|_+")


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
        words = _SEAMS.sub(" ", str(failure)).lower()
        for cause, pattern in _WORDS:
            if re.search(pattern, words):
                return cause
    return Cause.SERVICE if usual is None else usual
