"""Routing: placements and swaps by which every gate acts on a coupled pair.

The search itself is `qupel.kernels.swaps`; here operations are laid out for it, and its path is
read back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qupel.backends.compiling.counting import gates_needed
from qupel.backends.compiling.operations import Operation, swap
from qupel.kernels.swaps import Lattice, Manner, Search, Start, Steps
from qupel.model.gates import SWAP

#: Ways of choosing swaps that are tried: the first seeks little depth, the second few gates.
MANNERS = tuple(
    Manner(commuting, start, power=power, chain=chain, late=late)
    for power, chain, late in ((0.7, 1.0, 0.0065), (1.0, 3.0, 0.002))
    for start in Start
    for commuting in (True, False)
)
#: Passes forwards from every placement, and refinements of the best path for each placement.
PASSES, REFINEMENTS = 3, 3
#: What a layer of native gates costs each qubit that waits, in two-qubit gates; about so on
#: devices of today, where a gate on two qubits takes as long as a few layers.
WAITING = 0.012
#: Steps of the search for a placement that needs no swap.
EMBEDDING = 20_000
#: Layers that so many native two-qubit gates take with the turns between them.
_LAYERS = np.array([0.0, 3.0, 8.0, 11.0])
_SWAP_LAYERS = 9.0
_AXES = {None: -1, "Z": 0, "X": 1}


@dataclass(frozen=True, slots=True, eq=False)
class Routed:
    """Operations on physical qubits, every pair coupled.

    Attributes
    ----------
    operations
        In order; swaps among them.
    start, end
        The physical qubit of each logical one before and after.
    swaps
        How many swaps were put in.
    """

    operations: list[Operation]
    start: tuple[int, ...]
    end: tuple[int, ...]
    swaps: int


def routed(
    operations: Sequence[Operation],
    qubits: int,
    lattice: Lattice,
    native: str,
    *,
    trials: int,
    seed: int,
    threads: int = 1,
) -> Routed:
    """Route from several placements and keep the cheapest.

    If the coupled pairs of the circuit fit on the lattice as they are, nothing is swapped.

    Parameters
    ----------
    operations, qubits
        The circuit.
    lattice
        Where it is to run.
    native
        Two-qubit gate that operations and swaps are written in.
    trials
        Placements to start from.
    seed
        Of placements and ties.
    threads
        They change the time alone.
    """
    steps = _laid_out(operations, qubits, native)
    search = Search(lattice, steps, MANNERS, layer=WAITING * qubits, seed=seed)
    if not search.embed(EMBEDDING):
        search.advance(trials, PASSES, threads)
        search.refine(REFINEMENTS * trials, threads)
    path = search.best()
    out = [
        operations[k].on((a,) if b < 0 else (a, b)) if k >= 0 else swap(a, b)
        for k, a, b in path.steps.tolist()
    ]
    return Routed(out, tuple(path.start.tolist()), tuple(path.end.tolist()), path.swaps)


def _laid_out(operations: Sequence[Operation], qubits: int, native: str) -> Steps:
    pairs = [k for k, item in enumerate(operations) if len(item.qubits) == 2]
    on, axes = np.full((2, len(operations), 2), -1, np.int32)
    for k, item in enumerate(operations):
        on[k, : len(item.qubits)] = item.qubits
        axes[k, : len(item.qubits)] = [_AXES[axis] for axis in item.axes]
    unitaries = np.array([operations[k].matrix for k in pairs]).reshape(-1, 4, 4) + 0j
    alone, joined = gates_needed(unitaries, native), gates_needed(SWAP @ unitaries, native)
    gates, layers = np.zeros(len(operations)), np.zeros((len(operations), 2))
    gates[pairs] = joined - alone
    layers[pairs] = np.column_stack((_LAYERS[alone], _LAYERS[joined]))
    return Steps(qubits, on, axes, gates, layers, swap=(3.0, _SWAP_LAYERS))
