"""Routes: decisions that recur, deployed with an owner, a deadline, a fallback and a budget.

The names below are imported on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qupel.runs.routes.change import Change
    from qupel.runs.routes.decision import Answerer, Decision
    from qupel.runs.routes.deployed import DeployedRoute
    from qupel.runs.routes.health import Health, Limits
    from qupel.runs.routes.profile import Profile, Rule
    from qupel.runs.routes.route import Arm, Budget, Mode, Route, Slo
    from qupel.runs.routes.route_file import read_route
    from qupel.runs.routes.service import Routes

__all__ = [
    "Answerer",
    "Arm",
    "Budget",
    "Change",
    "Decision",
    "DeployedRoute",
    "Health",
    "Limits",
    "Mode",
    "Profile",
    "Route",
    "Routes",
    "Rule",
    "Slo",
    "read_route",
]

_HOMES = {
    "Answerer": "decision",
    "Arm": "route",
    "Budget": "route",
    "Change": "change",
    "Decision": "decision",
    "DeployedRoute": "deployed",
    "Health": "health",
    "Limits": "health",
    "Mode": "route",
    "Profile": "profile",
    "Route": "route",
    "Routes": "service",
    "Rule": "profile",
    "Slo": "route",
    "read_route": "route_file",
}


def __getattr__(name: str) -> Any:
    """Import a public name from the module that defines it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
