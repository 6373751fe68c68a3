"""Circuits as lists of matrices, ready to be fused and applied.

Every gate with one angle is ``A + B cos(w angle) + C sin(w angle)``; the three matrices are found
once from the gate's definition, and all gates of a name are then filled in together. What does
not depend on the parameters is laid out once a circuit, so that evaluating it at other parameters
costs little beside the evaluation itself.

How gates are fused, and sorted into passes over memory, is told in the notes on the state vector
(docs/performance/design-statevector.md); `passes` shows the outcome for a circuit.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Complex128, Float64, Int32, Int64, UInt8
from numpy.typing import NDArray

from qupel.errors import InputError
from qupel.kernels.gates import GateList, Pass, plan
from qupel.model.circuit import Circuit
from qupel.model.gate import Angle
from qupel.model.gates import GATES, matrix

#: A value for each of a circuit's parameters.
Values = Sequence[float] | NDArray[np.float64]

#: Gates whose matrix turns with the whole angle; all other one-angle gates turn with half of it.
_WHOLE_ANGLE = frozenset({"p", "cp", "xy"})


@dataclass(frozen=True, slots=True, eq=False)
class Turning:
    """All gates of one name with angles, and where they belong in the list.

    Attributes
    ----------
    name
        The gates' name.
    gates
        Their places in the circuit.
    entries
        Where each one's matrix begins.
    parameter, factor, shift
        Of each angle: ``factor * parameters[parameter] + shift``, the parameter −1 if there is
        none. One row a gate, one column an angle.
    """

    name: str
    gates: Int64[np.ndarray, " gates"]
    entries: Int64[np.ndarray, " gates"]
    parameter: Int64[np.ndarray, "gates angles"]
    factor: Float64[np.ndarray, "gates angles"]
    shift: Float64[np.ndarray, "gates angles"]

    def angles(
        self, parameters: Float64[np.ndarray, " parameters"]
    ) -> Float64[np.ndarray, "gates angles"]:
        """Every angle in radians."""
        followed = np.append(parameters, 0.0)[self.parameter]  # place -1 is the zero
        return self.factor * followed + self.shift


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """A circuit as arrays, all but the matrices that turn.

    Attributes
    ----------
    list
        The gates, matrices of gates with angles left zero.
    turning
        The gates with angles, by name.
    diagonal
        One for each gate whose matrix is diagonal whatever its angles.
    """

    list: GateList
    turning: tuple[Turning, ...]
    diagonal: UInt8[np.ndarray, " gates"]

    def at(self, parameters: Float64[np.ndarray, " parameters"]) -> GateList:
        """All matrices at these parameters."""
        if not self.turning:
            return self.list
        entries = self.list.matrices.copy()
        for kind in self.turning:
            filled = matrices(kind.name, kind.angles(parameters))
            places = kind.entries[:, None] + np.arange(filled.shape[1])
            entries[places] = filled
        return GateList(self.list.qubits, self.list.starts, entries)

    def slopes(
        self, parameters: Float64[np.ndarray, " parameters"]
    ) -> tuple[
        Int32[np.ndarray, " slopes"],
        Complex128[np.ndarray, " entries"],
        Int64[np.ndarray, " slopes"],
        Float64[np.ndarray, " slopes"],
    ]:
        """Derivatives of all matrices by the angles that follow a parameter.

        Returns
        -------
        owners, entries
            The gate of each derivative, and the derivatives' entries in a row.
        parameter, factor
            The parameter each angle follows, and radians per unit of it.
        """
        owners, entries = [np.zeros(0, np.int64)], [np.zeros(0, np.complex128)]
        followed, factors = [np.zeros(0, np.int64)], [np.zeros(0)]
        for kind in self.turning:
            angles = kind.angles(parameters)
            for k in range(angles.shape[1]):
                free = np.flatnonzero(kind.parameter[:, k] >= 0)
                if free.size:
                    owners.append(kind.gates[free])
                    entries.append(derivatives(kind.name, angles[free], k).reshape(-1))
                    followed.append(kind.parameter[free, k])
                    factors.append(kind.factor[free, k])
        return (
            np.concatenate(owners).astype(np.int32),
            np.concatenate(entries),
            np.concatenate(followed),
            np.concatenate(factors),
        )


def gate_list(circuit: Circuit, parameters: Values = ()) -> GateList:
    """Matrices of all gates at these parameters."""
    return laid_out(circuit).at(checked(circuit, parameters))


def passes(circuit: Circuit, parameters: Values = (), *, single: bool = True) -> tuple[Pass, ...]:
    """Return the walks over memory that a simulation makes, and what each of them does."""
    return plan(circuit.qubits, gate_list(circuit, parameters), single=single)


def checked(circuit: Circuit, parameters: Values) -> Float64[np.ndarray, " parameters"]:
    """Parameters as an array, as many finite numbers as the circuit has names."""
    values = np.array(parameters, np.float64)
    if values.shape != (len(circuit.parameter_names),) or not np.isfinite(values).all():
        raise InputError(
            f"the circuit has {len(circuit.parameter_names)} parameters, each a finite number, "
            f"got {values.size} values of shape {values.shape}"
        )
    return values


# The circuits laid out last, by identity: equality would compare every gate.
_recent: deque[tuple[Circuit, Laid]] = deque(maxlen=8)


def laid_out(circuit: Circuit) -> Laid:
    """Arrays of a circuit; those of the last few are kept."""
    for known, laid in tuple(_recent):
        if known is circuit:
            return laid
    laid = _lay_out(circuit)
    _recent.append((circuit, laid))
    return laid


def _lay_out(circuit: Circuit) -> Laid:
    gates = circuit.gates
    qubits: list[int] = []
    starts = [0]
    entries: list[int] = []
    total = 0
    places: dict[str, list[int]] = {}
    for place, gate in enumerate(gates):
        qubits += gate.qubits
        starts.append(len(qubits))
        entries.append(total)
        total += 1 << (2 * len(gate.qubits))
        places.setdefault(gate.name, []).append(place)
    begins = np.array(entries, np.int64)
    numbers = np.zeros(total, np.complex128)
    flat = np.zeros(len(gates), np.uint8)
    turning = []
    for name, found in places.items():
        at = np.array(found, np.int64)
        flat[at] = _is_diagonal(name)
        if GATES[name].angles:
            angles = [[_linear(a) for a in gates[k].angles] for k in found]
            table = np.array(angles, np.float64)
            turning.append(
                Turning(
                    name,
                    at,
                    begins[at],
                    table[..., 0].astype(np.int64),
                    table[..., 1],
                    table[..., 2],
                )
            )
        else:
            fixed = matrix(name).reshape(-1)
            numbers[begins[at][:, None] + np.arange(fixed.size)] = fixed
    held = GateList(np.array(qubits, np.int32), np.array(starts, np.int32), numbers)
    return Laid(held, tuple(turning), flat)


def _linear(angle: float | Angle) -> tuple[float, float, float]:
    """Parameter (−1 for none), factor and shift."""
    if isinstance(angle, Angle):
        return angle.parameter, angle.factor, angle.shift
    return -1, 0.0, float(angle)


@cache
def _is_diagonal(name: str) -> bool:
    generic = matrix(name, [0.7 + k for k in range(GATES[name].angles)])
    return not (generic - np.diag(generic.diagonal())).any()


@cache
def _parts(name: str) -> tuple[float, Any]:
    """``w`` and the matrices ``A, B, C`` of a gate with one angle, a row each."""
    w = 1.0 if name in _WHOLE_ANGLE else 0.5
    zero, half, whole = (matrix(name, [k * math.pi / w]).reshape(-1) for k in (0, 0.5, 1))
    a = (zero + whole) / 2
    # Their entries are 0, 1/2 or 1 in size; rounding takes away sin(pi), which is not quite zero.
    return w, np.round(np.array([a, (zero - whole) / 2, half - a]), 12) + 0.0


def matrices(
    name: str, angles: Float64[np.ndarray, "gates angles"]
) -> Complex128[np.ndarray, "gates entries"]:
    """Matrices of many gates of one name, a row each."""
    if angles.shape[1] != 1:
        return np.array([matrix(name, row).reshape(-1) for row in angles])
    w, (a, b, c) = _parts(name)
    return a + np.cos(w * angles) * b + np.sin(w * angles) * c


def derivatives(
    name: str, angles: Float64[np.ndarray, "gates angles"], k: int
) -> Complex128[np.ndarray, "gates entries"]:
    """Derivatives of the matrices by angle ``k``."""
    if angles.shape[1] == 1:
        w, (_, b, c) = _parts(name)
        return w * (np.cos(w * angles) * c - np.sin(w * angles) * b)
    # Gate u turns with half of theta and the whole of phi and lam.
    up, down = angles.copy(), angles.copy()
    if k == 0:
        up[:, 0] += math.pi
        return matrices(name, up) / 2
    up[:, k] += math.pi / 2
    down[:, k] -= math.pi / 2
    return (matrices(name, up) - matrices(name, down)) / 2
