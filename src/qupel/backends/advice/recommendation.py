"""What advice consists of: devices ranked by an aim, refusals with reasons, and why."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from qupel.backends.advice.need import Need
from qupel.backends.advice.prospect import Prospect
from qupel.backends.catalogue.profile import DeviceProfile


class Aim(StrEnum):
    """What counts most; the others decide between equals."""

    TIME = "time"
    SUCCESS = "success"
    PRICE = "price"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A device that is not advised, with the reasons and their numbers.

    Attributes
    ----------
    profile, reasons
        Which one, and why not.
    by_tier
        Whether the need fits, and only the tier that was selected keeps the device closed.
    unlimited
        What the device would make of the need, were it not for the deadline, the budget or the
        number of shots; None if it does not fit even so.
    """

    profile: DeviceProfile
    reasons: tuple[str, ...]
    by_tier: bool = False
    unlimited: Prospect | None = None

    def document(self, today: date) -> dict[str, Any]:
        """It as plain data."""
        return {
            "device": self.profile.name,
            "family": str(self.profile.modality),
            "refused": list(self.reasons),
            "by_tier": self.by_tier,
            "notice": self.profile.notice(today),
        }


@dataclass(frozen=True, slots=True)
class Advice:
    """Devices for a need.

    Attributes
    ----------
    need
        What was asked.
    aim
        By what it is ranked.
    devices
        Quantum devices that fit, best first.
    simulators
        Programs on classical machines that give the same answer, best first.
    refused
        All others.
    reasons
        Why the first device is the first, in plain words with numbers.
    tier
        The access tier that was selected; empty for none.
    """

    need: Need
    aim: Aim
    devices: tuple[Prospect, ...]
    simulators: tuple[Prospect, ...]
    refused: tuple[Refusal, ...]
    reasons: tuple[str, ...]
    tier: str = ""

    @property
    def best(self) -> Prospect | None:
        """The device to take; None if there is none to be had."""
        return self.devices[0] if self.devices else None

    @property
    def premature(self) -> bool:
        """Whether no quantum device that anybody can run programs on can hold it.

        What a tier, a budget, a deadline or a number of shots keeps out waits for no machine.
        """
        return not (self.devices or self.closed or self.beyond_limits)

    @property
    def closed(self) -> tuple[Refusal, ...]:
        """Quantum devices that would hold it, were it not for the tier; best first."""
        return tuple(e for e in self.refused if e.by_tier and not e.profile.simulated)

    @property
    def beyond_limits(self) -> tuple[Refusal, ...]:
        """Quantum devices that only a deadline, a budget or the shots rule out; cheapest first."""
        held = [e for e in self.refused if e.unlimited and not e.profile.simulated]
        return tuple(sorted(held, key=_price))

    def document(self, today: date) -> dict[str, Any]:
        """All of it as plain data."""
        need = asdict(self.need.filled())
        budget = self.need.budget
        return {
            "need": need | {"budget": None if budget is None else str(budget)},
            "aim": str(self.aim),
            "tier": self.tier or None,
            "premature": self.premature,
            "recommended": self.best.profile.name if self.best else None,
            "reasons": list(self.reasons),
            "devices": [found.document(today) for found in self.devices],
            "simulators": [found.document(today) for found in self.simulators],
            "refused": [each.document(today) for each in self.refused],
        }


def _price(refusal: Refusal) -> float:
    """Millionths that it would cost without limits; infinity where no price is published."""
    cost = refusal.unlimited.cost if refusal.unlimited else None
    return math.inf if cost is None else cost.micros
