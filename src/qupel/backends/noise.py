"""Noise of a device, from what its profile says of gates, coherence, times and readout.

A published gate fidelity is the average over all input states. A channel that leaves the qubits
maximally mixed with probability ``p`` has average fidelity ``1 - p (d - 1) / d`` for ``d`` levels,
so ``p = (1 - F) d / (d - 1)``: twice the infidelity of a gate on one qubit, four thirds of it on
two. What the fidelity lacks includes the decay during the gate, so decay is not added to it: the
channel of a gate is relaxation for its duration, then as much depolarisation as is left over.

References
----------
Nielsen (2002), A simple formula for the average gate fidelity of a quantum dynamical operation,
doi:10.1016/S0375-9601(02)01272-0.
"""

from __future__ import annotations

import heapq
import math

import numpy as np

from qupel.backends.catalogue.figures import Coherence, GateTimes
from qupel.backends.catalogue.profile import DeviceProfile
from qupel.errors import InputError
from qupel.model.circuit import Circuit
from qupel.model.gate import Gate
from qupel.model.gates import GATES
from qupel.simulators.density import DensityMatrix
from qupel.simulators.noise import (
    Channel,
    NoiseModel,
    Readout,
    Rule,
    depolarising,
    thermal_relaxation,
)
from qupel.simulators.statevector import StateVector

#: Gates that devices do by turning a frame of reference: no time, no error.
VIRTUAL = frozenset({"rz", "p", "z", "s", "sdg", "t", "tdg"})
#: Two-qubit gates that a gate on three qubits is made of, at least.
PARTS_OF_THREE = 6


def noise_model(profile: DeviceProfile, *, scale: float = 1.0) -> NoiseModel:
    """Noise of a device's median qubits.

    Gates on one qubit, virtual ones aside, and on two are followed by a channel of their published
    fidelity, relaxation included; gates on three by that of a two-qubit gate on each qubit for
    every two-qubit gate they stand for. ``id`` stands for waiting as long as a two-qubit gate takes
    (see `idled`). Errors of preparation count as errors of the readout: exact for one qubit that is
    measured at once, close for small errors. Losses cost shots only, since such shots are repeated.

    Parameters
    ----------
    profile
        A gate device.
    scale
        Factor on all errors and decay rates: 0 for none, 1 for the published ones.

    Raises
    ------
    InputError
        If the profile is of no gate device, or ``scale`` makes an error larger than there can be.
    """
    if profile.fidelities is None or profile.times is None:
        raise InputError(f"profile {profile.name!r} has no gate fidelities, so no noise model")
    if not 0 <= scale < math.inf:
        raise InputError(f"scale must be a number from 0, got {scale}")
    errors, times = profile.fidelities, profile.times
    decay = _scaled(profile.coherence, scale)
    names = {
        size: frozenset(
            name
            for name, kind in GATES.items()
            if kind.qubits == size and name not in VIRTUAL and name != "id"
        )
        for size in (1, 2, 3)
    }
    rules = []
    for size, fidelity, seconds in (
        (1, errors.one_qubit, times.one_qubit),
        (2, errors.two_qubit, times.two_qubit),
    ):
        relaxed = relaxation(decay, seconds)
        if relaxed is not None:
            rules.append(Rule(relaxed, names[size]))
        rest = left_over(1 - scale * (1 - fidelity), size, relaxed)
        if rest > 0:
            rules.append(Rule(depolarising(rest, size), names[size]))
    rules += _three(1 - scale * (1 - errors.two_qubit), names[3])
    waiting = relaxation(decay, times.two_qubit)
    if waiting is not None:
        rules.append(Rule(waiting, frozenset({"id"})))
    unprepared = 1 - errors.preparation
    false_one = min(0.5, scale * (errors.false_one + unprepared))
    false_zero = min(0.5, scale * (errors.false_zero + unprepared))
    return NoiseModel(tuple(rules), Readout(false_one, false_zero) if scale else None)


