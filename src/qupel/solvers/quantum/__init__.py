"""Quantum solvers, on simulators."""

from qupel.solvers.quantum.qaoa import Qaoa
from qupel.solvers.quantum.recursive import RecursiveQaoa

__all__ = ["Qaoa", "RecursiveQaoa"]
