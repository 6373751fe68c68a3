"""Exchange formats: each reader takes text and the name of its source, each writer gives text."""

from qupel.model.formats.graph import (
    read_dimacs_graph,
    read_graph,
    write_dimacs_graph,
    write_graph,
)
from qupel.model.formats.qubo import read_qubo, write_qubo
from qupel.model.formats.text import read_text, write_text

__all__ = [
    "read_dimacs_graph",
    "read_graph",
    "read_qubo",
    "read_text",
    "write_dimacs_graph",
    "write_graph",
    "write_qubo",
    "write_text",
]
