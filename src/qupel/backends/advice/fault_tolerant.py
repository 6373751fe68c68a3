"""What a circuit would take on an error-corrected machine: closed forms for the surface code.

No such machine can be hired today. The numbers tell how far away it is, and move with every better
code: read them as orders of magnitude.

Equations, by source:

- layout and depth, from counts of operations: Beverland et al. (2022), Assessing requirements to
  scale to practical quantum advantage, arXiv:2211.07629, section III. ``n`` qubits take
  ``Q = 2 n + ceil(sqrt(8 n)) + 1`` logical ones, routing lanes included; every measurement, T gate
  and rotation takes a logical step, a Toffoli three, a layer of rotations as many as a rotation
  has T states;
- a rotation takes ``ceil(0.53 log2(R / eps) + 5.3)`` T states where ``R`` of them may err by
  ``eps`` together: Kliuchnikov et al. (2022), arXiv:2203.10064; a Toffoli takes four: Jones (2013),
  doi:10.1103/PhysRevA.87.022328;
- error of a logical qubit in a step of ``d`` cycles: ``p_L = A (p / p_th)^((d + 1) / 2)``, by
  Fowler et al. (2012), doi:10.1103/PhysRevA.86.032324, section VII, with ``A`` = 0.03 and
  ``p_th`` = 0.01 of Beverland et al.; a logical qubit takes ``2 d^2`` physical ones;
- T states: rounds of 15-to-1 distillation, ``35 p^3`` in place of ``p``, by Bravyi & Kitaev (2005),
  doi:10.1103/PhysRevA.71.022316, each unit on 11 tiles for 11 steps: Litinski (2019),
  doi:10.22331/q-2019-03-05-128. How rounds follow each other is a plain choice of ours, stated at
  `Factory`; Gidney & Fowler (2019), doi:10.22331/q-2019-04-30-135, need fewer qubits.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Self

from qupel.backends.catalogue.profile import DeviceProfile
from qupel.errors import InputError, RefusedError
from qupel.model.circuit import Angle, Circuit, Gate

#: Tiles and logical steps of one unit that makes one T state of fifteen.
TILES, STEPS = 11, 11
#: Odd code distances beyond this are not looked at.
FARTHEST = 999
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


@dataclass(frozen=True, slots=True)
class SurfaceCode:
    """A surface code on qubits of one quality.

    Attributes
    ----------
    error
        Chance that a physical operation errs.
    cycle_seconds
        Of one round of syndrome measurement: four two-qubit gates and two readings.
    prefactor, threshold
        ``A`` and ``p_th``.
    """

    error: float = 1e-3
    cycle_seconds: float = 1e-6
    prefactor: float = 0.03
    threshold: float = 0.01

    def __post_init__(self) -> None:
        for name in ("error", "prefactor", "threshold"):
            if not 0 < getattr(self, name) < 1:
                raise InputError(f"{name} must lie between 0 and 1, got {getattr(self, name)}")
        if not (math.isfinite(self.cycle_seconds) and self.cycle_seconds > 0):
            raise InputError(f"cycle_seconds must be above 0, got {self.cycle_seconds}")

    @classmethod
    def of(cls, profile: DeviceProfile, error: float | None = None) -> Self:
        """The code as if a device had enough qubits of the quality it has.

        Parameters
        ----------
        profile
            Its times count, and its worst error: of a gate, or of reading a qubit.
        error
            In place of the worst error.

        Raises
        ------
        InputError
            If no fidelities and times are published.
        """
        if profile.fidelities is None or profile.times is None:
            raise InputError(f"{profile.name} has no published figures for gates")
        fidelities, times = profile.fidelities, profile.times
        worst = max(1 - fidelities.two_qubit, 1 - fidelities.readout, 1 - fidelities.one_qubit)
        if error is None and worst == 0:
            raise InputError(f"{profile.name} makes no errors: nothing is there to correct")
        return cls(worst if error is None else error, 4 * times.two_qubit + 2 * times.readout)

    def logical_error(self, distance: int) -> float:
        """Chance that a logical qubit errs in one step of ``distance`` cycles."""
        return self.prefactor * (self.error / self.threshold) ** ((distance + 1) / 2)

    def distance(self, error: float) -> int:
        """Smallest odd distance at which a logical qubit errs with at most this chance a step.

        Raises
        ------
        RefusedError
            If physical errors are not below the threshold, or no distance does.
        """
        if self.error >= self.threshold:
            raise RefusedError(
                f"physical operations err with chance {self.error:.3g}, the surface code needs "
                f"less than {self.threshold:.3g}: no distance helps"
            )
        for distance in range(3, FARTHEST + 1, 2):
            if self.logical_error(distance) <= error:
                return distance
        raise RefusedError(
            f"no distance up to {FARTHEST} brings the error to {error:.3g} at physical errors of "
            f"{self.error:.3g}; the threshold is {self.threshold:.3g}"
        )


@dataclass(frozen=True, slots=True)
class Factory:
    """Makes T states in rounds of 15-to-1 distillation.

    A round that is to err by ``e`` at most gives half of that to its own tiles and steps, which
    sets its distance, and half to distillation, which sets what the round before it may err by.
    The last round is one unit. A round before it has as many units as keep it busy: fifteen times
    the ratio of distances, since a unit takes eleven steps of its own distance.

    Attributes
    ----------
    distances
        Of each round; none if raw states are good enough.
    units
        Of each round.
    qubits
        Physical qubits.
    cycles
        From one T state to the next.
    error
        Of a T state: ``35 e^3`` of the round before plus the round's own.
    """

    distances: tuple[int, ...]
    units: tuple[int, ...]
    qubits: int
    cycles: int
    error: float

    @classmethod
    def of(cls, code: SurfaceCode, error: float) -> Self:
        """Fewest rounds whose T states err with at most the chance ``error``."""
        distances: list[int] = []
        while code.error > error:
            distances.insert(0, code.distance(error / 2 / (TILES * STEPS)))
            error = (error / 2 / 35) ** (1 / 3)
        if not distances:
            return cls((), (), 0, 0, code.error)
        units = [1]
        for before, after in reversed(list(itertools.pairwise(distances))):
            units.insert(0, math.ceil(15 * units[0] * before / after))
        state = code.error
        for distance in distances:
            state = 35 * state**3 + TILES * STEPS * code.logical_error(distance)
        qubits = sum(u * TILES * 2 * d**2 for u, d in zip(units, distances, strict=True))
        return cls(tuple(distances), tuple(units), qubits, STEPS * distances[-1], state)


@dataclass(frozen=True, slots=True)
class FaultTolerantEstimate:
    """What a circuit takes on an error-corrected machine.

    Attributes
    ----------
    counts, code, budget
        What was asked: operations, qubits, and the chance that the whole run errs.
    logical_qubits
        Routing lanes included.
    steps
        Logical steps, each of ``distance`` cycles.
    t_states, t_per_rotation
        T states in all, and for one rotation.
    distance, logical_error
        Of the code, and the chance of an error of one logical qubit in one step.
    data_qubits, factory_qubits
        Physical qubits of the logical ones and of the factories.
    factory, factories
        How T states are made, and how many such factories keep up.
    seconds
        Of one shot.
    """

    counts: LogicalCounts
    code: SurfaceCode
    budget: float
    logical_qubits: int
    steps: int
    t_states: int
    t_per_rotation: int
    distance: int
    logical_error: float
    data_qubits: int
    factory_qubits: int
    factory: Factory
    factories: int
    seconds: float

    @property
    def physical_qubits(self) -> int:
        """All physical qubits."""
        return self.data_qubits + self.factory_qubits

    @property
    def overhead(self) -> float:
        """Physical qubits to one qubit of the circuit."""
        return self.physical_qubits / self.counts.qubits

    def document(self) -> dict[str, Any]:
        """Plain data, as the command line prints it."""
        return {
            **asdict(self),
            "physical_qubits": self.physical_qubits,
            "overhead": self.overhead,
            "evidence": "closed forms of the surface code; no such machine can be hired",
        }


def fault_tolerant(
    program: Circuit | LogicalCounts, code: SurfaceCode, *, budget: float = 1e-3
) -> FaultTolerantEstimate:
    """What one shot of a circuit takes on an error-corrected machine.

    A third of the budget goes to errors of logical qubits, one to T states and one to rotations
    that are not exact.

    Parameters
    ----------
    program
        A circuit, or its counts.
    code
        Quality of the physical qubits.
    budget
        Chance that a shot errs anywhere, at most.

    Raises
    ------
    InputError
        If the circuit has free parameters or the budget is no chance.
    RefusedError
        If physical errors are above the threshold.
    """
    if not 0 < budget < 1:
        raise InputError(f"budget must lie between 0 and 1, got {budget}")
    counts = LogicalCounts.of(program) if isinstance(program, Circuit) else program
    share = budget / 3
    per_rotation = 0
    if counts.rotations:
        per_rotation = max(0, math.ceil(0.53 * math.log2(counts.rotations / share) + 5.3))
    t_states = counts.t_gates + 4 * counts.toffolis + counts.rotations * per_rotation
    qubits = 2 * counts.qubits + math.isqrt(8 * counts.qubits - 1) + 2
    steps = max(
        1,
        counts.measurements + counts.rotations + counts.t_gates + 3 * counts.toffolis
        + counts.rotation_depth * per_rotation,
    )  # fmt: skip
    distance = code.distance(share / (qubits * steps))
    factory, factories = Factory((), (), 0, 0, code.error), 0
    if t_states:
        factory = Factory.of(code, share / t_states)
        # One state must be there before the first step that needs it; more steps may be needed.
        steps = max(steps, math.ceil(factory.cycles / distance))
        distance = code.distance(share / (qubits * steps))
        factories = math.ceil(t_states * factory.cycles / (steps * distance))
    return FaultTolerantEstimate(
        counts=counts,
        code=code,
        budget=budget,
        logical_qubits=qubits,
        steps=steps,
        t_states=t_states,
        t_per_rotation=per_rotation,
        distance=distance,
        logical_error=code.logical_error(distance),
        data_qubits=qubits * 2 * distance**2,
        factory_qubits=factories * factory.qubits,
        factory=factory,
        factories=factories,
        seconds=steps * distance * code.cycle_seconds,
    )


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
