"""Problem families: data in, a form out, an answer back, and a judge.

Names are imported on first use, so that one family does not cost the import of all.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qupel.problems.contract import (
        Decomposable,
        Judgement,
        Optimum,
        Problem,
        Subproblem,
        Violation,
    )
    from qupel.problems.cvrp import CapacitatedRouting
    from qupel.problems.features import feature_subset, mutual_information
    from qupel.problems.independent_set import IndependentSet, NodeSet
    from qupel.problems.jobshop import JobShop
    from qupel.problems.maxcut import Cut, MaxCut
    from qupel.problems.quadratic import Assignment, BinaryQuadratic
    from qupel.problems.registry import families, family, read_problem
    from qupel.problems.subset import Selection, SubsetSelection
    from qupel.problems.vrptw import WindowRouting

_HOMES = {
    "contract": ("Decomposable", "Judgement", "Optimum", "Problem", "Subproblem", "Violation"),
    "cvrp": ("CapacitatedRouting",),
    "features": ("feature_subset", "mutual_information"),
    "independent_set": ("IndependentSet", "NodeSet"),
    "jobshop": ("JobShop",),
    "maxcut": ("Cut", "MaxCut"),
    "quadratic": ("Assignment", "BinaryQuadratic"),
    "registry": ("families", "family", "read_problem"),
    "subset": ("Selection", "SubsetSelection"),
    "vrptw": ("WindowRouting",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Assignment",
    "BinaryQuadratic",
    "CapacitatedRouting",
    "Cut",
    "Decomposable",
    "IndependentSet",
    "JobShop",
    "Judgement",
    "MaxCut",
    "NodeSet",
    "Optimum",
    "Problem",
    "Selection",
    "Subproblem",
    "SubsetSelection",
    "Violation",
    "WindowRouting",
    "families",
    "family",
    "feature_subset",
    "mutual_information",
    "read_problem",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
