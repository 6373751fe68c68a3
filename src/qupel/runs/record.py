"""A record: one attempt at a decision, with its clocks, costs, seeds and provenance.

Everything else in Qupel is built from records. A record is plain data: it survives a round trip
through JSON unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, Self

from qupel.model.evidence import Evidence


class Status(StrEnum):
    """How an attempt ended."""

    ANSWERED = "answered"
    INFEASIBLE = "infeasible"
    KILLED = "killed"
    FAILED = "failed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Clocks:
    """Seconds of one attempt by stage. They follow each other, so their sum is end to end.

    ``queue`` is time spent waiting for a worker, a process or a provider.
    """

    encode: float = 0.0
    compile: float = 0.0
    queue: float = 0.0
    execute: float = 0.0
    decode: float = 0.0
    repair: float = 0.0
    judge: float = 0.0

    @property
    def total(self) -> float:
        """Sum of all stages."""
        return sum(getattr(self, part.name) for part in fields(self))


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many: feasible samples, say."""

    count: int
    of: int


@dataclass(frozen=True, slots=True)
class Record:
    """One attempt.

    Attributes
    ----------
    id
        SHA-256 of the canonical JSON of everything that can change the result.
    arm, case, seed
        The cell of the comparison it belongs to; empty names outside one.
    family, problem_hash
        What was to be decided; the hash is of the problem's document.
    solver
        The solver as plain data: its name, kind and settings, nested solvers included.
    status, why
        How it ended, and the reason where it did not answer.
    answered_by
        ``primary``, ``fallback`` or empty if nobody did.
    evidence
        Kind of machine behind the primary's samples.
    objective, feasible, violations, measures
        The judge's findings on the final answer, in the KPI's unit; objective None if no answer.
    claimed_energy, claimed_bound, outcome
        What the solver says of itself; claims are stored as claims.
    raw, repaired
        Feasible samples before and after repair, of those looked at.
    counted
        What ``raw`` and ``repaired`` count, and who counted.
    raw_objective
        Judge's objective of the best sample before repair and polish, None if infeasible.
    trace
        ``(seconds since the request, objective)`` of each incumbent as claimed, then the final
        answer as judged. Claims better than the judged answer did not survive and are left out.
    clocks, end_to_end
        Seconds by stage, and from the request to the answer by one clock.
    cpu_seconds, peak_memory
        Processor seconds of the attempt and peak resident bytes of its worker.
    peak_memory_by
        How the peak was found; it covers the attempt alone where the system permits.
    budget
        End-to-end seconds the attempt was allowed.
    sizes
        Variables, interactions and constraints of the problem's form, and with the prefix
        ``encoded_`` of what the solver was given; empty where it took the problem itself.
    encoding
        The encoding's report: penalties, slack bits, what was removed, whether it is exact.
    seeds
        Seed of every stage that draws random numbers.
    versions, platform, revision
        What it ran on: package versions, machine, git revision with ``+dirty`` where it is.
    cost
        Money by the price list, None without one.
    answer
        The final answer as plain data, None if there is none.
    solution
        The final answer in the family's standard solution format, empty if there is none.
    facts
        What the solver tells of its search: shots, sweeps, layers.
    attempts
        Where the fallback was called: what became of the primary and of the fallback, each with
        ``role``, ``solver``, ``status``, ``why``, ``objective`` and ``seconds``.
    log
        For maintainers: the traceback or last output of what failed. Not shown to users.
    samples
        Content hash of the stored samples, empty if none were stored.
    diversity
        Mean pairwise Hamming distance of the distinct feasible samples, as a share of variables.
    created
        UTC time of the request, ISO 8601.
    """

    id: str
    arm: str
    case: str
    seed: int
    family: str
    problem_hash: str
    solver: Mapping[str, Any]
    status: Status
    why: str = ""
    answered_by: str = ""
    evidence: Evidence = Evidence.CLASSICAL
    objective: float | None = None
    feasible: bool = False
    violations: tuple[Mapping[str, Any], ...] = ()
    measures: Mapping[str, float] = field(default_factory=dict)
    claimed_energy: float | None = None
    claimed_bound: float | None = None
    outcome: str = ""
    raw: Share = Share(0, 0)
    repaired: Share = Share(0, 0)
    counted: str = ""
    raw_objective: float | None = None
    trace: tuple[tuple[float, float], ...] = ()
    clocks: Clocks = Clocks()
    end_to_end: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory: int = 0
    peak_memory_by: str = ""
    budget: float = 0.0
    sizes: Mapping[str, float] = field(default_factory=dict)
    encoding: Mapping[str, Any] = field(default_factory=dict)
    seeds: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    platform: Mapping[str, str] = field(default_factory=dict)
    revision: str = ""
    cost: float | None = None
    answer: Any = None
    solution: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    attempts: tuple[Mapping[str, Any], ...] = ()
    log: str = ""
    samples: str = ""
    diversity: float | None = None
    created: str = ""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader should notice of the times, in words."""
        clocks, found = self.clocks, []
        around = clocks.encode + clocks.compile + clocks.decode
        if around > clocks.execute and around > 0.1 * self.end_to_end:
            found.append(
                f"encoding, compiling and decoding took {around:.3g} s, the search "
                f"{clocks.execute:.3g} s"
            )
        if clocks.queue > clocks.execute and clocks.queue > 0.1 * self.end_to_end:
            found.append(f"{clocks.queue:.3g} of {self.end_to_end:.3g} s were spent waiting")
        if self.end_to_end > self.budget > 0:
            found.append(f"the answer took {self.end_to_end:.3g} s of {self.budget:.3g} s allowed")
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain JSON values."""
        document = asdict(self)
        for listed in ("violations", "trace", "attempts"):
            document[listed] = [
                list(entry) if isinstance(entry, tuple) else entry for entry in document[listed]
            ]
        return {**document, "status": str(self.status), "evidence": str(self.evidence)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild a record from `to_json`."""
        plain = dict(document)
        plain["status"] = Status(plain["status"])
        plain["evidence"] = Evidence(plain["evidence"])
        plain["clocks"] = Clocks(**plain["clocks"])
        plain["raw"] = Share(**plain["raw"])
        plain["repaired"] = Share(**plain["repaired"])
        plain["violations"] = tuple(plain["violations"])
        plain["attempts"] = tuple(plain.get("attempts", ()))
        plain["trace"] = tuple((float(s), float(o)) for s, o in plain["trace"])
        return cls(**plain)
