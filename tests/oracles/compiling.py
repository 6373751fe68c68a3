"""What a compiled circuit must be, from the definition: dense matrices and plain look-ups."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from qupel.model import Angle, Circuit
from tests.oracles import circuits


def permutation(places: Sequence[int], n: int) -> np.ndarray:
    """Matrix that moves bit ``k`` of an index to bit ``places[k]``, other bits being zero."""
    out = np.zeros((2**n, 2 ** len(places)))
    for index in range(2 ** len(places)):
        moved = sum(1 << place for k, place in enumerate(places) if index >> k & 1)
        out[moved, index] = 1
    return out


def deviation(
    original: Circuit, compiled: Circuit, start: Sequence[int], end: Sequence[int]
) -> float:
    """How far the compiled circuit is from the original, up to a phase.

    Logical states enter by ``start`` with all other physical qubits zero, and leave by ``end``:
    the greatest entry of the difference. Physical qubits that no gate touches are left out.
    """
    used = sorted({q for gate in compiled.gates for q in gate.qubits} | {*start, *end})
    place = {q: k for k, q in enumerate(used)}
    n = len(used)
    state = permutation([place[q] for q in start], n).astype(np.complex128)
    for gate in compiled.gates:
        moved = [place[q] for q in gate.qubits]
        angles = [angle for angle in gate.angles if not isinstance(angle, Angle)]
        state = circuits.embedded(n, circuits.gate_matrix(gate.name, angles), moved) @ state
    expected = permutation([place[q] for q in end], n) @ circuits.unitary(original)
    overlap = np.vdot(state, expected)
    if abs(overlap) == 0:
        return math.inf
    return float(np.abs(state * overlap / abs(overlap) - expected).max())


def faults(
    compiled: Circuit, gates: frozenset[str], edges: Sequence[tuple[int, int]] | None
) -> list[str]:
    """Gates that the set has not, and pairs that the map does not couple."""
    out = []
    coupled = None if edges is None else {(a, b) for a, b in edges} | {(b, a) for a, b in edges}
    for k, gate in enumerate(compiled.gates):
        if gate.name not in gates:
            out.append(f"gate {k}: {gate.name} is not native")
        if len(gate.qubits) == 2 and coupled is not None and gate.qubits not in coupled:
            out.append(f"gate {k}: {gate.qubits} are not coupled")
        if len(gate.qubits) > 2:
            out.append(f"gate {k}: acts on {len(gate.qubits)} qubits")
    return out
