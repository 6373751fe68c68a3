"""Alerts: a cap of an account is nearly used, told once a cap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from qupel.runs.ledger.accounts import Account
from qupel.runs.tables import accounts

#: Share of a cap from which on an alert is given, in per cent.
ALERT_PERCENT = 80


@dataclass(frozen=True, slots=True)
class Alert:
    """A cap that has just been used to the share that is alerted.

    Attributes
    ----------
    account
        Whose cap.
    of
        ``money``, ``shots`` or ``runs``.
    used, cap
        What is held and spent, and the cap: money with its currency.
    """

    account: str
    of: str
    used: str
    cap: str

    def detail(self) -> dict[str, Any]:
        """What the event tells."""
        return {"account": self.account, "of": self.of, "used": self.used, "cap": self.cap}


def alerts_of(connection: sa.Connection, account: Account) -> list[Alert]:
    """Alerts of an account that are due and were not given yet; given from now on."""
    used, caps = account.used(), account.caps()
    reached = [
        word
        for word, cap in caps.items()
        if cap is not None
        and word not in account.alerts
        and used[word]  # a job that bills nothing uses none of a cap of zero
        and 100 * used[word] >= ALERT_PERCENT * cap
    ]
    if reached:
        given = " ".join([*account.alerts, *reached])
        connection.execute(
            sa.update(accounts).where(accounts.c.name == account.name).values(alerts=given)
        )
    return [
        Alert(account.name, word, account.shown(word, used[word]), account.shown(word, caps[word]))
        for word in reached
    ]
