"""Qupel's commands as tasks of a scheduler: exit codes and JSON in, an outcome out.

A scheduler runs tasks on machines of its own, restarts them, and shows what they printed. The
command line is the one interface that all of them share, so a task is a command.

======== ========= ==============================================================
code     outcome   meaning
======== ========= ==============================================================
0        success   every answer is the primary's
23       fallback  done, and at least one answer is a fallback's; as good as asked
                   for, and worth a look
3        failure   a file, name or value cannot be used: trying again is no use
other    failure   the run did not deliver: trying again may help
======== ========= ==============================================================
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from qupel.errors import InputError, RunError

#: Exit codes as `qupel.cli.exits` has them; this package stands below it.
SUCCESS, INPUT, FALLBACK, USAGE = 0, 3, 23, 2
#: Seconds at a time that a command is waited for: what another thread raises in the waiting one,
#: as schedulers do when a task's time is over, comes between two of them.
LOOK = 0.5
#: Seconds that a command gets to end in good order.
GRACE = 10.0

#: The process of a command.
Process = subprocess.Popen[str]


def _nobody(process: Process) -> None:
    """Nobody has to know of the process."""


class Outcome(StrEnum):
    """How a command ended."""

    SUCCESS = "success"
    FALLBACK = "fallback"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended.

    Attributes
    ----------
    outcome, code
        How, in a word and as its exit code.
    document
        The JSON document it printed; empty if it printed none.
    said
        The end of what it told people.
    """

    outcome: Outcome
    code: int
    document: Mapping[str, Any]
    said: str

    @property
    def is_worth_a_retry(self) -> bool:
        """Whether the same command may do better later."""
        return self.outcome is Outcome.FAILURE and self.code not in (INPUT, USAGE)

    def checked(self) -> Mapping[str, Any]:
        """Return the document; raise what the failure was if it was one.

        Raises
        ------
        InputError
            If trying again is no use.
        RunError
            If it may be.
        """
        if self.outcome is not Outcome.FAILURE:
            return self.document
        kind = RunError if self.is_worth_a_retry else InputError
        raise kind(f"qupel ended with {self.code}: {self.said or 'it said nothing'}")


def run_command(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    seconds: float | None = None,
    begun: Callable[[Process], None] = _nobody,
) -> Ended:
    """Run ``qupel`` with these arguments and ``--json`` in a process of its own.

    It is the Qupel of this Python, or of the one that the variable ``QUPEL_PYTHON`` names: a
    scheduler and Qupel may live in environments of their own.

    Parameters
    ----------
    arguments
        Such as ``["pipeline", "run", "plan.yaml"]``.
    environment
        Variables beside those of this process, such as ``QUPEL_DATABASE``.
    seconds
        After so many it is ended, in good order if it will; None for no limit.
    begun
        Told of the process, so that it can be ended from elsewhere.
    """
    python = os.environ.get("QUPEL_PYTHON") or sys.executable
    command = [python, "-m", "qupel", *arguments]
    if "--json" not in command:
        command.append("--json")
    process = subprocess.Popen(  # noqa: S603  our own command, no shell
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    try:
        begun(process)
        out, said = _heard(process, seconds)
    except BaseException as error:  # a scheduler ends its tasks with errors of its own
        out, said = _end(process)
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        said += f"\nit was ended after {seconds:g} s"
    outcome = {SUCCESS: Outcome.SUCCESS, FALLBACK: Outcome.FALLBACK}.get(process.returncode)
    return Ended(
        outcome or Outcome.FAILURE, process.returncode, _document(out), said[-2000:].strip()
    )


def pipeline_command(path: str, stage: str | None = None) -> list[str]:
    """Arguments that run a pipeline file, or one of its stages with those it needs."""
    return ["pipeline", "run", path, *([] if stage is None else ["--stage", stage])]


def route_command(route: str, instance: str) -> list[str]:
    """Arguments that have a deployed route decide an instance."""
    return ["route", "decide", route, instance, "--strict"]


def database_variable(database: str | None) -> dict[str, str]:
    """Variable that tells a command its database.

    It is no argument, because the URL may hold a password, and all users of a machine see the
    arguments of its processes.
    """
    return {} if database is None else {"QUPEL_DATABASE": database}


def _heard(process: Process, seconds: float | None) -> tuple[str, str]:
    """What a command printed and said, once it has ended; `TimeoutExpired` if it is late."""
    until = None if seconds is None else time.monotonic() + seconds
    while True:
        left = LOOK if until is None else until - time.monotonic()
        try:
            return process.communicate(timeout=max(0.0, min(LOOK, left)))
        except subprocess.TimeoutExpired:
            if left <= 0:
                raise


def _end(process: Process) -> tuple[str, str]:
    process.terminate()
    try:
        return process.communicate(timeout=GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()


def _document(out: str) -> dict[str, Any]:
    try:
        found = json.loads(out)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
