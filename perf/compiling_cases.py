"""Circuits to compile: those on which the compiler's constants were chosen, and others."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np

from qupel.backends.catalogue.lattices import grid
from qupel.backends.catalogue.listing import profile_named
from qupel.backends.compiling import Target
from qupel.model import Circuit, Gate

HEAVY_HEX = profile_named("ibm-heron-r2").coupling()
GRID = tuple(grid(7, 7)[1])


@dataclass(frozen=True)
class Case:
    """A circuit for each seed, and where it is to run.

    Attributes
    ----------
    name
        What it is.
    make
        The circuit of a seed.
    qubits, edges
        The lattice.
    held_out
        Whether no constant of the compiler was chosen by looking at it.
    """

    name: str
    make: Callable[[int], Circuit]
    qubits: int = 156
    edges: tuple[tuple[int, int], ...] | None = HEAVY_HEX
    held_out: bool = False

    def target(self, *, rx: bool) -> Target:
        """The lattice with ``rz``, ``sx``, ``x``, ``cz``, and perhaps ``rx`` of any angle."""
        gates = {"rz", "sx", "x", "cz"} | ({"rx"} if rx else set())
        return Target(self.qubits, frozenset(gates), self.edges, fractional=rx)


def fourier(qubits: int) -> Circuit:
    """Quantum Fourier transform with its final swaps."""
    gates = []
    for j in reversed(range(qubits)):
        gates.append(Gate("h", (j,)))
        gates += [Gate("cp", (k, j), (math.pi / 2 ** (j - k),)) for k in reversed(range(j))]
    gates += [Gate("swap", (k, qubits - 1 - k)) for k in range(qubits // 2)]
    return Circuit(qubits, gates)


def qaoa(nodes: int, degree: int, layers: int, seed: int) -> Circuit:
    """QAOA on a random regular graph."""
    rng = np.random.default_rng(seed)
    edges: set[tuple[int, int]] = set()
    while len(edges) < degree * nodes // 2:  # until stubs pair up without loops and double edges
        ends = rng.permutation(np.repeat(np.arange(nodes), degree)).tolist()
        pairs = [pair for k, pair in enumerate(pairwise(ends)) if k % 2 == 0]
        edges = {(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]}
    gates = [Gate("h", (q,)) for q in range(nodes)]
    for layer in range(layers):
        gates += [Gate("rzz", edge, (0.6 + 0.1 * layer,)) for edge in sorted(edges)]
        gates += [Gate("rx", (q,), (0.8 - 0.1 * layer,)) for q in range(nodes)]
    return Circuit(nodes, gates)


def star(qubits: int) -> Circuit:
    """A GHZ state, all from one qubit."""
    return Circuit(qubits, [Gate("h", (0,)), *(Gate("cx", (0, q)) for q in range(1, qubits))])


def adder(bits: int) -> Circuit:
    """Ripple-carry adder of Cuccaro et al. (2004), arXiv:quant-ph/0410184, on 2 bits + 2 qubits."""

    def majority(a: int, b: int, c: int) -> list[Gate]:
        return [Gate("cx", (c, b)), Gate("cx", (c, a)), Gate("ccx", (a, b, c))]

    def undone(a: int, b: int, c: int) -> list[Gate]:
        return [Gate("ccx", (a, b, c)), Gate("cx", (c, a)), Gate("cx", (a, b))]

    triples = [(2 * k, 2 * k + 1, 2 * k + 2) for k in range(bits)]
    gates = [gate for triple in triples for gate in majority(*triple)]
    gates.append(Gate("cx", (2 * bits, 2 * bits + 1)))
    gates += [gate for triple in reversed(triples) for gate in undone(*triple)]
    return Circuit(2 * bits + 2, gates)


def volume(qubits: int, seed: int) -> Circuit:
    """As many layers as qubits, each of random unitaries on random pairs."""
    rng = np.random.default_rng(seed)
    gates = []
    for _ in range(qubits):
        order = rng.permutation(qubits).tolist()
        for a, b in list(pairwise(order))[::2]:
            for part in range(4):
                gates += [Gate("u", (q,), _angles(rng, 3)) for q in (a, b)]
                gates += [Gate("cx", (a, b))] * (part < 3)
    return Circuit(qubits, gates)


def scattered(qubits: int, count: int, seed: int) -> Circuit:
    """``cx`` on random pairs, each after a turn."""
    rng = np.random.default_rng(seed)
    gates = []
    for _ in range(count):
        a, b = rng.choice(qubits, 2, replace=False).tolist()
        gates += [Gate("ry", (a,), _angles(rng, 1)), Gate("cx", (a, b))]
    return Circuit(qubits, gates)


def strings(qubits: int, count: int, weight: int, seed: int) -> Circuit:
    """Turns around random Pauli strings, by ladders of ``cx``."""
    rng = np.random.default_rng(seed)
    gates: list[Gate] = []
    for _ in range(count):
        on = sorted(rng.permutation(qubits)[:weight].tolist())
        turned = [q for q in on if rng.random() < 0.5]
        into = [Gate("h", (q,)) for q in turned]
        ladder = [Gate("cx", pair) for pair in pairwise(on)]
        gates += [*into, *ladder, Gate("rz", (on[-1],), _angles(rng, 1)), *reversed(ladder), *into]
    return Circuit(qubits, gates)


def dense(qubits: int, seed: int) -> Circuit:
    """One step of an Ising model with all pairs coupled, in a transverse field."""
    rng = np.random.default_rng(seed)
    gates = [Gate("rzz", pair, _angles(rng, 1)) for pair in combinations(range(qubits), 2)]
    return Circuit(qubits, [*gates, *(Gate("rx", (q,), (0.4,)) for q in range(qubits))])


def _angles(rng: np.random.Generator, count: int) -> tuple[float, ...]:
    return tuple(rng.uniform(0, 2 * math.pi, count).tolist())


def cases() -> Iterable[Case]:
    """Every case."""
    yield Case("QFT, 16 qubits", lambda _: fourier(16))
    yield Case("QFT, 24 qubits", lambda _: fourier(24))
    yield Case("QAOA p=1, 3-regular, 50 nodes", lambda seed: qaoa(50, 3, 1, seed))
    yield Case("QAOA p=1, 3-regular, 100 nodes", lambda seed: qaoa(100, 3, 1, seed))
    yield Case("adder, 10 bits", lambda _: adder(10))
    yield Case("quantum volume, 20 qubits", lambda seed: volume(20, seed))
    yield Case("400 random cx, 7 by 7", lambda seed: scattered(49, 400, seed), 49, GRID)
    yield Case("GHZ star, 30 qubits", lambda _: star(30), held_out=True)
    yield Case(
        "QAOA p=2, 4-regular, 40 nodes, 7 by 7",
        lambda seed: qaoa(40, 4, 2, seed),
        49,
        GRID,
        held_out=True,
    )
    yield Case("40 Pauli strings, 24 qubits", lambda seed: strings(24, 40, 4, seed), held_out=True)
    yield Case("all pairs, 18 qubits", lambda seed: dense(18, seed), held_out=True)
    yield Case("adder, 20 bits, 7 by 7", lambda _: adder(20), 49, GRID, held_out=True)
    yield Case("quantum volume, 12 qubits", lambda seed: volume(12, seed), held_out=True)
