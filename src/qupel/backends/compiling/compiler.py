"""The compiler: gather, place, route, write."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from qupel.backends.compiling.compiled import Compiled, Size
from qupel.backends.compiling.operations import Operation, gathered, lowered
from qupel.backends.compiling.routing import routed
from qupel.backends.compiling.target import Device, Edges, Target, largest_part
from qupel.backends.compiling.writing import native_gates
from qupel.errors import InputError
from qupel.kernels.swaps import Lattice
from qupel.model.circuit import Circuit

#: Placements tried, unless the caller says otherwise.
TRIALS = 24


def compile_circuit(
    circuit: Circuit,
    target: Target | Device,
    *,
    seed: int = 0,
    trials: int = TRIALS,
    threads: int = 1,
) -> Compiled:
    """Rewrite a circuit in a device's gates, on pairs it couples, with the same readings.

    Runs of gates on one qubit or one pair become as few native gates as their unitary needs,
    ``swap`` becomes a change of names, Z turns are moved on and merged, and a router puts in
    swaps: see the modules ``pairs``, ``turns`` and ``routing`` beside this one. Equal arguments
    give equal circuits.

    Parameters
    ----------
    circuit
        Any circuit without free parameters.
    target
        A gate set with its coupling map, or a device profile.
    seed
        Of placements and ties.
    trials
        Placements to start from; more take longer and save swaps.
    threads
        Threads that look for swaps; they change the time alone.

    Raises
    ------
    InputError
        If the circuit has free parameters or more qubits than the target, or if ``trials`` or
        ``threads`` is below 1.
    """
    began = time.perf_counter()
    if not isinstance(target, Target):
        target = Target.of(target)
    for name, count in (("trials", trials), ("threads", threads)):
        if count < 1:
            raise InputError(f"{name} must be at least 1, got {count}")
    if circuit.qubits > target.qubits:
        raise InputError(
            f"the circuit has {circuit.qubits} qubits, the device {target.qubits}; "
            "choose a larger device"
        )
    operations, wires = lowered(circuit)
    operations = gathered(operations)
    written = native_gates(operations, circuit.qubits, target)
    measured = range(circuit.qubits) if circuit.measured is None else circuit.measured
    unrouted = Circuit(circuit.qubits, written, [wires[q] for q in measured])
    start, end, out = tuple(range(circuit.qubits)), wires, unrouted
    if target.edges is not None:
        start, moved, operations = _routed(
            operations, circuit.qubits, target, trials, seed, threads
        )
        end = tuple(moved[wire] for wire in wires)
        directed = frozenset(target.edges) if target.directed else None
        written = native_gates(gathered(operations), target.qubits, target, directed)
        out = Circuit(target.qubits, written, [end[q] for q in measured])
    return Compiled(
        out, start, end, Size.of(circuit), Size.of(unrouted), Size.of(out),
        time.perf_counter() - began,
    )  # fmt: skip


def _routed(
    operations: Sequence[Operation],
    qubits: int,
    target: Target,
    trials: int,
    seed: int,
    threads: int,
) -> tuple[tuple[int, ...], tuple[int, ...], list[Operation]]:
    """Where each wire starts and ends, and operations on physical qubits."""
    lattice, kept = _connected(target.qubits, target.edges or ())
    if qubits > len(kept):
        raise InputError(
            f"the circuit has {qubits} qubits, the largest connected part of the device "
            f"{len(kept)}; choose a larger device"
        )
    drawn = int(np.random.default_rng(seed).integers(2**63))
    native = target.entangler if target.qubits > 1 else "cz"  # one qubit has no pair to need it
    found = routed(operations, qubits, lattice, native, trials=trials, seed=drawn, threads=threads)
    on = [item.on(tuple(kept[q] for q in item.qubits)) for item in found.operations]
    return tuple(kept[q] for q in found.start), tuple(kept[q] for q in found.end), on


@lru_cache(maxsize=16)
def _connected(qubits: int, edges: Edges) -> tuple[Lattice, tuple[int, ...]]:
    """The largest connected part of a coupling map, and the device's number of each qubit."""
    kept = largest_part(qubits, edges)
    number = {q: k for k, q in enumerate(kept)}
    inner = [(number[a], number[b]) for a, b in edges if a in number and b in number]
    return Lattice(len(kept), inner), kept
