"""The ledger: paid work is paid once, bounded by budgets, and never lost."""

from __future__ import annotations

from qupel.runs.ledger.accounts import Account, Amounts
from qupel.runs.ledger.bills import Revision
from qupel.runs.ledger.breaker import Breaker
from qupel.runs.ledger.causes import Cause, cause_of
from qupel.runs.ledger.costs import Cost, CostReport
from qupel.runs.ledger.drive import drive
from qupel.runs.ledger.jobs import Attempt, AttemptState, Event, Job, JobState, Progress
from qupel.runs.ledger.ledger import Ledger
from qupel.runs.ledger.reconcile import Reconciliation
from qupel.runs.ledger.retry import Patience, Retry

__all__ = [
    "Account",
    "Amounts",
    "Attempt",
    "AttemptState",
    "Breaker",
    "Cause",
    "Cost",
    "CostReport",
    "Event",
    "Job",
    "JobState",
    "Ledger",
    "Patience",
    "Progress",
    "Reconciliation",
    "Retry",
    "Revision",
    "cause_of",
    "drive",
]
