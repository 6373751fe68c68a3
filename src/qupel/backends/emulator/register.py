"""The register of jobs: by name, by account and tag, and by key for as long as one is known."""

from __future__ import annotations

from dataclasses import dataclass, field

from qupel.backends.emulator.job import EmulatedJob


@dataclass(slots=True, eq=False)
class Register:
    """Every job ever accepted.

    Attributes
    ----------
    key_seconds
        Seconds for which a key is known.
    jobs
        By name.
    """

    key_seconds: float
    jobs: dict[str, EmulatedJob] = field(default_factory=dict)
    _filed: dict[tuple[str, str | None], list[EmulatedJob]] = field(default_factory=dict)
    _keys: dict[tuple[str, str], EmulatedJob] = field(default_factory=dict)

    def file(self, job: EmulatedJob) -> None:
        """Put a job where it is found."""
        self.jobs[job.id] = job
        for tag in (None, job.submission.tag):
            self._filed.setdefault((job.account, tag), []).append(job)
        if job.key and self.under_key(job.account, job.key, job.created) is None:
            self._keys[job.account, job.key] = job

    def under_key(self, account: str, key: str, now: float) -> EmulatedJob | None:
        """The job that an account's key belongs to, unless that is forgotten by now."""
        known = self._keys.get((account, key))
        forgotten = known is None or now >= known.created + self.key_seconds
        return None if forgotten else known

    def newest(self, account: str, tag: str | None) -> list[EmulatedJob]:
        """Jobs of an account, or of one tag of it, newest first."""
        return self._filed.get((account, tag), [])[::-1]
