"""Needs: what a program asks of a device, whichever it is."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from scipy import sparse

from qupel.backends.catalogue.sizes import OF_THREE
from qupel.backends.contract import Kind
from qupel.errors import InputError
from qupel.model.circuit import Circuit
from qupel.model.gates import GATES
from qupel.model.ising import Ising
from qupel.model.money import Money
from qupel.model.qubo import Qubo

#: Largest number of anything that is reckoned with: beyond it nothing is left of exact sums.
LARGEST = 10**12
#: CX gates that make up a two-qubit gate without an angle, where that is not one.
_OF_CX = {"swap": 3, "iswap": 2}
#: Gates that commute with each other on whichever qubits.
_DIAGONAL = frozenset({"cz", "cp", "crz", "rzz", "ccz"})


@dataclass(frozen=True, slots=True)
class Need:
    """What a circuit or an Ising form asks of a device.

    Attributes
    ----------
    qubits
        Qubits of a circuit; variables of a form.
    depth
        Longest chain of gates that wait for each other.
    two_qubit_gates
        In units of CX: a swap counts three, a gate on three qubits six or more.
    rotations
        How many of them turn by an angle: one gate of a device that has such gates, else two.
    one_qubit_gates
        None for two to every two-qubit gate, as far as they fit in the depth.
    two_qubit_depth
        Longest chain of two-qubit gates; None for as many as fit in the depth.
    pairs
        Different pairs of qubits that interact; None for one to every two-qubit gate.
    core
        Largest number such that some of the qubits interact with so many of each other, each
        (degeneracy of the interaction graph); None for what so many pairs have at least.
    commuting
        Whether gates on two qubits may come in any order, such as those of one QAOA layer.
    measured
        Qubits that are read; None for all.
    shots
        Repetitions, or reads.
    kind
        A form may be annealed, or run as QAOA, which the numbers of gates then describe.
    deadline
        Seconds on the device at most; None for no limit.
    budget
        Price at most; None for no limit.
    """

    qubits: int
    depth: int = 1
    two_qubit_gates: int = 0
    rotations: int = 0
    one_qubit_gates: int | None = None
    two_qubit_depth: int | None = None
    pairs: int | None = None
    core: int | None = None
    commuting: bool = False
    measured: int | None = None
    shots: int = 1000
    kind: Kind = Kind.CIRCUIT
    deadline: float | None = None
    budget: Money | None = None

    def __post_init__(self) -> None:
        least = {"qubits": 1, "depth": 1, "shots": 1, "measured": 1}
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name in {"kind", "deadline", "budget", "commuting"} or value is None:
                continue
            if type(value) is not int or not least.get(each.name, 0) <= value <= LARGEST:
                raise InputError(
                    f"{each.name} must be a whole number from {least.get(each.name, 0)} to 10^12, "
                    f"got {value!r:.40}"
                )
        if self.rotations > self.two_qubit_gates:
            raise InputError(
                f"rotations are some of the two-qubit gates: {self.rotations} of "
                f"{self.two_qubit_gates}"
            )
        if self.two_qubit_gates and self.qubits < 2:
            raise InputError(f"two-qubit gates need two qubits, got {self.qubits}")
        parallel = max(1, self.qubits // 2)
        if self.two_qubit_gates > self.depth * parallel:
            raise InputError(
                f"{self.two_qubit_gates} two-qubit gates do not fit in depth {self.depth} on "
                f"{self.qubits} qubits: at most {self.depth * parallel}; raise the depth to "
                f"{math.ceil(self.two_qubit_gates / parallel)}"
            )
        if self.deadline is not None and not self.deadline > 0:
            raise InputError(f"deadline must be a number of seconds above 0, got {self.deadline}")

    @classmethod
    def of_circuit(
        cls, circuit: Circuit, shots: int = 1000, deadline: float | None = None,
        budget: Money | None = None,
    ) -> Need:  # fmt: skip
        """What a circuit asks, its gates counted as they stand."""
        one = two = rotations = 0
        for name, count in Counter(gate.name for gate in circuit.gates).items():
            kind = GATES[name]
            if kind.qubits == 1:
                one += count
            elif kind.qubits == 3:
                two += OF_THREE[name].two_qubit_gates * count
                one += OF_THREE[name].one_qubit_gates * count
            else:
                two += _OF_CX.get(name, 1) * count
                rotations += count if kind.angles else 0
        partners: set[tuple[int, int]] = set()
        for gate in circuit.gates:
            on = gate.qubits
            partners |= {(min(a, b), max(a, b)) for k, a in enumerate(on) for b in on[k + 1 :]}
        return cls(
            qubits=circuit.qubits,
            depth=max(1, _chain(circuit, 1)),
            two_qubit_gates=two,
            rotations=rotations,
            one_qubit_gates=one,
            two_qubit_depth=_chain(circuit, 0),
            pairs=len(partners),
            core=degeneracy(circuit.qubits, partners),
            commuting=all(gate.name in _DIAGONAL for gate in circuit.gates if len(gate.qubits) > 1),
            measured=circuit.qubits if circuit.measured is None else len(circuit.measured),
            shots=shots,
            deadline=deadline,
            budget=budget,
        )

    @classmethod
    def of_form(
        cls, form: Ising | Qubo, shots: int = 1000, layers: int = 1,
        deadline: float | None = None, budget: Money | None = None,
    ) -> Need:  # fmt: skip
        """What a form asks of an annealer, and of a gate device by QAOA of so many layers.

        A layer is one turn of every coupling and two gates on every qubit. Couplings of one layer
        can be ordered so that the depth is one more than the largest number of couplings of one
        variable, at most (Vizing's theorem).
        """
        held = form.couplings if isinstance(form, Ising) else form.weights
        ends = sparse.triu(held, 1).tocoo()
        used = ends.data != 0
        rows, columns = (each[used].tolist() for each in ends.coords)
        n, pairs = form.variables, list(zip(rows, columns, strict=True))
        degree = np.bincount(np.array(pairs, dtype=np.int64).reshape(-1), minlength=n)
        most, core = int(degree.max(initial=0)), degeneracy(n, pairs)
        return cls.of_couplings(
            n, len(pairs), shots, layers, deadline, budget, most=most, core=core
        )

    @classmethod
    def of_couplings(
        cls, variables: int, couplings: int, shots: int = 1000, layers: int = 1,
        deadline: float | None = None, budget: Money | None = None, *, most: int | None = None,
        core: int | None = None,
    ) -> Need:  # fmt: skip
        """What a form asks of which only these numbers are known; see `of_form`.

        Parameters
        ----------
        most
            Couplings of one variable at most; the mean, rounded up, if None.
        core
            Degeneracy of its graph; the least that so many couplings have, if None.
        """
        if type(layers) is not int or layers < 1:
            raise InputError(f"layers must be a whole number from 1, got {layers!r}")
        if variables < 1:
            raise InputError("a form without variables asks nothing of a device")
        if couplings > variables * (variables - 1) // 2:
            raise InputError(
                f"{variables} variables have at most {variables * (variables - 1) // 2} couplings, "
                f"got {couplings}"
            )
        most = math.ceil(2 * couplings / variables) if most is None else most
        rounds = layers * (most + 1 if most else 0)
        return cls(
            qubits=variables,
            depth=rounds + 2 * layers + 1,
            two_qubit_gates=layers * couplings,
            rotations=layers * couplings,
            one_qubit_gates=variables * (2 * layers + 1),
            two_qubit_depth=rounds,
            pairs=couplings,
            core=core,
            commuting=True,
            shots=shots,
            kind=Kind.ANNEALING,
            deadline=deadline,
            budget=budget,
        )

    def filled(self) -> Need:
        """The same need with a number in the place of every None that has a stated meaning."""
        most_pairs = self.qubits * (self.qubits - 1) // 2
        slots = self.depth * self.qubits - 2 * self.two_qubit_gates
        one, pairs = self.one_qubit_gates, self.pairs
        pairs = min(self.two_qubit_gates, most_pairs) if pairs is None else pairs
        return replace(
            self,
            one_qubit_gates=max(0, min(2 * self.two_qubit_gates, slots)) if one is None else one,
            two_qubit_depth=(
                min(self.depth, self.two_qubit_gates)
                if self.two_qubit_depth is None
                else self.two_qubit_depth
            ),
            pairs=pairs,
            core=least_core(self.qubits, pairs) if self.core is None else self.core,
            measured=self.qubits if self.measured is None else self.measured,
        )

    @property
    def density(self) -> float:
        """Share of all pairs of qubits that interact."""
        most = self.qubits * (self.qubits - 1) // 2
        return (self.filled().pairs or 0) / most if most else 0.0


def degeneracy(nodes: int, pairs: Any) -> int:
    """Largest smallest degree that any part of a graph has.

    Nodes of least degree are taken away one by one; Matula & Beck (1983),
    doi:10.1145/2402.322385.
    """
    near: list[set[int]] = [set() for _ in range(nodes)]
    for a, b in pairs:
        near[a].add(b)
        near[b].add(a)
    by_degree: list[set[int]] = [set() for _ in range(max(map(len, near), default=0) + 1)]
    for node, others in enumerate(near):
        by_degree[len(others)].add(node)
    best = least = 0
    for _ in range(nodes):
        least = max(0, least - 1)
        while not by_degree[least]:
            least += 1
        best = max(best, least)
        node = by_degree[least].pop()
        for other in near[node]:
            by_degree[len(near[other])].remove(other)
            near[other].remove(node)
            by_degree[len(near[other])].add(other)
        near[node] = set()
    return best


def least_core(nodes: int, pairs: int) -> int:
    """Least degeneracy of a graph of so many pairs.

    Taking away the nodes of a graph of degeneracy ``k``, each the least coupled of those left,
    takes ``k`` pairs at most with each and no more than are left with the last ``k``: it has at
    most ``k n - k (k + 1) / 2`` pairs (Lick & White 1970, doi:10.4153/CJM-1970-125-1).

    Examples
    --------
    >>> least_core(200, 19900), least_core(200, 199), least_core(200, 0)
    (199, 1, 0)
    """
    pairs = min(pairs, nodes * (nodes - 1) // 2)
    wide = 2 * nodes - 1
    left = max(0, wide * wide - 8 * pairs)
    core = max(0, (wide - math.isqrt(left)) // 2 - 1)
    while core * nodes - core * (core + 1) // 2 < pairs:
        core += 1
    return core


def _chain(circuit: Circuit, one_qubit: int) -> int:
    """Longest chain of gates, a gate on one qubit counting ``one_qubit``."""
    level = [0] * circuit.qubits
    for gate in circuit.gates:
        if len(gate.qubits) == 1:
            level[gate.qubits[0]] += one_qubit
            continue
        size = _OF_CX.get(gate.name, 1)
        if three := OF_THREE.get(gate.name):
            size = three.depth if one_qubit else three.two_qubit_gates
        at = size + max(level[q] for q in gate.qubits)
        for q in gate.qubits:
            level[q] = at
    return max(level)
