"""Runs: one attempt, one record, in killable worker processes; fallback; the store.

The names below are imported on first use: a worker needs no database, a reader no workers.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qupel.runs.contract import Contract
    from qupel.runs.description import describe, solver_from
    from qupel.runs.fallback import solve_route
    from qupel.runs.pool import Workers
    from qupel.runs.record import Clocks, Record, Share, Status
    from qupel.runs.solving import solve
    from qupel.runs.store import Store
    from qupel.runs.task import Task

__all__ = [
    "Clocks",
    "Contract",
    "Record",
    "Share",
    "Status",
    "Store",
    "Task",
    "Workers",
    "describe",
    "solve",
    "solve_route",
    "solver_from",
]

_HOMES = {
    "Clocks": "record",
    "Contract": "contract",
    "Record": "record",
    "Share": "record",
    "Status": "record",
    "Store": "store",
    "Task": "task",
    "Workers": "pool",
    "describe": "description",
    "solve": "solving",
    "solve_route": "fallback",
    "solver_from": "description",
}


def __getattr__(name: str) -> Any:
    """Import a public name from the module that defines it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
