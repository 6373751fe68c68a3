"""Gates: what a version must have passed before its quantum step may be ordered."""

from __future__ import annotations

from collections.abc import Collection

from qupel.runs.routes.route import Arm, Route

#: Gates of a version, as they are written down.
FALLBACK, SIMULATOR = "fallback", "simulator"


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
