"""What must be true before an order may leave: a bound, a currency, a simulator before hardware."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from qupel.model.evidence import Evidence
from qupel.runs.ledger.facts import quarantined_since
from qupel.runs.ledger.hands import Hands
from qupel.runs.ledger.jobs import JobState
from qupel.runs.ledger.transaction import Transaction
from qupel.runs.tables import jobs


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
    """Why hardware is not yet allowed; empty if a simulator has run the same version."""
    passed = sa.select(jobs.c.id).where(
        jobs.c.state == JobState.DONE.value,
        jobs.c.evidence.not_in(["", Evidence.HARDWARE.value]),
    )
    if tx.connection.execute(
        passed.where(jobs.c.programs_hash == row.programs_hash).limit(1)
    ).first():
        return ""
    version = str(json.loads(row.purpose).get("version", ""))
    if version and tx.connection.execute(passed.where(jobs.c.version == version).limit(1)).first():
        return ""
    what = f"version {version!r} of it" if version else "these programs"
    return f"no simulator has run {what} yet; run it on a simulator or an emulator first"


def held_back(hands: Hands, tx: Transaction) -> str:
    """Why nothing new may be paid at this provider for now; empty if it may."""
    if hands.breaker.frozen:
        return f"{hands.backend.provider} is frozen: {hands.breaker.frozen}"
    since = quarantined_since(tx.connection)
    if since is not None and (hands.breaker.reconciled or 0.0) < since:
        return "the ledger is in quarantine; reconcile this backend first"
    return ""
