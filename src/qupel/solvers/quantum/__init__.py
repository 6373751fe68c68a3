"""Quantum solvers, on simulators."""

from qupel.solvers.quantum.qaoa import Qaoa

__all__ = ["Qaoa"]
