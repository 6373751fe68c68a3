"""QAOA as gates: what a device runs, equal to what `qupel.simulators.Qaoa` computes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np

from qupel.errors import InputError
from qupel.model import Circuit, Ising
from qupel.model.gate import Gate
from qupel.simulators.subspace import pairs_of

Mixer = Literal["x", "xy-ring", "xy-complete"]


def qaoa_circuit(form: Ising, gammas: Any, betas: Any, mixer: Mixer = "x") -> Circuit:
    """Circuit of layers ``exp(-i gamma E)`` and a mixer; spin ``k`` is qubit ``k``.

    The mixer ``x`` turns every qubit about X, from equal amplitudes of all states. The XY mixers
    start each quota in its Dicke state and exchange ones between its members, in pairs on a ring or
    in all pairs, so that without noise no shot breaks a quota; variables under no quota are turned
    about X. Gates are ``h``, ``x``, ``cx``, ``ry``, ``rz``, ``rx``, ``rzz``, ``rxx`` and ``ryy``.

    Parameters
    ----------
    form
        At least one spin.
    gammas, betas
        Radians, one of each a layer.
    mixer
        ``x``, ``xy-ring`` or ``xy-complete``.

    References
    ----------
    Hadfield and others (2019), From the quantum approximate optimization algorithm to a quantum
    alternating operator ansatz, doi:10.3390/a12020034.
    """
    pairs = form.couplings.tocoo()
    couplings = list(zip(pairs.row.tolist(), pairs.col.tolist(), pairs.data.tolist(), strict=True))
    fields = [(k, field) for k, field in enumerate(form.fields.tolist()) if field]
    quotas = () if mixer == "x" else form.quotas
    held = {member for quota in quotas for member in quota.members}
    free = [k for k in range(form.variables) if k not in held]
    bonds = [
        (quota.members[a], quota.members[b])
        for quota in quotas
        for a, b in pairs_of(len(quota.members), ring=mixer == "xy-ring").tolist()
    ]
    gates = [Gate("h", (k,)) for k in free]
    for quota in quotas:
        gates += dicke(quota.members, quota.count)
    for gamma, beta in zip(np.asarray(gammas).tolist(), np.asarray(betas).tolist(), strict=True):
        gates += [Gate("rzz", (i, j), (2 * gamma * weight,)) for i, j, weight in couplings]
        gates += [Gate("rz", (k,), (2 * gamma * field,)) for k, field in fields]
        gates += [Gate("rx", (k,), (2 * beta,)) for k in free]
        for a, b in bonds:
            gates += [Gate("rxx", (a, b), (beta,)), Gate("ryy", (a, b), (beta,))]
    return Circuit(form.variables, gates)


def dicke(qubits: Sequence[int], ones: int) -> Iterator[Gate]:
    """Gates from all zeros to equal amplitudes of all states with so many ones.

    About ``5 m k`` two-qubit gates for the smaller ``k`` of ones and zeros among ``m`` qubits.

    References
    ----------
    Bärtschi, Eidenbenz (2019), Deterministic preparation of Dicke states, arXiv:1904.07358.
    """
    m = len(qubits)
    if not 0 <= ones <= m:
        raise InputError(f"{m} qubits cannot hold {ones} ones")
    few = min(ones, m - ones)
    yield from (Gate("x", (qubit,)) for qubit in qubits[m - few :])
    for size in range(m, 1, -1):
        yield from _split(qubits[:size], min(few, size - 1))
    if few < ones:
        yield from (Gate("x", (qubit,)) for qubit in qubits)


def _split(qubits: Sequence[int], most: int) -> Iterator[Gate]:
    """Cyclic shift of up to so many ones at the end, in part: the last qubit is one or zero."""
    size, last = len(qubits), qubits[-1]
    for ones in range(1, most + 1):
        target = qubits[-1 - ones]
        angle = 2 * math.acos(math.sqrt(ones / size))
        yield Gate("cx", (target, last))
        if ones == 1:
            yield from _turned(last, target, angle)
        else:
            yield from _turned_twice(last, qubits[-ones], target, angle)
        yield Gate("cx", (target, last))


def _turned(control: int, target: int, angle: float) -> Iterator[Gate]:
    """``ry`` under one control."""
    for turn in (angle / 2, -angle / 2):
        yield Gate("ry", (target,), (turn,))
        yield Gate("cx", (control, target))


def _turned_twice(first: int, second: int, target: int, angle: float) -> Iterator[Gate]:
    """``ry`` under two controls: turns that add up only where both are one."""
    for turn, control in ((1, second), (-1, first), (1, second), (-1, first)):
        yield Gate("ry", (target,), (turn * angle / 4,))
        yield Gate("cx", (control, target))
