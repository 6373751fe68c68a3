"""Access tiers: what may be ordered where, how much of it, and with whose approval.

Tiers are ordered from free to dear. To be on a tier opens its devices and those of every tier below
it, under the caps of the tier that a device belongs to. All of it is data: see ``tiers.yaml``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from qupel.backends.contract import Estimate
from qupel.errors import InputError, unknown_name
from qupel.model.formats.checked_yaml import read_yaml
from qupel.model.home import home
from qupel.model.money import Money

OWN = Path(__file__).parent / "tiers.yaml"


@dataclass(frozen=True, slots=True)
class Tier:
    """Caps on what is ordered from the devices of one tier.

    Attributes
    ----------
    name
        As device profiles name it.
    meaning
        What it is for.
    max_shots
        Of one order, all programs together; None for no cap.
    max_runs
        Orders in all.
    max_money
        Of one order, in the currency's unit.
    currency
        Of ``max_money``.
    approvals
        Different people who must have approved the order.
    """

    name: str
    meaning: str = ""
    max_shots: int | None = None
    max_runs: int | None = None
    max_money: Decimal | None = None
    currency: str = "USD"
    approvals: int = 0

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise InputError("name must not be empty")
        for cap in ("max_shots", "max_runs", "approvals"):
            value = getattr(self, cap)
            if value is not None and (type(value) is not int or value < 0):
                raise InputError(f"{cap} must be a whole number from 0, got {value!r}")
        if self.max_money is not None and not (self.max_money.is_finite() and self.max_money >= 0):
            raise InputError(f"max_money must be a number from 0, got {self.max_money}")
        Money(0, self.currency)

    def check(
        self, estimate: Estimate, *, runs: int = 0, approved_by: Iterable[str] = ()
    ) -> list[str]:
        """Reasons to refuse an order, with numbers; none if it may go out.

        Parameters
        ----------
        estimate
            What the order will need.
        runs
            Orders that went out already.
        approved_by
            Names of the people who approved this very order.

        Examples
        --------
        >>> order = Estimate(5, 10, 4, 1000, 1.0, None, Money.of(3))
        >>> Tier("hardware", approvals=1).check(order)
        ['tier hardware needs the approval of 1 person, 0 approved']
        """
        names = {name.strip().casefold() for name in approved_by} - {""}
        refusals = self.exceeded(estimate, runs=runs)
        if len(names) < self.approvals:
            refusals.append(
                f"tier {self.name} needs the approval of {_people(self.approvals)}, "
                f"{len(names)} approved"
            )
        return refusals

    def exceeded(self, estimate: Estimate, *, runs: int = 0) -> list[str]:
        """Caps that an order would break, with numbers, whoever approved it."""
        refusals = []
        if self.max_shots is not None and estimate.shots > self.max_shots:
            refusals.append(
                f"tier {self.name} allows {self.max_shots} shots, the order has {estimate.shots}"
            )
        if self.max_runs is not None and runs >= self.max_runs:
            refusals.append(f"tier {self.name} allows {self.max_runs} runs, {runs} are done")
        return refusals + self._money(estimate.cost)

    @property
    def terms(self) -> str:
        """Its caps in words."""
        money = None if self.max_money is None else Money.of(self.max_money, self.currency)
        caps = [
            (self.max_shots, f"{self.max_shots} shots an order"),
            (money, f"{money} an order"),
            (self.max_runs, f"{self.max_runs} orders in all"),
        ]
        held = [words for cap, words in caps if cap is not None]
        allowed = f"allows {', '.join(held)}" if held else "has no caps"
        asked = f"; each order needs the approval of {_people(self.approvals)}"
        return f"tier {self.name} {allowed}{asked if self.approvals else ''}"

    def _money(self, cost: Money | None) -> list[str]:
        if self.max_money is None or cost is None or cost.micros == 0:
            return []
        cap = Money.of(self.max_money, self.currency)
        if cap.currency != cost.currency:
            return [
                f"tier {self.name} has its cap in {cap.currency}, the order costs {cost}; give the "
                f"cap in {cost.currency}"
            ]
        if cap < cost:
            return [f"tier {self.name} allows {cap} an order, this one costs up to {cost}"]
        return []


@dataclass(frozen=True, slots=True)
class Tiers:
    """Every tier, from free to dear."""

    tiers: tuple[Tier, ...]

    def __post_init__(self) -> None:
        names = [tier.name for tier in self.tiers]
        if not names or len(set(names)) < len(names):
            raise InputError(f"tiers must have different names, one at least, got {names}")

    def named(self, name: str) -> Tier:
        """The tier of this name; `InputError` with the nearest one if there is none."""
        for tier in self.tiers:
            if tier.name == name:
                return tier
        raise unknown_name("tier", name, (tier.name for tier in self.tiers))

    def check(
        self, on: str, device_tier: str, estimate: Estimate, *, runs: int = 0,
        approved_by: Iterable[str] = (),
    ) -> list[str]:  # fmt: skip
        """Reasons to refuse an order to a device, for somebody on the tier ``on``.

        Parameters
        ----------
        on
            Tier that was selected.
        device_tier
            Tier that the device's profile names.
        estimate, runs, approved_by
            As for `Tier.check`, with the caps of the device's tier.
        """
        asked = self.named(device_tier)
        return self.closed(on, device_tier) or asked.check(
            estimate, runs=runs, approved_by=approved_by
        )

    def closed(self, on: str, device_tier: str) -> list[str]:
        """Why a device of tier ``device_tier`` is not open to somebody on the tier ``on``."""
        order = [tier.name for tier in self.tiers]
        selected, asked = self.named(on), self.named(device_tier)
        if order.index(asked.name) <= order.index(selected.name):
            return []
        return [
            f"the device is of tier {asked.name}, the tier selected is {selected.name}; "
            f"select {asked.name} to use it"
        ]


def _people(count: int) -> str:
    return f"{count} {'person' if count == 1 else 'people'}"


def tiers(path: Path | None = None) -> Tiers:
    """Tiers of a file: the one given, else ``$QUPEL_HOME/tiers.yaml``, else Qupel's own.

    Raises
    ------
    InputError
        One line for every fault: file, line, field, what stands there, and the remedy.
    """
    yours = home() / "tiers.yaml"
    return read_yaml(path or (yours if yours.is_file() else OWN), Tiers)
