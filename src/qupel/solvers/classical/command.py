"""The status quo: any external command, through files."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any, ClassVar

import numpy as np

from qupel.errors import InputError, RunError
from qupel.model.samples import Outcome, Samples
from qupel.problems.contract import Problem
from qupel.solvers.contract import OnEvent, Stop, Watch, ignore

PLACES = frozenset({"instance", "answer", "seconds", "seed", "threads"})
#: What libraries look at to see how many threads they may use; workers are held to one.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
#: Seconds between being asked to end and being killed.
FAREWELL = 0.02
#: Of the last output that goes into an error's message.
LINES = 5
#: Bytes at the end of the output that are looked at: a command may print without end.
TAIL = 4096


@dataclass(frozen=True, slots=True)
class Command:
    """Runs the solver that production trusts today, as a command of the operating system.

    The instance is written as the problem's JSON document, the answer is read in the family's
    standard solution format. The command may write the answer several times; what stands there
    when time is up counts. It is asked to end (SIGTERM) when time is up and killed shortly
    after, with everything it has started in its process group.

    Attributes
    ----------
    command
        Program and arguments, one entry each (a text is split as a shell would split it).
        ``{instance}`` and ``{answer}`` are replaced by paths of files, ``{seconds}`` by the time
        allowed, ``{seed}`` by a whole number below 2**31, ``{threads}`` by ``threads``. Double a
        brace to write one.
    threads
        Threads the command is told to use, also by the usual environment variables.
    margin
        Seconds kept back from ``{seconds}``, for the command's own start and end.
    """

    name: ClassVar[str] = "command"
    kind: ClassVar[str] = "status quo"
    accepts: ClassVar[type[Any]] = Problem
    keeps_quotas: ClassVar[bool] = True

    command: tuple[str, ...] = ()
    threads: int = 1
    margin: float = 0.05

    def __post_init__(self) -> None:
        given = shlex.split(self.command) if isinstance(self.command, str) else self.command
        object.__setattr__(self, "command", tuple(str(word) for word in given))
        if not self.command:
            raise InputError("command is empty; give the program and its arguments")
        if self.threads < 1 or self.margin < 0:
            raise InputError(
                f"threads must be at least 1 and margin at least 0, "
                f"got {self.threads} and {self.margin}"
            )
        used = {place for word in self.command for place in _places(word)}
        if not used <= PLACES:
            wrong = ", ".join(sorted(used - PLACES))
            raise InputError(f"command has unknown places {{{wrong}}}; known: {_known()}")
        if not {"instance", "answer"} <= used:
            raise InputError(
                "command must name {instance} and {answer}, the files it reads and writes, "
                f"got {shlex.join(self.command)}"
            )

    def solve(
        self,
        form: Problem[Any],
        *,
        stop: Stop,
        rng: np.random.Generator,
        on_event: OnEvent = ignore,
    ) -> Samples:
        """Run the command once and return its answer.

        The command makes no claim of its energy, so the one returned is its answer's objective,
        by the data.
        """
        watch = Watch(on_event)
        with tempfile.TemporaryDirectory(prefix="qupel-command-") as folder:
            place = Path(folder)
            answer_file = place / "answer.txt"
            (place / "instance.json").write_text(json.dumps(form.document()))
            seconds = stop.seconds_left()
            words = self._filled(place, seconds, int(rng.integers(2**31)))
            ended = _run(words, place, stop, self.threads)
            if not answer_file.is_file():
                raise RunError(f"{words[0]} wrote no answer: {_manner(ended, seconds)}")
            text = answer_file.read_text(errors="replace")
        if ended.code not in {0, None}:
            raise RunError(f"{words[0]} failed: {_manner(ended, seconds)}")
        try:
            answer = form.read_answer(text)
            # Families whose forms are large have shorter rows for solvers of their own.
            row = getattr(form, "plan", form.values)(answer)
        except InputError as error:
            raise RunError(f"the answer of {words[0]} cannot be read: {error}") from error
        energy = form.judge(answer).objective * (1 if form.sense == "min" else -1)
        energy = energy if math.isfinite(energy) else math.inf
        watch.saw(energy)
        return Samples.of(
            np.asarray(row)[None],
            [energy],
            outcome=Outcome.STOPPED,
            facts={
                "command": shlex.join(self.command),
                "ended_by_us": ended.code is None,
                "peak_memory": ended.peak,
            },
        )

    def _filled(self, place: Path, seconds: float, seed: int) -> list[str]:
        allowed = max(seconds - self.margin, 0.001)
        parts = {
            "instance": str(place / "instance.json"),
            "answer": str(place / "answer.txt"),
            "seconds": f"{allowed:.3f}" if math.isfinite(allowed) else "inf",
            "seed": str(seed),
            "threads": str(self.threads),
        }
        return [word.format_map(parts) for word in self.command]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended.

    Attributes
    ----------
    code
        Exit code, minus the signal that ended it; None if we ended it.
    output
        Last lines it printed, on one line.
    peak
        Peak resident bytes of its largest process.
    """

    code: int | None
    output: str
    peak: int


def _run(words: list[str], place: Path, stop: Stop, threads: int) -> Ended:
    """Run a command until it ends or time is up, then end whatever is left of it."""
    output = place / "output.txt"
    with output.open("wb") as sink:
        try:
            # A process group of its own, so that what the command starts ends with it.
            child = subprocess.Popen(  # noqa: S603  the command is the user's own
                words,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                process_group=0,
                env={**os.environ, **dict.fromkeys(THREADS, str(threads))},
            )
        except OSError as error:
            raise InputError(f"command {words[0]!r} cannot be run: {error}") from error
    in_time = False
    try:
        in_time = _ends_by(child.pid, stop.deadline)
        if not in_time:
            _signal(child.pid, signal.SIGTERM)
            _ends_by(child.pid, time.monotonic() + FAREWELL)
    finally:
        # The group's number is its own until the leader is reaped.
        _signal(child.pid, signal.SIGKILL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    scale = 1 if sys.platform == "darwin" else 1024
    code = child.returncode if in_time else None
    return Ended(code, _last(output), usage.ru_maxrss * scale)


def _ends_by(pid: int, until: float) -> bool:
    """Wait for a child without reaping it; whether it ended by ``until``."""
    pause = 0.0005
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        left = until - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(pause, left))
        pause = min(2 * pause, 0.01)
    return True


def _signal(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _places(word: str) -> list[str]:
    try:
        return [name for _, name, _, _ in Formatter().parse(word) if name is not None]
    except ValueError as error:
        raise InputError(f"command part {word!r}: {error}; double a brace to write one") from error


def _known() -> str:
    return ", ".join(f"{{{place}}}" for place in sorted(PLACES))


def _manner(ended: Ended, seconds: float) -> str:
    """How a command ended and the last it said."""
    if ended.code is None:
        return f"it was ended when its {seconds:.3g} s were over; {ended.output}"
    how = f"exit code {ended.code}" if ended.code >= 0 else f"signal {-ended.code}"
    return f"{how}; {ended.output}"


def _last(output: Path) -> str:
    """Last lines of what a command printed, on one line."""
    with output.open("rb") as said_all:
        said_all.seek(max(0, output.stat().st_size - TAIL))
        lines = said_all.read().decode(errors="replace").splitlines()[-LINES:]
    said = " | ".join(line.strip() for line in lines if line.strip())
    return f"its last output: {said}" if said else "it printed nothing"
