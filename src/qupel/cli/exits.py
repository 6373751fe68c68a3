"""Exit codes of every command, in one table."""

from __future__ import annotations

from enum import IntEnum

from qupel.errors import (
    AccessError,
    BudgetError,
    ContractError,
    InputError,
    NotReadyError,
    QupelError,
    RunError,
)


class Exit(IntEnum):
    """What the exit code of a command says.

    The codes of `check` follow the checkers of the public benchmark libraries: a checker states
    a fact, and its caller applies a policy.
    """

    OK = 0
    INTERNAL = 1
    USAGE = 2
    INPUT = 3
    RUN = 4
    CONTRACT = 5
    BUDGET = 6
    NOT_READY = 7
    DENIED = 8
    MALFORMED = 10
    WORSE = 20
    INFEASIBLE = 21
    PREMATURE = 22
    FALLBACK = 23
    ALARM = 24
    INTERRUPTED = 130


#: What each code means, as the documentation prints it.
MEANINGS: dict[Exit, str] = {
    Exit.OK: "done; for `check`, the solution is feasible",
    Exit.INTERNAL: "a bug of Qupel; the message names a file to report",
    Exit.USAGE: "the command line is wrong",
    Exit.INPUT: "a file, name or value cannot be used; the message says how to mend it",
    Exit.RUN: "the run did not deliver",
    Exit.CONTRACT: "a stage was given, or gave back, what its contract forbids",
    Exit.BUDGET: "a cap on money, shots or time would be exceeded",
    Exit.NOT_READY: "something has to be run first: the pilot, or a baseline; the message tells",
    Exit.DENIED: "whoever asked may not read or do it; the message says who may grant it",
    Exit.MALFORMED: "`check`: the instance or the solution file is malformed",
    Exit.WORSE: "`check`: feasible, but worse than `--best`",
    Exit.INFEASIBLE: "`check` and `solve`: the answer breaks a constraint",
    Exit.PREMATURE: "`devices advise` or `compare`, `estimate`: no device for hire holds it",
    Exit.FALLBACK: "`pipeline`, `route decide --strict`: done, but a fallback stood in",
    Exit.ALARM: "`canary`, `parity`, `diagnose`, `drift`, `testline`: the check failed",
    Exit.INTERRUPTED: "stopped from the keyboard; what was finished is kept",
}


def code_of(error: QupelError) -> Exit:
    """The exit code an error ends a command with."""
    for kind, code in (
        (AccessError, Exit.DENIED),
        (NotReadyError, Exit.NOT_READY),
        (InputError, Exit.INPUT),
        (ContractError, Exit.CONTRACT),
        (BudgetError, Exit.BUDGET),
        (RunError, Exit.RUN),
    ):
        if isinstance(error, kind):
            return code
    return Exit.INTERNAL
