"""Hybrid solvers: classical pipelines with an inner solver of any kind."""

from qupel.solvers.hybrid.hybrid import Hybrid

__all__ = ["Hybrid"]
