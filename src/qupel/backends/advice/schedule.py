"""Schedules: how long a compiled circuit takes on a device, and how long its qubits wait."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from qupel.backends.catalogue.figures import GateTimes
from qupel.model.circuit import Circuit

#: Turns that are changes of frame and take no time.
VIRTUAL = frozenset({"id", "rz", "p", "z", "s", "sdg", "t", "tdg"})


@dataclass(frozen=True, slots=True)
class Schedule:
    """When the gates of a circuit are done, each as soon as it can be.

    Attributes
    ----------
    seconds
        From the first gate's start to the last one's end.
    idle
        For each qubit that a gate touches, in seconds: how long it waits after its first gate.
    """

    seconds: float
    idle: dict[int, float]


def schedule(circuit: Circuit, times: GateTimes) -> Schedule:
    """Schedule a circuit in native gates.

    Every gate starts as soon as its qubits are free and, for gates on two qubits or more, as soon
    as one of the ``parallel`` places for them is. All qubits are read at the end together.
    """
    free = [0.0] * circuit.qubits
    first: dict[int, float] = {}
    busy: dict[int, float] = {}
    places = [] if times.parallel is None else [0.0] * times.parallel
    for gate in circuit.gates:
        if gate.name in VIRTUAL:
            continue
        start = max(free[q] for q in gate.qubits)
        takes = times.one_qubit if len(gate.qubits) == 1 else times.two_qubit
        if places and len(gate.qubits) > 1:
            start = max(start, heapq.heappop(places))
            heapq.heappush(places, start + takes)
        for q in gate.qubits:
            free[q] = start + takes
            first.setdefault(q, start)
            busy[q] = busy.get(q, 0.0) + takes
    end = max(free)
    return Schedule(end, {q: max(0.0, end - first[q] - busy[q]) for q in first})
