"""Gates: what a version must have passed before its quantum step may be ordered."""

from __future__ import annotations

from collections.abc import Collection

from qupel.backends.contract import Capabilities, Estimate
from qupel.model.evidence import Evidence
from qupel.runs.routes.route import Arm, Route

#: Gates of a version, as they are written down.
FALLBACK, SIMULATOR, APPROVAL = "fallback", "simulator", "approval"

#: Tier of a device that no profile tells of, by what kind of machine it is; else the dearest one.
_TIERS = {
    Evidence.EXACT: "cloud simulator",
    Evidence.NOISELESS: "cloud simulator",
    Evidence.NOISY: "cloud simulator",
    Evidence.EMULATOR: "cloud simulator",
}


def prepare() -> None:
    """Read the catalogue and the tiers once, so that no decision waits for their first reading."""
    from qupel.backends.catalogue.listing import profiles
    from qupel.backends.catalogue.tiers import tiers

    profiles()
    tiers()


def missing_gate(route: Route, arm: Arm, passed: Collection[str]) -> str | None:
    """Why an arm's step may not be ordered, None if it may."""
    if SIMULATOR not in passed:
        return (
            f"version {route.version[:12]} has not passed its simulator run; deploy it with an "
            f"instance on which {arm.solver!r} is tried"
        )
    return None


def tier_objections(
    route: Route,
    able: Capabilities,
    estimate: Estimate,
    *,
    runs: int,
    approved_by: Collection[str],
) -> list[str]:
    """Why a route's tier forbids an order; none if it may go out.

    Parameters
    ----------
    able
        Of the backend; the tier is its profile's, else that of machines of its kind.
    runs
        Orders of this route so far.
    approved_by
        Who approved the version.
    """
    from qupel.backends.catalogue.listing import profile_named
    from qupel.backends.catalogue.tiers import tiers

    known = tiers()
    if able.profile:
        tier = profile_named(able.profile).tier
    else:
        tier = _TIERS.get(able.evidence, known.tiers[-1].name)
    return known.check(route.tier, tier, estimate, runs=runs, approved_by=approved_by)
