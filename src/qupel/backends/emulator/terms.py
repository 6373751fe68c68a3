"""On what terms the emulated provider works: its whole configuration as one value."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from qupel.backends.emulator.devices import OWN, Device
from qupel.backends.emulator.waiting import Waiting
from qupel.errors import InputError


@dataclass(frozen=True, slots=True)
class Outage:
    """A window in which nothing works.

    Attributes
    ----------
    start, end
        UTC seconds since 1970.
    device, region
        The device that is off, or the region whose devices are; both empty if the whole service
        is. Jobs that would start there wait for the end, and new ones are refused.

    Raises
    ------
    InputError
        If it does not end after it starts.
    """

    start: float
    end: float
    device: str = ""
    region: str = ""

    def __post_init__(self) -> None:
        if not self.end > self.start:
            raise InputError(f"an outage ends after it starts, got {self.start} to {self.end}")

    @property
    def total(self) -> bool:
        """Whether nothing at all answers."""
        return not self.device and not self.region

    def covers(self, at: float, device: Device | None = None) -> bool:
        """Whether it strikes the device at this time, or the service if none is given."""
        if not self.start <= at < self.end:
            return False
        if device is None or self.total:
            return self.total
        return self.device == device.name or self.region == device.region


@dataclass(frozen=True, slots=True)
class Terms:
    """What a provider offers, and how it behaves when nothing goes wrong.

    Attributes
    ----------
    devices
        Devices for hire.
    seed
        Chooses waits, drift, shots, tokens and which events scenarios strike.
    waiting
        Queue of every device.
    keys
        Whether a known idempotency key gives the first submission's job.
    key_seconds
        How long a key is known.
    listing
        Whether jobs can be listed.
    listing_lag
        Seconds from acceptance until a job is listed.
    page
        Jobs on a page of a listing.
    token_seconds
        How long a token is valid.
    outages
        Windows known from the start.
    """

    devices: tuple[Device, ...] = tuple(OWN.values())
    seed: int = 0
    waiting: Waiting = field(default_factory=Waiting)
    keys: bool = True
    key_seconds: float = math.inf
    listing: bool = True
    listing_lag: float = 0.0
    page: int = 20
    token_seconds: float = math.inf
    outages: tuple[Outage, ...] = ()

    def __post_init__(self) -> None:
        names = [device.name for device in self.devices]
        if not names or len(set(names)) < len(names):
            raise InputError(f"a provider has devices of different names, got {names}")
        if self.page < 1 or not self.listing_lag >= 0 or not self.token_seconds > 0:
            raise InputError(
                "page must be at least 1, listing_lag from 0 and token_seconds above 0, got "
                f"{self.page}, {self.listing_lag} and {self.token_seconds}"
            )
