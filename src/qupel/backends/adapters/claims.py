"""What the catalogue says of a provider's device: sizes, region, and an upper bound of the bill."""

from __future__ import annotations

from collections.abc import Sequence

from qupel.backends.catalogue.listing import profiles
from qupel.backends.catalogue.prices import Free, Unpublished, Usage, price
from qupel.backends.catalogue.profile import DeviceProfile
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


def age_of(profile: DeviceProfile | None) -> tuple[str, ...]:
    """How old the claims are behind a price and a size, as a remark of an estimate."""
    if profile is None:
        return ()
    return (
        f"prices and sizes of {profile.name} as read on {profile.checked}, to be read again from "
        f"{profile.expiry}",
    )
