"""OpenQASM 3 in and out, and OpenQASM 2 in."""

from qupel.model.formats.qasm.reader import read_qasm
from qupel.model.formats.qasm.writer import write_qasm

__all__ = ["read_qasm", "write_qasm"]