def depolarising_probability(fidelity: float, qubits: int) -> float:
    """Probability of the maximally mixed state, from the average fidelity of a gate.

    >>> round(depolarising_probability(0.999, 1), 12), round(depolarising_probability(0.997, 2), 12)
    (0.002, 0.004)
    """
    levels = 2**qubits
    found = (1 - fidelity) * levels / (levels - 1)
    if not 0 <= found <= 1:
        raise InputError(
            f"an average fidelity of a gate on {qubits} qubits lies between 1/{levels} and 1, "
            f"got {fidelity}"
        )
    return found


def average_fidelity(channel: Channel) -> float:
    """Fidelity with doing nothing, averaged over all pure states."""
    levels = 2**channel.qubits
    return (levels * _process_fidelity(channel) + 1) / (levels + 1)


def left_over(fidelity: float, qubits: int, relaxed: Channel | None) -> float:
    """Probability of depolarisation that, after relaxation of each qubit, gives this fidelity.

    Zero where relaxation alone costs as much or more.
    """
    levels = 2**qubits
    depolarising_probability(fidelity, qubits)  # says if there is no such fidelity
    wanted = ((levels + 1) * fidelity - 1) / levels
    reached = 1.0 if relaxed is None else _process_fidelity(relaxed) ** qubits
    return max(0.0, (reached - wanted) / (reached - 1 / levels**2))


def relaxation(coherence: Coherence | None, seconds: float) -> Channel | None:
    """Decay of one qubit in so many seconds; None where there is none."""
    if coherence is None or seconds == 0 or math.isinf(coherence.t2):
        return None
    return thermal_relaxation(coherence.t1, coherence.t2, seconds)


def idled(circuit: Circuit, times: GateTimes) -> Circuit:
    """Put gates ``id`` where qubits wait, each for as long as a two-qubit gate takes.

    Gates start as early as their qubits allow, two-qubit gates no more than ``times.parallel`` at
    once, and all qubits are read when the last gate ends. A wait is rounded to whole gates; a qubit
    that was not touched yet is in its ground state and needs none.
    """
    unit = times.two_qubit
    if unit == 0:
        return circuit
    slots = [0.0] * times.parallel if times.parallel else []
    ready: dict[int, float] = {}
    gates: list[Gate] = []

    def wait(qubit: int, until: float) -> None:
        if qubit in ready:
            gates.extend([Gate("id", (qubit,))] * round((until - ready[qubit]) / unit))

    for gate in circuit.gates:
        seconds = _seconds(gate, times)
        start = max(ready.get(q, 0.0) for q in gate.qubits)
        if slots and len(gate.qubits) > 1:
            start = max(start, heapq.heappop(slots))
            heapq.heappush(slots, start + seconds)
        for qubit in gate.qubits:
            wait(qubit, start)
            ready[qubit] = start + seconds
        gates.append(gate)
    end = max(ready.values(), default=0.0)
    for qubit in sorted(ready):
        wait(qubit, end)
    return Circuit(circuit.qubits, gates, circuit.measured)


def state_fidelity(circuit: Circuit, noise: NoiseModel) -> float:
    """Overlap of the noisy final state with the ideal one, readout aside; up to 13 qubits."""
    ideal = StateVector().run(circuit)
    noisy = DensityMatrix(noise).run(circuit)
    return float(np.vdot(ideal, noisy @ ideal).real)


def _scaled(coherence: Coherence | None, scale: float) -> Coherence | None:
    if coherence is None or scale == 0:
        return None
    return Coherence(coherence.t1 / scale, coherence.t2 / scale)


def _three(fidelity: float, names: frozenset[str]) -> list[Rule]:
    """Rules after gates on three qubits: each qubit takes part in two thirds of their parts."""
    one = depolarising_probability(fidelity, 2)
    each = 1 - (1 - one) ** (PARTS_OF_THREE * 2 / 3)
    return [Rule(depolarising(each, 1), names)] if each > 0 else []


def _seconds(gate: Gate, times: GateTimes) -> float:
    if gate.name in VIRTUAL:
        return 0.0
    if gate.name == "id" or len(gate.qubits) == 2:
        return times.two_qubit
    return times.one_qubit if len(gate.qubits) == 1 else PARTS_OF_THREE * times.two_qubit


def _process_fidelity(channel: Channel) -> float:
    levels = 2**channel.qubits
    return float(sum(abs(np.trace(k)) ** 2 for k in channel.kraus)) / levels**2
