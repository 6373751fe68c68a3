"""Gates: what a version must have passed before its quantum step may be ordered."""

from __future__ import annotations

from collections.abc import Collection

from qupel.runs.routes.route import Arm, Route

#: Gates of a version, as they are written down.
FALLBACK, SIMULATOR, APPROVAL, CANARY = "fallback", "simulator", "approval", "canary"


def missing_gate(route: Route, arm: Arm, passed: Collection[str]) -> str | None:
    """Why an arm's step may not be ordered, None if it may."""
    if SIMULATOR not in passed:
        return (
            f"version {route.version[:12]} has not passed its simulator run; deploy it again with "
            "an instance to try"
        )
    return None
