"""The catalogue: what is published of devices, what they ask, and who may order from them."""

from qupel.backends.catalogue.figures import AnnealTimes, Coherence, Fidelities, GateTimes
from qupel.backends.catalogue.lattices import Connectivity, Lattice
from qupel.backends.catalogue.listing import OWN, profile_named, profiles, read_profile
from qupel.backends.catalogue.prices import (
    Counts,
    Credits,
    Free,
    PerGateShot,
    PerSecond,
    PerShot,
    PriceModel,
    Unpublished,
    Usage,
    price,
)
from qupel.backends.catalogue.profile import Availability, DeviceProfile, Modality, Runs
from qupel.backends.catalogue.tiers import Tier, Tiers

__all__ = [
    "OWN",
    "AnnealTimes",
    "Availability",
    "Coherence",
    "Connectivity",
    "Counts",
    "Credits",
    "DeviceProfile",
    "Fidelities",
    "Free",
    "GateTimes",
    "Lattice",
    "Modality",
    "PerGateShot",
    "PerSecond",
    "PerShot",
    "PriceModel",
    "Runs",
    "Tier",
    "Tiers",
    "Unpublished",
    "Usage",
    "price",
    "profile_named",
    "profiles",
    "read_profile",
]
