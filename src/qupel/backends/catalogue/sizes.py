"""Sizes of gates on three qubits, which no device has: what they are made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """A circuit of gates on one and two qubits in the place of one gate.

    Attributes
    ----------
    two_qubit_gates, one_qubit_gates
        In CX, and in gates on one qubit.
    depth
        Of all gates together.
    """

    two_qubit_gates: int
    one_qubit_gates: int
    depth: int


#: The usual circuits: six CX for a Toffoli (Shende & Markov 2009, arXiv:0803.2316: fewer do not
#: do), and two more for the exchange that it controls.
OF_THREE = {"ccx": Size(6, 9, 11), "ccz": Size(6, 9, 11), "cswap": Size(8, 11, 14)}
