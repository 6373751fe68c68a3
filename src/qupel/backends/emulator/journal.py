"""The ledger on disk: lines that are only added, so that whoever kills the emulator loses none."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from qupel.backends.contract import State
from qupel.backends.emulator.books import Entry
from qupel.backends.emulator.calibration import Drifting
from qupel.backends.emulator.hooks import Fate
from qupel.backends.emulator.job import EmulatedJob
from qupel.backends.emulator.provider import BY_HAND, Provider
from qupel.backends.emulator.wire import plain_program, submission_of
from qupel.errors import InputError


@dataclass(slots=True, eq=False)
class Journal:
    """Keeps a provider's books in a file, and with every accepted job what it takes to go on.

    Attributes
    ----------
    path
        The file; JSON lines.
    provider
        Whose books they are.
    """

    path: Path
    provider: Provider
    _file: BinaryIO = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._file = self.path.open("ab")
        self.provider.books.written = self._write

    def close(self) -> None:
        """Write no more."""
        self.provider.books.written = None
        self._file.close()

    def _write(self, entry: Entry) -> None:
        line: dict[str, Any] = {"entry": entry.to_dict()}
        if entry.what == "accept":
            line["job"] = _plain(self.provider.jobs[entry.job])
        self._file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        self._file.flush()  # the system has it now, whatever becomes of this process


def keep_books(provider: Provider, path: Path) -> Journal:
    """Keep a provider's books in a file, going on with those that are there.

    Jobs of before are known again and run on; a last line that was cut short is removed. The
    provider's clock is moved on to the last entry.

    Raises
    ------
    InputError
        With the line's number, if the file is no emulator's ledger, or of other devices.
    """
    if path.exists():
        whole = path.read_bytes().rpartition(b"\n")
        with path.open("r+b") as file:
            file.truncate(len(whole[0]) + len(whole[1]))
        for number, line in enumerate(_lines(path), 1):
            try:
                _replay(provider, json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(
                    f"{path}: line {number} is no entry of this emulator's ledger ({error}); "
                    "give a new file"
                ) from error
        provider.go_on()
    return Journal(path, provider)


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from file


def _replay(provider: Provider, line: dict[str, Any]) -> None:
    """Do to the provider again what an entry tells."""
    entry = Entry.from_dict(line["entry"])
    provider.books.entries.append(entry)
    if entry.what == "accept":
        provider.register.file(_job(provider, entry, line["job"]))
        return
    job = provider.jobs[entry.job]
    if entry.what == "delay":
        job.starts = float(entry.note)
        job.ends = job.starts + job.fate.seconds
    elif entry.what == "cancel":
        job.cancelled = entry.at
    elif entry.what == "end":
        job.closed = True
    elif entry.what == "refund":
        if entry.amount is not None:
            job.bills.append(entry.amount * -1)
        job.booked += entry.note != BY_HAND
    elif entry.amount is not None:
        job.bills.append(entry.amount)
        job.booked += 1


def _plain(job: EmulatedJob) -> dict[str, Any]:
    """What it takes to know a job again."""
    return {
        "programs": [plain_program(program) for program in job.submission.programs],
        "device": job.submission.device,
        "shots": job.submission.shots,
        "tag": job.submission.tag,
        "settings": dict(job.submission.settings),
        "run": job.shots,
        "starts": _finite(job.starts),
        "waits": _finite(job.fate.waits),
        "seconds": _finite(job.fate.seconds),
        "state": job.fate.state.value,
        "why": job.fate.why,
        "listed": _finite(job.listed),
        "errors": asdict(job.device.errors),
    }


def _job(provider: Provider, entry: Entry, plain: dict[str, Any]) -> EmulatedJob:
    submission = submission_of(plain)
    starts, seconds = _number(plain["starts"]), _number(plain["seconds"])
    return EmulatedJob(
        id=entry.job,
        number=len(provider.jobs),
        account=entry.account,
        device=replace(provider.devices[submission.device], errors=Drifting(**plain["errors"])),
        submission=submission,
        key=entry.key,
        shots=plain["run"],
        digest=submission.digest(),
        created=entry.at,
        starts=starts,
        ends=starts + seconds,
        fate=Fate(State(plain["state"]), plain["why"], seconds, _number(plain["waits"])),
        listed=_number(plain["listed"]),
        seed=provider.terms.seed,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _number(value: float | None) -> float:
    return math.inf if value is None else float(value)
