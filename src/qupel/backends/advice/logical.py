"""What of a circuit costs something on an error-corrected machine."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from qupel.errors import InputError
from qupel.model.circuit import Circuit
from qupel.model.gate import Angle, Gate

_CLOSE = 1e-9


@dataclass(frozen=True, slots=True)
class LogicalCounts:
    """Operations of a circuit that cost something on an error-corrected machine.

    Clifford gates cost nothing there beyond the measurements that they are moved into.

    Attributes
    ----------
    qubits
        Qubits of the circuit.
    t_gates
        Turns by an odd multiple of a quarter of pi.
    rotations
        Turns by other angles.
    rotation_depth
        Layers of them that follow each other on some qubit.
    toffolis
        ``ccx``, ``ccz`` and ``cswap``.
    measurements
        Qubits that are read.
    """

    qubits: int
    t_gates: int = 0
    rotations: int = 0
    rotation_depth: int = 0
    toffolis: int = 0
    measurements: int = 0

    def __post_init__(self) -> None:
        if self.qubits < 1:
            raise InputError(f"qubits must be at least 1, got {self.qubits}")
        for name in ("t_gates", "rotations", "rotation_depth", "toffolis", "measurements"):
            value = getattr(self, name)
            if type(value) is not int or value < 0:
                raise InputError(f"{name} must be a whole number from 0, got {value!r}")
        if not (self.rotation_depth <= self.rotations <= self.rotation_depth * self.rotations):
            raise InputError(
                f"{self.rotations} rotations make from one to as many layers, got "
                f"{self.rotation_depth}"
            )

    @classmethod
    def of(cls, circuit: Circuit) -> Self:
        """Count a circuit as it stands, nothing merged; `InputError` if it has free parameters."""
        t_gates = rotations = toffolis = 0
        layers = [0] * circuit.qubits
        for gate in circuit.gates:
            if any(isinstance(angle, Angle) for angle in gate.angles):
                raise InputError("the circuit has free parameters; bind them: circuit.bind(values)")
            own = 0
            for angle in _turns(gate):
                if abs(math.remainder(angle, math.pi / 2)) < _CLOSE:
                    continue
                if abs(math.remainder(angle, math.pi / 4)) < _CLOSE:
                    t_gates += 1
                else:
                    own += 1
            toffolis += len(gate.qubits) == 3
            rotations += own
            # Turns of one gate that commute are done side by side: those around parities are.
            deep = own if gate.name in {"u", "crx", "cry"} else min(own, 1)
            level = deep + max(layers[q] for q in gate.qubits)
            for q in gate.qubits:
                layers[q] = level
        measured = circuit.qubits if circuit.measured is None else len(circuit.measured)
        return cls(circuit.qubits, t_gates, rotations, max(layers), toffolis, measured)


def _turns(gate: Gate) -> Iterable[float]:
    """Angles of the Pauli turns that a gate is made of beside Clifford gates and Toffolis."""
    angles = [float(angle) for angle in gate.angles if not isinstance(angle, Angle)]
    match gate.name:
        case "t" | "tdg":
            return (math.pi / 4,)
        case "rx" | "ry" | "rz" | "p" | "rxx" | "ryy" | "rzz" | "rzx" | "u":
            return angles
        case "xy":
            return (angles[0], angles[0])
        case "ch":
            return (math.pi / 4, math.pi / 4)
        case "cp":
            return (angles[0] / 2,) * 3
        case "crx" | "cry" | "crz":
            return (angles[0] / 2,) * 2
    return ()
