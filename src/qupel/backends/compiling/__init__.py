"""Compiling circuits to a device's gates and couplings."""

from qupel.backends.compiling.compiled import Compiled, Size
from qupel.backends.compiling.compiler import compile_circuit
from qupel.backends.compiling.target import Device, Target
from qupel.backends.compiling.with_qiskit import compile_with_qiskit

__all__ = ["Compiled", "Device", "Size", "Target", "compile_circuit", "compile_with_qiskit"]
