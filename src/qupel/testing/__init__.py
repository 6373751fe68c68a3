"""What every plug-in obeys, as suites that any author can run."""

from qupel.testing.backend import check_backend
from qupel.testing.encoding import check_encoding
from qupel.testing.problem import check_family, check_problem
from qupel.testing.solver import ConformanceError, check_solver

__all__ = [
    "ConformanceError",
    "check_backend",
    "check_encoding",
    "check_family",
    "check_problem",
    "check_solver",
]
