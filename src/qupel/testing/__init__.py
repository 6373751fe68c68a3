"""What every plug-in obeys, as suites that any author can run."""

from qupel.testing.solver import ConformanceError, check_solver

__all__ = ["ConformanceError", "check_solver"]
