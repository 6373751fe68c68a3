"""What must be true before an order may leave: a bound, a currency, a simulator before hardware."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from qupel.model.evidence import Evidence
from qupel.runs.ledger.facts import quarantined_since
from qupel.runs.ledger.hands import Hands
from qupel.runs.ledger.jobs import JobState
from qupel.runs.ledger.transaction import Transaction
from qupel.runs.tables import holds, jobs

#: Field of a purpose that says how the right answer is known without a simulator, as it is for
#: canaries and smoke circuits. No simulator has to run such programs before hardware does, and
#: none could run the widest ones.
KNOWN = "answer known by"
#: Fields of a purpose that say whose version its ``version`` is.
_SCOPES = ("route", "loop", "pipeline", "pilot", "experiment")
#: Kinds of accounts that say so where the purpose does not; a team has many versions named 1.
_ACCOUNTS = ("pilot:", "experiment:")


def forbidden(hands: Hands, tx: Transaction) -> str:
    """Why an order must not be sent to this backend at all; empty if it may."""
    row, able = hands.row, hands.able
    if able.currency and row.bound is None:
        return f"{row.backend} bills in {able.currency}, and no bound was reserved for the job"
    if able.currency and row.currency and able.currency != row.currency:
        return f"{row.backend} bills in {able.currency}, the job's money is in {row.currency}"
    if able.evidence is Evidence.HARDWARE and hands.ledger.simulate_first:
        return _not_simulated(tx, row)
    return ""


def _not_simulated(tx: Transaction, row: sa.Row[Any]) -> str:
    """Why hardware is not yet allowed; empty if a simulator has run the programs or version."""
    purpose = json.loads(row.purpose)
    if purpose.get(KNOWN):
        return ""
    passed = sa.select(jobs.c.id, jobs.c.purpose).where(
        jobs.c.state == JobState.DONE.value,
        jobs.c.evidence.not_in(["", Evidence.HARDWARE.value]),
    )
    if tx.connection.execute(
        passed.where(jobs.c.programs_hash == row.programs_hash).limit(1)
    ).first():
        return ""
    remedy = "run it on a simulator or an emulator first"
    version = str(purpose.get("version") or "")
    if not version:
        return f"no simulator has run these programs yet; {remedy}"
    whose = _whose(tx, row.id, purpose)
    if not whose:
        return (
            f"no simulator has run these programs yet, and nothing says whose version {version!r} "
            "is: name a pilot or an experiment in the purpose or the accounts, or "
            f"{remedy}"
        )
    for other in tx.connection.execute(passed.where(jobs.c.version == version)):
        if whose & _whose(tx, other.id, json.loads(other.purpose)):
            return ""
    return f"no simulator has run version {version!r} of it yet; {remedy}"


def _whose(tx: Transaction, job: str, purpose: Mapping[str, Any]) -> set[tuple[str, str]]:
    """What a job's version is a version of: a route, a pilot, an experiment; empty if untold.

    Versions are free text, so that "1" of one experiment says nothing of "1" of another.
    """
    told = {(name, str(purpose[name])) for name in _SCOPES if purpose.get(name)}
    if told:
        return told
    charged = sa.select(holds.c.account).where(holds.c.job_id == job)
    names = tx.connection.execute(charged).scalars()
    return {("account", name) for name in names if name.startswith(_ACCOUNTS)}


def held_back(hands: Hands, tx: Transaction) -> str:
    """Why nothing new may be paid at this provider for now; empty if it may."""
    if hands.breaker.frozen:
        return f"{hands.backend.provider} is frozen: {hands.breaker.frozen}"
    since = quarantined_since(tx.connection)
    # Where nothing is billed, such as on this machine, running twice costs nothing.
    if since is not None and hands.able.currency and (hands.breaker.reconciled or 0.0) < since:
        name = f"{hands.backend.provider}:{hands.backend.device}"
        return f"the ledger is in quarantine; first: qupel jobs reconcile {name}"
    return ""
