"""Reading routes from YAML: a route out, or every fault with its line and remedy."""

from __future__ import annotations

from pathlib import Path

from qupel.errors import InputError
from qupel.model.formats.checked_yaml import read_yaml
from qupel.problems.contract import Problem
from qupel.problems.registry import read_problem
from qupel.runs.routes.route import Route


def read_route(path: Path) -> Route:
    """Read a route.

    Raises
    ------
    InputError
        One line for every fault: file, line, field, what stands there, and the remedy.
    """
    return read_yaml(path, Route)


def read_sample(route: Route, path: Path, sample: Path | None = None) -> Problem[object]:
    """Read the instance on which a deployment tries a route.

    Parameters
    ----------
    path
        The route's file; the instance that it names lies beside it.
    sample
        Another instance file, in place of that one.
    """
    if sample is None and not route.sample:
        raise InputError(
            f"{path}: sample: is missing; name an instance file on which the fallback is tried"
        )
    return read_problem(sample or path.parent / route.sample, route.family)
