"""Programs that commands are given as files: circuits, and forms of instances."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qupel.errors import InputError

if TYPE_CHECKING:
    from qupel.model.circuit import Circuit
    from qupel.model.ising import Ising


def read_program(path: Path, family: str | None = None) -> Circuit | Ising:
    """The circuit of an OpenQASM file (``.qasm``, ``.qasm.gz``), or the form of an instance.

    Raises
    ------
    InputError
        If the file cannot be read, its circuit has free parameters, or a family is named for one.
    """
    if path.name.removesuffix(".gz").endswith(".qasm"):
        if family is not None:
            raise InputError(f"{path} is a circuit, which is of no family; leave out --family")
        return read_circuit(path)
    from qupel.encodings import encode
    from qupel.model.ising import Ising
    from qupel.problems.registry import read_problem

    return encode(read_problem(path, family).form(), into=Ising, keep_quotas=False).form


def read_circuit(path: Path) -> Circuit:
    """The circuit of an OpenQASM file, whatever its name.

    Raises
    ------
    InputError
        If the file cannot be read, or its circuit has free parameters.
    """
    from qupel.model.formats import read_qasm, read_text

    circuit = read_qasm(read_text(path), str(path))
    if circuit.parameter_names:
        names = ", ".join(circuit.parameter_names)
        raise InputError(f"{path}: has free parameters {names}; write numbers in their place")
    return circuit
