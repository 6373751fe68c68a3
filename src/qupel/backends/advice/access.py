"""Access: which devices the tier that somebody is on opens, and on what terms."""

from __future__ import annotations

from dataclasses import dataclass

from qupel.backends.advice.prospect import Prospect
from qupel.backends.catalogue.profile import DeviceProfile
from qupel.backends.catalogue.tiers import Tiers
from qupel.backends.contract import Estimate


@dataclass(frozen=True, slots=True)
class Access:
    """The tier that somebody is on.

    Attributes
    ----------
    tiers
        All of them, from free to dear.
    on
        Name of the one selected.

    Raises
    ------
    InputError
        If there is no such tier.
    """

    tiers: Tiers
    on: str

    def __post_init__(self) -> None:
        self.tiers.named(self.on)

    def objections(self, found: Prospect) -> tuple[str, ...]:
        """Why what fits a device may not be ordered there, with numbers; none if it may.

        Approvals are no objection: they can be asked for (`terms`).
        """
        known = [tier.name for tier in self.tiers.tiers]
        asked = found.profile.tier
        if asked not in known:
            return (f"the device is of tier {asked}, which is none of {', '.join(known)}",)
        order = Estimate(
            found.qubits, found.depth, found.two_qubit_gates, found.shots, found.run_seconds, None,
            found.cost,
        )  # fmt: skip
        closed = self.tiers.closed(self.on, asked)
        return tuple(closed or self.tiers.named(asked).exceeded(order))

    def terms(self, profile: DeviceProfile) -> str:
        """On what terms a device that is open can be used."""
        return self.tiers.named(profile.tier).terms
