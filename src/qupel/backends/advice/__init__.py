"""Advice by computation: what a program needs, and what every device would make of it."""

from qupel.backends.advice.need import Need
from qupel.backends.advice.ranking import Advice, Aim, Refusal, advise, compare

__all__ = ["Advice", "Aim", "Need", "Refusal", "advise", "compare"]
