"""Probes: programs whose answers are known, and no mirror images of themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from qupel.backends.contract import Annealing, Kind, Program
from qupel.model.circuit import Circuit
from qupel.model.ising import Ising

#: Size up to which every qubit has its turn; above it one qubit, which is not in the middle.
EVERY = 4
#: Offset of the annealing programs: an adapter that drops it claims wrong energies.
OFFSET = 2.5


@dataclass(frozen=True, slots=True)
class Probe:
    """A program whose answer is known.

    Attributes
    ----------
    name
        In words.
    program
        What runs.
    expected
        The bits it must give.
    shows
        For a probe of gates: what each bit tells of. Empty for a probe of bit order.
    """

    name: str
    program: Program
    expected: tuple[int, ...]
    shows: tuple[str, ...] = ()


def probes_of(kind: Kind, sizes: Iterable[int]) -> Iterator[Probe]:
    """Programs with known answers, small ones first."""
    for n in sizes:
        for k in range(n) if n <= EVERY else (n // 3,):
            expected = tuple(int(place == k) for place in range(n))
            if kind is Kind.CIRCUIT:
                yield Probe(f"x on qubit {k} of {n}", Circuit(n).x(k), expected)
            else:
                yield Probe(f"spin {k} of {n} down", Annealing(_form(n, k)), expected)
        if kind is Kind.CIRCUIT and n == 3:
            for measured in ((2, 0), (1, 2, 0)):
                bits = tuple(int(qubit == 2) for qubit in measured)
                circuit = Circuit(3).x(2).measure(*measured)
                yield Probe(f"x on qubit 2 of 3, measured {measured}", circuit, bits)


def couplings_probe() -> Probe:
    """Three spins whose fields and couplings pull against each other.

    Spin 1 follows its coupling against its field, spin 2 its field against its coupling. So a sign,
    couplings or fields left out, and couplings halved or doubled all turn a spin.
    """
    couplings = np.array([[0.0, 1.6, -0.7], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    form = Ising([-4.0, -1.0, 1.2], couplings, OFFSET)
    shows = ("the field of spin 0", "coupling 0-1", "the field of spin 2, coupling 0-2")
    return Probe("fields and couplings of 3 spins", Annealing(form), (0, 1, 1), shows)


def _form(n: int, k: int) -> Ising:
    """Distinct fields that hold every spin up but one, and couplings too weak to turn any."""
    fields = -(1 + np.arange(n) / (2 * n))
    fields[k] *= -1
    return Ising(fields, np.diag(np.full(n - 1, 0.05), 1), OFFSET)
