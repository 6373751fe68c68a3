"""Every exception of Qupel, in one tree.

::

    QupelError
    ├── InputError            the caller can fix it: a value, a file, a name
    │   └── NotReadyError     what was asked for has not been run to its end yet
    ├── AccessError           whoever asked may not have it
    └── RunError              the run did not deliver
        ├── StoreError        the database cannot be used now
        ├── TransientError    nothing was done; trying again may help
        ├── UnknownOutcomeError  a request may have been carried out, or not
        ├── RefusedError      whoever was asked will not do it, however often it is asked
        ├── ResultError       the work was done, but its result is missing or cannot be trusted
        ├── BudgetError       money, shots or time would exceed the cap
        └── ContractError     a stage was given, or gave back, what its contract forbids

A message says what happened, the values, and the next step.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

#: Characters of an unknown name, and names known instead, that a message shows at most.
LONGEST, LISTED = 60, 20


class QupelError(Exception):
    """Any error that Qupel raises on purpose."""


class InputError(QupelError, ValueError):
    """The caller gave something that cannot be used, and can mend it."""


class NotReadyError(InputError):
    """What was asked for is not there yet; run or resume it first."""


class AccessError(QupelError):
    """Whoever asked may not read or do it; the message says who may grant it."""


class RunError(QupelError, RuntimeError):
    """The run did not deliver."""


class StoreError(RunError):
    """The database cannot be used now: it is busy, full or away; what was asked can be again."""


class TransientError(RunError):
    """Nothing was done, for a reason that may pass; a retry is sensible.

    Attributes
    ----------
    wait
        Seconds to wait before the retry, where whoever was asked named them.
    """

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class UnreadableReplyError(TransientError):
    """Whoever was asked answered, and the answer cannot be read."""


class UnknownOutcomeError(RunError):
    """A request was sent, and nobody can tell whether it was carried out.

    It must not be sent again under another key: what it asked for may have been paid for.
    """


class RefusedError(RunError):
    """Whoever was asked refused for good; nothing was done and nothing is owed."""


class ResultError(RunError):
    """The work was done, but its result is missing, broken or cannot be trusted."""


class BudgetError(RunError):
    """Going on would exceed a cap on money, shots or time."""


class ContractError(RunError):
    """A stage was given, or gave back, what its contract forbids."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> InputError:
    """Error for a name that is not registered, with the nearest one that is."""
    names = sorted(map(str, known))
    near = difflib.get_close_matches(name[:LONGEST], names, n=1, cutoff=0.5)
    listed = ", ".join(names[:LISTED])
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    hint = f"did you mean {near[0]!r}?" if near else f"known: {listed}{more}"
    shown = name if len(name) <= LONGEST else f"{name[:LONGEST]}…"
    return InputError(f"unknown {kind} {shown!r}; {hint}")
