"""Spins as chains of an annealer's qubits, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int8, Int64

from qupel.backends.compiling.embedding import find_chains
from qupel.errors import RefusedError
from qupel.model.ising import Ising

#: Seconds that chains are searched for at most.
SEARCH = 300.0


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """An annealer's working qubits and couplers, and the numbers it can be given.

    Attributes
    ----------
    qubits, couplers
        As the maker numbers and orders them.
    fields, couplings
        Lowest and highest number of each.
    """

    qubits: tuple[int, ...]
    couplers: tuple[tuple[int, int], ...]
    fields: tuple[float, float]
    couplings: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """An Ising form on an annealer's qubits.

    Attributes
    ----------
    chains
        The qubits that together are each spin, in order.
    fields, couplings
        By qubit, and by pair of qubits.
    scale
        What the form's weights were divided by to fit the annealer's ranges.
    strength
        Coupling that holds a chain together, in the form's unit.
    """

    chains: tuple[tuple[int, ...], ...]
    fields: Mapping[int, float]
    couplings: Mapping[tuple[int, int], float]
    scale: float
    strength: float

    @property
    def qubits(self) -> tuple[int, ...]:
        """All qubits in use, in order."""
        return tuple(sorted(self.fields))


def embed(form: Ising, graph: Graph, seed: int, strength: float | None = None) -> Embedded:
    """Place a form on an annealer; equal arguments give the same chains.

    A field is shared out over its chain, a coupling over all couplers between two chains.
    Without ``strength`` chains are held by 1.414 times the root mean square coupling times the
    root of the mean degree, which evens out the torque of the others (D-Wave's default).

    Raises
    ------
    RefusedError
        If there is no embedding, or none was found.
    InputError
        If minorminer is not installed.
    """
    _check_room(form, graph)
    chains = find_chains(form, graph.qubits, graph.couplers, seconds=SEARCH, seed=seed)
    owner = {qubit: spin for spin, chain in enumerate(chains) for qubit in chain}
    held = _default_strength(form) if strength is None else strength
    between: dict[tuple[int, int], list[tuple[int, int]]] = {}
    couplings: dict[tuple[int, int], float] = {}
    for a, b in graph.couplers:
        if a not in owner or b not in owner:
            continue
        if owner[a] == owner[b]:
            couplings[a, b] = -held
        else:
            pair = (min(owner[a], owner[b]), max(owner[a], owner[b]))
            between.setdefault(pair, []).append((a, b))
    pairs = form.couplings.tocoo()
    for i, j, weight in zip(
        pairs.row.tolist(), pairs.col.tolist(), pairs.data.tolist(), strict=True
    ):
        for coupler in between[i, j] if weight else ():
            couplings[coupler] = weight / len(between[i, j])
    fields = {
        qubit: float(form.fields[spin]) / len(chain)
        for spin, chain in enumerate(chains)
        for qubit in chain
    }
    scale = max(
        *(_over(weight, graph.fields) for weight in fields.values()),
        *(_over(weight, graph.couplings) for weight in couplings.values()),
        1e-300,
    )
    return Embedded(
        chains,
        {qubit: weight / scale for qubit, weight in fields.items()},
        {pair: weight / scale for pair, weight in couplings.items()},
        scale,
        held,
    )


def _check_room(form: Ising, graph: Graph) -> None:
    """Refuse at once what can have no embedding, so that none is searched for."""
    pairs = int(np.count_nonzero(form.couplings.data))
    if pairs > len(graph.couplers):
        raise RefusedError(
            f"no embedding: {form.variables} variables with {pairs} couplings take a coupler for "
            f"each at least, and the annealer has {len(graph.couplers)}"
        )


def unembed(
    embedded: Embedded, qubits: Sequence[int], spins: Int8[np.ndarray, "rows qubits"]
) -> tuple[Int8[np.ndarray, "rows n"], Int64[np.ndarray, " rows"]]:
    """Spins of the form by majority of each chain, and how many chains of each row were broken.

    A tie goes to the chain's first qubit.
    """
    place = {qubit: k for k, qubit in enumerate(qubits)}
    out = np.empty((len(spins), len(embedded.chains)), np.int8)
    broken = np.zeros(len(spins), np.int64)
    for spin, chain in enumerate(embedded.chains):
        votes = spins[:, [place[qubit] for qubit in chain]].astype(np.int64)
        sums = votes.sum(axis=1)
        out[:, spin] = np.where(sums == 0, votes[:, 0], np.sign(sums))
        broken += np.abs(sums) < len(chain)
    return out, broken


def _default_strength(form: Ising) -> float:
    weights = form.couplings.data[form.couplings.data != 0]
    if not weights.size:
        return 1.0
    mean_square = float((weights**2).mean())
    degree = 2 * weights.size / form.variables
    return 1.414 * math.sqrt(mean_square * degree)


def _over(weight: float, limits: tuple[float, float]) -> float:
    """How many times a weight is beyond what fits; 1 is the edge."""
    low, high = limits
    return weight / high if weight > 0 else weight / low if weight < 0 else 0.0
