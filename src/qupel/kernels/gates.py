"""Gates on a state vector: lists of matrices, fused and applied in few passes over memory.

A state is a one-dimensional ``complex64`` or ``complex128`` array of ``2**n`` amplitudes, qubit 0
the lowest bit of its index. Functions that change it do so in place. Matrices need not be
unitary, except for `gradient`, so superoperators and Kraus operators are applied alike.

Arithmetic is done in the state's own precision. Results do not depend on the number of threads,
bit for bit. AVX-512 and AVX2 round alike; without either, a product and a sum are rounded
separately, and results differ by rounding.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from jaxtyping import Complex, Complex128, Float64, Int32, Int64, UInt8, UInt64

from qupel.errors import InputError
from qupel.kernels import _gates

#: Most qubits of one matrix.
LARGEST = 4


@dataclass(frozen=True, slots=True, eq=False)
class GateList:
    """Matrices and the qubits they act on, one after another.

    Attributes
    ----------
    qubits
        The qubits of all gates in a row; of each gate the first is the lowest bit of its matrix's
        index.
    starts
        Where the qubits of each gate begin, and the end of the last.
    matrices
        The entries of all matrices in a row, each row by row.
    """

    qubits: Int32[np.ndarray, " places"]
    starts: Int32[np.ndarray, " ends"]
    matrices: Complex128[np.ndarray, " entries"]

    @classmethod
    def of(cls, gates: Iterable[tuple[Sequence[int], Any]]) -> GateList:
        """Gates as pairs of qubits and a matrix.

        Raises
        ------
        InputError
            If a matrix does not fit its qubits, or a gate names more than `LARGEST` of them.
        """
        qubits: list[int] = []
        starts = [0]
        matrices = [np.zeros(0, np.complex128)]
        for named, matrix in gates:
            held = np.ascontiguousarray(matrix, np.complex128)
            side = 1 << len(named)
            if held.shape != (side, side) or not 1 <= len(named) <= LARGEST:
                raise InputError(
                    f"a gate on {len(named)} qubits (1 to {LARGEST}) has a matrix of shape "
                    f"{(side, side)}, got {held.shape}"
                )
            if len(set(named)) < len(named) or min(named) < 0:
                raise InputError(f"a gate names different qubits from 0, got {tuple(named)}")
            qubits.extend(named)
            starts.append(len(qubits))
            matrices.append(held.reshape(-1))
        return cls(np.array(qubits, np.int32), np.array(starts, np.int32), np.concatenate(matrices))

    def __len__(self) -> int:
        return self.starts.size - 1


class Kind(Enum):
    """What a cluster of gates has become: a matrix, a table of factors, or a phase of pairs."""

    DENSE = 0
    TABLE = 1
    PHASE = 2


@dataclass(frozen=True, slots=True)
class Cluster:
    """Gates that are applied as one.

    Attributes
    ----------
    kind
        What they are applied as.
    changes
        Qubits on which it acts otherwise than by a factor; these must be in a pass's window.
    watches
        Controls, or the qubits of a diagonal.
    """

    kind: Kind
    changes: tuple[int, ...]
    watches: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pass:
    """One walk over the state.

    Attributes
    ----------
    window
        Qubits of a tile: all settings of them are in cache at once.
    clusters
        What is done to each tile, in order.
    """

    window: tuple[int, ...]
    clusters: tuple[Cluster, ...]


def apply(
    state: Complex[np.ndarray, " states"],
    gates: GateList,
    threads: int = 1,
    *,
    tile: int = 0,
    low: int = 0,
) -> None:
    """Apply all gates in order, in place.

    ``tile`` and ``low`` are the qubits of a tile and those in every window; zero lets the state's
    size decide.
    """
    _check(state, gates)
    _gates.apply(state, gates.qubits, gates.starts, gates.matrices, threads, tile, low)


def plan(qubits: int, gates: GateList, *, single: bool, tile: int = 0) -> tuple[Pass, ...]:
    """Passes that `apply` makes over a state of so many qubits, in single or double precision."""
    found = _gates.plan(qubits, single, gates.qubits, gates.starts, gates.matrices, tile, 0)
    return tuple(
        Pass(
            _bits(window),
            tuple(Cluster(Kind(k), _bits(changes), _bits(watches)) for k, changes, watches in held),
        )
        for window, held in found
    )


def observe(
    state: Complex[np.ndarray, " states"],
    x: UInt64[np.ndarray, " terms"],
    z: UInt64[np.ndarray, " terms"],
    weights: Float64[np.ndarray, " terms"],
    threads: int = 1,
    *,
    into: Complex[np.ndarray, " states"] | None = None,
) -> float:
    """Return ``<state| sum_k weights[k] P_k |state>``; with ``into``, write ``sum_k … |state>``.

    Term ``k`` has X on the qubits of ``x[k]``, Z on those of ``z[k]``, and Y where both are one.
    """
    out = [] if into is None else [into]
    return _gates.observe(state, x, z, weights, out, threads)


def gradient(
    state: Complex[np.ndarray, " states"],
    adjoint: Complex[np.ndarray, " states"],
    gates: GateList,
    diagonal: UInt8[np.ndarray, " gates"],
    owners: Int32[np.ndarray, " slopes"],
    derivatives: Complex128[np.ndarray, " entries"],
    x: UInt64[np.ndarray, " terms"],
    z: UInt64[np.ndarray, " terms"],
    weights: Float64[np.ndarray, " terms"],
    threads: int = 1,
) -> tuple[float, Float64[np.ndarray, " slopes"]]:
    """Return the expectation after all gates and its derivatives, by the adjoint method.

    Gates must be unitary, on at most three qubits each.

    Parameters
    ----------
    state
        Where the circuit starts; overwritten.
    adjoint
        Room for a second state.
    diagonal
        One for each gate that is diagonal whatever its angles.
    owners
        The gate of each derivative.
    derivatives
        Entries of the derivative matrices in a row, each laid out like its gate's matrix.

    References
    ----------
    Jones and Gacon (2020), Efficient calculation of gradients in classical simulations of
    variational quantum algorithms, arXiv:2009.02823.
    """
    _check(state, gates)
    if int(np.diff(gates.starts).max(initial=0)) > LARGEST - 1:
        raise InputError(f"a gradient takes gates on at most {LARGEST - 1} qubits")
    out = np.empty(owners.size)
    value = _gates.gradient(
        state, adjoint, gates.qubits, gates.starts, gates.matrices, diagonal, owners, derivatives,
        x, z, weights, out, threads,
    )  # fmt: skip
    return value, out


def reduced(
    state: Complex[np.ndarray, " states"], qubits: Sequence[int], threads: int = 1
) -> Complex128[np.ndarray, "side side"]:
    """Density matrix of up to three qubits, ascending; the first is the lowest bit of its index."""
    if not 1 <= len(qubits) <= LARGEST - 1 or list(qubits) != sorted(set(qubits)):
        raise InputError(f"one to three different qubits in ascending order, got {tuple(qubits)}")
    out = np.empty((1 << len(qubits), 1 << len(qubits)), np.complex128)
    _gates.reduced(state, list(qubits), out, threads)
    return out


def draw(
    state: Complex[np.ndarray, " states"], levels: Float64[np.ndarray, " shots"], threads: int = 1
) -> Int64[np.ndarray, " shots"]:
    """Return the index at which the summed probability passes each of ``levels``, ascending.

    Levels are shares of the whole, from 0 to below 1.
    """
    out = np.empty(levels.size, np.int64)
    _gates.draw(state, levels, out, threads)
    return out


def _check(state: Complex[np.ndarray, " states"], gates: GateList) -> None:
    size = state.size
    if size < 2 or size & (size - 1):
        raise InputError(f"a state has 2**n amplitudes, n >= 1, got {size}")
    highest = int(gates.qubits.max(initial=0))
    if highest >= size.bit_length() - 1:
        raise InputError(f"a gate names qubit {highest} of {size.bit_length() - 1} qubits")


def _bits(mask: int) -> tuple[int, ...]:
    return tuple(q for q in range(mask.bit_length()) if mask >> q & 1)
