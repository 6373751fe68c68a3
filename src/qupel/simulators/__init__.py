"""Simulators: what a quantum computer would do, computed."""

from qupel.simulators.qaoa import Mixer, Precision, Qaoa

__all__ = ["Mixer", "Precision", "Qaoa"]
