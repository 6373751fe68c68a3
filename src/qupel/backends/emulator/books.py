"""The provider's own books: the one judge of who was billed for what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from qupel.model.money import Money

What = Literal["accept", "delay", "cancel", "end", "bill", "refund"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the books; lines are only ever added.

    Attributes
    ----------
    at
        UTC seconds since 1970.
    what
        ``accept``, ``delay`` (its start was put off), ``cancel``, ``end``, ``bill`` or
        ``refund``.
    job, account, device
        Whose job it was, and where.
    key, tag
        As it was submitted.
    amount
        Of a bill or refund.
    note
        How the job ended, when it will start after a delay, or why a bill is unusual.
    """

    at: float
    what: What
    job: str
    account: str
    device: str
    key: str
    tag: str
    amount: Money | None = None
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "at": self.at,
            "what": self.what,
            "job": self.job,
            "account": self.account,
            "device": self.device,
            "key": self.key,
            "tag": self.tag,
            "amount": plain_money(self.amount),
            "note": self.note,
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Entry:
        """The entry that `to_dict` gave."""
        names = ("at", "what", "job", "account", "device", "key", "tag", "note")
        amount = plain["amount"]
        money = None if amount is None else Money(amount["micros"], amount["currency"])
        return cls(**{name: plain[name] for name in names}, amount=money)


@dataclass(slots=True)
class Books:
    """All entries in order, and what they say.

    Attributes
    ----------
    entries
        First to last.
    written
        Called with each new entry, to keep it.
    """

    entries: list[Entry] = field(default_factory=list)
    written: Callable[[Entry], None] | None = None

    def add(self, entry: Entry) -> None:
        """Write one more entry."""
        if self.written is not None:
            self.written(entry)
        self.entries.append(entry)

    def of(self, what: What) -> list[Entry]:
        """All entries of one sort."""
        return [entry for entry in self.entries if entry.what == what]

    def billed(self) -> dict[str, Money]:
        """Sum of all bills less refunds, by currency."""
        sums: dict[str, Money] = {}
        for entry in self.entries:
            if entry.amount is None:
                continue
            held = sums.get(entry.amount.currency, Money(0, entry.amount.currency))
            bill = entry.what == "bill"
            sums[entry.amount.currency] = held + entry.amount if bill else held - entry.amount
        return sums

    def accepted_twice(self) -> dict[tuple[str, str], list[str]]:
        """Jobs of every account and tag (the key, where there is no tag) that has several.

        A job without either is an order of its own.
        """
        return self._twice(self.of("accept"))

    def paid_twice(self) -> dict[tuple[str, str], list[str]]:
        """The same of billed jobs: whoever is in here paid twice."""
        return self._twice(self.of("bill"))

    def _twice(self, entries: Iterable[Entry]) -> dict[tuple[str, str], list[str]]:
        jobs: dict[tuple[str, str], list[str]] = defaultdict(list)
        for entry in entries:
            held = jobs[entry.account, entry.tag or entry.key or entry.job]
            if entry.job not in held:
                held.append(entry.job)
        return {order: held for order, held in jobs.items() if len(held) > 1}


def plain_money(money: Money | None) -> dict[str, Any] | None:
    """An amount as JSON holds it: whole millionths and the currency's code."""
    return None if money is None else {"micros": money.micros, "currency": money.currency}
