"""What the catalogue says of a provider's device: sizes, region, bounds of bills, and bills."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from qupel.backends.catalogue.listing import profiles
from qupel.backends.catalogue.prices import (
    Counts,
    Free,
    PerSecond,
    PerShot,
    Unpublished,
    Usage,
    price,
)
from qupel.backends.catalogue.profile import DeviceProfile
from qupel.backends.contract import Bills
from qupel.errors import InputError, unknown_name
from qupel.model.circuit import Circuit
from qupel.model.money import Money


def profile_behind(provider: str, device: str) -> DeviceProfile:
    """Profile of the device that a backend's name means.

    Raises
    ------
    InputError
        If no profile names it; a profile of your own may.
    """
    found = reached_through(provider)
    if device not in found:
        raise unknown_name(f"{provider} device", device, found)
    return found[device]


def reached_through(provider: str) -> dict[str, DeviceProfile]:
    """Profiles of a provider's devices, by the provider's own names."""
    start = f"{provider}:"
    return {
        name.removeprefix(start): profile
        for profile in profiles().values()
        for name in profile.backends
        if name.startswith(start) and not name.endswith("*")
    }


def bound_of(
    profile: DeviceProfile, circuits: Sequence[Circuit], shots: int, seconds: float | None = None
) -> Money | None:
    """Highest bill for circuits as they stand; None where nothing is billed.

    Raises
    ------
    InputError
        If no price is published, or seconds are charged and none are given.
    """
    if isinstance(profile.price, Free):
        return None
    if isinstance(profile.price, Unpublished):
        raise InputError(
            f"no price of {profile.name} is published, so a bill has no bound; write a profile of "
            "your own with the price of your contract"
        )
    return price(profile.price, Usage.of(circuits, shots, seconds))


def currency_of(profile: DeviceProfile | None) -> str:
    """Currency of a device's bills; empty where nothing is billed."""
    if profile is None or isinstance(profile.price, Free):
        return ""
    return "USD" if isinstance(profile.price, Unpublished) else profile.price.currency


def bills_of(profile: DeviceProfile | None) -> Bills:
    """Whether a device's bills follow from shots or seconds, where its provider tells none."""
    computed = profile is not None and isinstance(profile.price, PerShot | PerSecond)
    return Bills.COMPUTED if computed else Bills.UNTOLD


def bill_of(
    profile: DeviceProfile | None, *, shots: int | None = None, seconds: Decimal | None = None
) -> Money | None:
    """What one program costs by the catalogue for what it used; None where that is not known.

    Parameters
    ----------
    profile
        Of the device.
    shots, seconds
        That were run, and for which the device was used; None where the provider does not tell.
    """
    if profile is None:
        return None
    match profile.price:
        case PerShot() if shots is not None:
            return price(profile.price, Usage((Counts(),), shots))
        case PerSecond() if seconds is not None:
            return price(profile.price, Usage((Counts(),), 1, seconds))
    return None


def age_of(profile: DeviceProfile | None) -> tuple[str, ...]:
    """How old the claims are behind a price and a size, as a remark of an estimate."""
    if profile is None:
        return ()
    return (
        f"prices and sizes of {profile.name} as read on {profile.checked}, to be read again from "
        f"{profile.expiry}",
    )
