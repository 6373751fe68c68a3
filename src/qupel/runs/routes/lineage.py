"""What a decision was made from: data, code, environment and parameters."""

from __future__ import annotations

from typing import Any

from qupel.runs.record import Record
from qupel.runs.routes.book import LATE, TRIAL, Book
from qupel.runs.routes.decision import Answerer, Decision
from qupel.runs.routes.inputs import Inputs
from qupel.runs.routes.roster import Roster


def lineage(book: Book, decision: Decision) -> dict[str, Any]:
    """Return what a decision was made from, as plain data.

    Returns
    -------
    ``data``: the problem by its hash, where it came from, and whether its document is kept;
    ``code`` and ``environment``: revision, versions and machine of whoever answered;
    ``parameters``: the route as it stood, and the seeds drawn from it; ``answers``: everybody who
    tried, and what the judge found.
    """
    route = Roster(book.database).version(decision.version)
    record = answering(decision)
    answers = {
        "primary": decision.primary,
        "fallback": decision.fallback,
        LATE: book.outcome(decision.id, LATE),
        TRIAL: book.outcome(decision.id, TRIAL),
    }
    return {
        "kind": "decision",
        "id": decision.id,
        "of": decision.route,
        "state": str(decision.answered_by),
        "why": decision.why,
        "created": decision.created,
        "owner": route.owner,
        "data": [
            {
                "what": f"{route.family} problem",
                "hash": decision.problem_hash,
                "source": decision.source or "given by the caller",
                "kept": Inputs(book.database).of(decision.problem_hash) is not None,
            }
        ],
        "code": {"revision": "" if record is None else record.revision},
        "environment": {
            "versions": {} if record is None else dict(record.versions),
            "machine": {} if record is None else dict(record.platform),
        },
        "parameters": {
            "version": decision.version,
            "mode": str(decision.mode),
            "arm": decision.arm,
            "seeds": {} if record is None else dict(record.seeds),
            "route": route.document(),
        },
        "answers": {name: _told(held) for name, held in answers.items() if held is not None},
        "jobs": [decision.job] if decision.job else [],
    }


def answering(decision: Decision) -> Record | None:
    """Record of whoever answered; None where an earlier or a built answer went out."""
    return {
        Answerer.PRIMARY: decision.primary,
        Answerer.CLASSICAL: decision.primary,
        Answerer.FALLBACK: decision.fallback,
    }.get(decision.answered_by)


def _told(record: Record) -> dict[str, Any]:
    return {
        "record": record.id,
        "solver": dict(record.solver),
        "status": str(record.status),
        "objective": record.objective,
        "feasible": record.feasible,
        "evidence": None if record.evidence is None else str(record.evidence),
        "revision": record.revision,
    }
