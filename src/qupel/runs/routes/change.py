"""What happened to a route: an event as it is written down, and a change with what was before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

#: Kinds of events that put a version in force, and of a person's approval.
DEPLOYED, ROLLED_BACK, APPROVED = "deployed", "rolled back", "approved"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a route.

    Attributes
    ----------
    at
        UTC seconds since 1970.
    kind
        ``deployed``, ``rolled back``, ``approved``, ``mode``, ``off``, ``on``, ``trial`` or
        ``alarm``.
    version
        The version in force afterwards; the one approved, where it is an approval.
    who, why
        Who did it, and the reason given.
    """

    at: float
    kind: str
    version: str
    who: str
    why: str

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of how a route stands, as it was made.

    Attributes
    ----------
    route
        Name of the route.
    event
        Who did what, when and why.
    before, after
        How the route stood: version, mode, switch, trial, approvals; None before there was one.
    """

    route: str
    event: Event
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @property
    def version(self) -> str:
        """The version in force afterwards; the one approved, where it is an approval."""
        return self.event.version

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "route": self.route,
            **self.event.document(),
            "before": None if self.before is None else dict(self.before),
            "after": None if self.after is None else dict(self.after),
        }
