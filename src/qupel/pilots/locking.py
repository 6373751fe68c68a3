"""The lock on a charter: fixed at the first run, changed only by an amendment with its reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qupel.errors import InputError
from qupel.pilots.cases import Cases
from qupel.pilots.charter import Charter
from qupel.runs.identity import problem_digest
from qupel.runs.store import Store

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Lock:
    """A locked charter.

    Attributes
    ----------
    pilot
        Name of the pilot.
    charter_hash
        SHA-256 of the canonical JSON of charter and data as they were first locked.
    created
        When that was, UTC, ISO 8601.
    amendments
        Later changes, in order, each as one line of text.
    """

    pilot: str
    charter_hash: str
    created: str
    amendments: tuple[str, ...]

    @property
    def run(self) -> str:
        """Name the records are stored under: each amendment begins a new run."""
        return f"{self.pilot}.{len(self.amendments)}" if self.amendments else self.pilot

    @property
    def runs(self) -> tuple[str, ...]:
        """Names of all runs so far, the newest first."""
        numbered = (f"{self.pilot}.{k}" for k in range(len(self.amendments), 0, -1))
        return (*numbered, self.pilot)


def document_of(charter: Charter, cases: Cases) -> Document:
    """What is locked: the charter, and the content hash of every case."""
    hashes = {
        case: problem_digest(problem.document())
        for case, problem in sorted({**cases.tuning, **cases.compared}.items())
    }
    return {"charter": charter.model_dump(mode="json"), "data": hashes}


def lock(store: Store, charter: Charter, cases: Cases, path: Path, reason: str) -> Lock:
    """Lock a charter with its data, or check both against what is locked.

    Raises
    ------
    InputError
        If they differ and no reason is given, with every difference.
    """
    document = document_of(charter, cases)
    held = store.charter(charter.name)
    changed = list(differences(held, document)) if held is not None else []
    if held is None:
        store.lock_charter(charter.name, document)
    elif changed and not reason:
        raise InputError(
            f"{path}: the charter of {charter.name!r} is locked since "
            f"{store.run(charter.name).created[:10]} and has changed: {'; '.join(changed)}. "
            'Change it back, give the pilot another name, or store the change with --amend "reason"'
        )
    elif changed:
        store.amend(charter.name, document, who=charter.owner, why=reason)
    return lock_of(store, charter.name)


def lock_of(store: Store, name: str) -> Lock:
    """The lock of a pilot that has run; `InputError` if none of this name has."""
    held = store.run(name)
    made = store.amendments(name)
    return Lock(name, held.charter_hash, held.created, tuple(f"{a.at[:10]}: {a.why}" for a in made))


def differences(old: Any, new: Any, where: str = "") -> Iterator[str]:
    """Every field in which two plain documents differ, with both values."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from differences(old.get(key), new.get(key), f"{where}.{key}" if where else key)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (a, b) in enumerate(zip(old, new, strict=True)):
            yield from differences(a, b, f"{where}[{index}]")
    elif old != new:
        yield f"{where} was {old!r}, is {new!r}"
