"""One gate on its qubits, with angles that are numbers or follow a parameter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from operator import is_
from typing import Any

import numpy as np

from qupel.errors import InputError
from qupel.model.checks import listed
from qupel.model.gates import GATES, kind_of


@dataclass(frozen=True, slots=True)
class Angle:
    """An angle that is linear in one parameter: ``factor * parameters[parameter] + shift``.

    Attributes
    ----------
    parameter
        Place of the parameter among the circuit's ``parameter_names``.
    factor, shift
        Radians per unit of the parameter, and radians.
    """

    parameter: int
    factor: float = 1.0
    shift: float = 0.0

    def at(self, parameters: Sequence[float]) -> float:
        """The angle in radians, given the value of every parameter."""
        return self.factor * float(parameters[self.parameter]) + self.shift

    def __neg__(self) -> Angle:
        return self * -1.0

    def __mul__(self, by: float) -> Angle:
        if not isinstance(by, Real):
            return NotImplemented
        return Angle(self.parameter, self.factor * by, self.shift * by + 0.0)  # never -0.0

    __rmul__ = __mul__

    def __truediv__(self, by: float) -> Angle:
        if not isinstance(by, Real):
            return NotImplemented
        return Angle(self.parameter, self.factor / by, self.shift / by + 0.0)

    def __add__(self, more: float) -> Angle:
        if not isinstance(more, Real):
            return NotImplemented
        return Angle(self.parameter, self.factor, self.shift + more)

    __radd__ = __add__

    def __sub__(self, less: float) -> Angle:
        if not isinstance(less, Real):
            return NotImplemented
        return self + -less


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate, checked when it enters a circuit.

    Attributes
    ----------
    name
        A name of `qupel.model.gates.GATES`, which defines its matrix.
    qubits
        The qubits it acts on, controls first.
    angles
        Radians, or an `Angle` that follows a parameter.
    """

    name: str
    qubits: tuple[int, ...]
    angles: tuple[float | Angle, ...] = ()


def checked_gate(gate: Gate, place: int, qubits: int, parameters: int) -> Gate:
    """The gate, its numbers as Python's own, or an error that says what does not fit."""
    if not isinstance(gate, Gate):
        raise InputError(
            f"gate {place} is {gate!r:.60}; write Gate('cx', (0, 1)), Gate('h', (0,)) …"
        )
    kind = GATES.get(gate.name) or kind_of(gate.name)
    where = f"gate {place} ({gate.name!r})"
    for given in (gate.qubits, gate.angles):
        if not isinstance(given, (tuple, list)):
            raise InputError(f"{where}: qubits and angles are tuples, got {given!r:.60}")
    if len(gate.qubits) != kind.qubits:
        raise InputError(f"{where} acts on {kind.qubits} qubits, got {listed(gate.qubits)}")
    on = tuple(checked_qubit(q, qubits, where) for q in gate.qubits)
    if kind.qubits > 1 and len(set(on)) < kind.qubits:
        raise InputError(f"{where} needs different qubits, got {listed(on)}")
    if len(gate.angles) != kind.angles:
        raise InputError(f"{where} takes {kind.angles} angles, got {len(gate.angles)}")
    angles = tuple(_angle(a, parameters, where) for a in gate.angles)
    plain = type(gate.qubits) is tuple and type(gate.angles) is tuple
    kept = plain and all(map(is_, on, gate.qubits)) and all(map(is_, angles, gate.angles))
    return gate if kept else Gate(gate.name, on, angles)


def checked_qubit(qubit: Any, qubits: int, where: str) -> int:
    """A qubit that there is, as Python's own number."""
    if type(qubit) is int and 0 <= qubit < qubits:
        return qubit
    if isinstance(qubit, np.integer):
        return checked_qubit(int(qubit), qubits, where)
    raise InputError(f"{where}: there is no qubit {qubit!r}; there are qubits 0 to {qubits - 1}")


def _angle(angle: Any, parameters: int, where: str) -> float | Angle:
    if isinstance(angle, Angle):
        if type(angle.parameter) is not int or not 0 <= angle.parameter < parameters:
            raise InputError(
                f"{where} follows parameter {angle.parameter!r}, but the circuit names "
                f"{parameters}; give parameter_names one name for each"
            )
        if math.isfinite(angle.factor) and math.isfinite(angle.shift):
            return angle
    elif isinstance(angle, (int, float, np.floating)) and math.isfinite(angle):
        return float(angle)
    raise InputError(f"{where}: an angle is a finite number of radians, got {angle!r}")
