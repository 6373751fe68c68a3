"""Locks: an adapter is paid only after its canary passed, and not for ever after."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from qupel.backends.checks.canary import CanaryReport, adapter_version
from qupel.backends.clock import Clock, SystemClock
from qupel.backends.contract import Backend
from qupel.errors import InputError
from qupel.model.home import home

DAY = 86_400.0


class CanaryStore(Protocol):
    """Keeps the last report of every adapter, device and version."""

    def save(self, report: CanaryReport) -> None:
        """Keep a report in place of any older one."""
        ...

    def last(self, provider: str, device: str, version: str) -> CanaryReport | None:
        """The last report; None if there is none."""
        ...


@dataclass(slots=True)
class MemoryCanaries:
    """Reports of this process."""

    _held: dict[tuple[str, str, str], CanaryReport] = field(default_factory=dict, init=False)

    def save(self, report: CanaryReport) -> None:
        """Keep a report in place of any older one."""
        self._held[report.provider, report.device, report.version] = report

    def last(self, provider: str, device: str, version: str) -> CanaryReport | None:
        """The last report; None if there is none."""
        return self._held.get((provider, device, version))


@dataclass(frozen=True, slots=True)
class FileCanaries:
    """Reports in a JSON file, one line each; readers never see half a file.

    Attributes
    ----------
    path
        The file; it need not be there yet.
    """

    path: Path

    def save(self, report: CanaryReport) -> None:
        """Keep a report in place of any older one."""
        held = {**self._read(), _name(report.provider, report.device, report.version): report}
        lines = "".join(json.dumps(one.plain()) + "\n" for one in held.values())
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=self.path.parent, encoding="utf-8", delete=False
        ) as file:
            file.write(lines)
        Path(file.name).replace(self.path)

    def last(self, provider: str, device: str, version: str) -> CanaryReport | None:
        """The last report; None if there is none."""
        return self._read().get(_name(provider, device, version))

    def _read(self) -> dict[str, CanaryReport]:
        if not self.path.exists():
            return {}
        found = {}
        for number, line in enumerate(self.path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                report = CanaryReport.of_plain(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(
                    f"{self.path}, line {number}: no canary report ({error}); remove the file and "
                    "run the canaries again"
                ) from error
            found[_name(report.provider, report.device, report.version)] = report
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Lock:
    """Says whether an adapter may be paid.

    Attributes
    ----------
    store
        Where reports are kept.
    clock
        Tells whether they have expired.
    days
        How long a passed canary is believed.
    """

    store: CanaryStore
    clock: Clock = field(default_factory=SystemClock)
    days: float = 30.0

    def is_unlocked(self, provider: str, device: str, version: str) -> bool:
        """Whether the adapter's canary passed, and lately."""
        return not self.why_locked(provider, device, version)

    def why_locked(self, provider: str, device: str, version: str) -> str:
        """Why the adapter is locked; empty if it is not."""
        report = self.store.last(provider, device, version)
        what = f"{provider}:{device} (adapter {version})"
        if report is None:
            return f"no canary of {what} has run"
        when = datetime.fromtimestamp(report.checked, UTC).date()
        if report.first is not None:
            first = report.first
            return f"the canary of {what} failed on {when}: {first.fault} ({first.program})"
        if self.clock.now() > report.checked + self.days * DAY:
            return f"the canary of {what} passed on {when}, more than {self.days:g} days ago"
        return ""

    def check(self, backend: Backend) -> None:
        """Refuse a locked backend: `InputError` with the reason and the remedy."""
        why = self.why_locked(backend.provider, backend.device, adapter_version(backend))
        if why:
            name = f"{backend.provider}:{backend.device}"
            raise InputError(f"{name} is locked: {why}; run `qupel canary {name}`")


def canary_file() -> Path:
    """Where this user's reports are kept: below ``QUPEL_HOME``."""
    return home() / "canaries.jsonl"


def _name(provider: str, device: str, version: str) -> str:
    return json.dumps([provider, device, version])
