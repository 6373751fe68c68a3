"""Arrows between forms, each with its way back."""

from qupel.encodings.codes import Code
from qupel.encodings.encoded import Encoded, Penalty, Report, Size
from qupel.encodings.parts import Parts, split
from qupel.encodings.paths import encode
from qupel.encodings.qubo import model_to_qubo
from qupel.encodings.reduction import reduce
from qupel.encodings.spins import ising_to_qubo, qubo_to_ising

__all__ = [
    "Code",
    "Encoded",
    "Parts",
    "Penalty",
    "Report",
    "Size",
    "encode",
    "ising_to_qubo",
    "model_to_qubo",
    "qubo_to_ising",
    "reduce",
    "split",
]
