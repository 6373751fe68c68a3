"""Exchange formats: each reader takes text and the name of its source, each writer gives text."""

from qupel.model.formats.coordinates import (
    read_coordinates,
    read_qbsolv,
    write_coordinates,
    write_qbsolv,
)
from qupel.model.formats.graph import (
    read_dimacs_graph,
    read_graph,
    write_dimacs_graph,
    write_graph,
)
from qupel.model.formats.lp import read_lp, write_lp
from qupel.model.formats.mps import read_mps, write_mps
from qupel.model.formats.qasm import read_qasm, write_qasm
from qupel.model.formats.qubo import read_qubo, write_qubo
from qupel.model.formats.text import read_text, write_text

__all__ = [
    "read_coordinates",
    "read_dimacs_graph",
    "read_graph",
    "read_lp",
    "read_mps",
    "read_qasm",
    "read_qbsolv",
    "read_qubo",
    "read_text",
    "write_coordinates",
    "write_dimacs_graph",
    "write_graph",
    "write_lp",
    "write_mps",
    "write_qasm",
    "write_qbsolv",
    "write_qubo",
    "write_text",
]
