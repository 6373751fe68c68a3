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
- distances and T states as in `qupel.backends.advice.surface_code`.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from qupel.backends.advice.logical import LogicalCounts
from qupel.backends.advice.surface_code import Factory, SurfaceCode
from qupel.errors import InputError
from qupel.model.circuit import Circuit


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
