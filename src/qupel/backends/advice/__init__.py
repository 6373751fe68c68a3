"""Advice by computation: what a program needs, and what every device would make of it."""

from qupel.backends.advice.access import Access
from qupel.backends.advice.need import Need
from qupel.backends.advice.ranking import advise, compare
from qupel.backends.advice.recommendation import Advice, Aim, Refusal

__all__ = ["Access", "Advice", "Aim", "Need", "Refusal", "advise", "compare"]
