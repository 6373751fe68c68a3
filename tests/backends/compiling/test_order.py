"""Order: what waits for what."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qupel.backends.compiling.operations import lowered
from qupel.backends.compiling.order import Order, order_of
from qupel.model import Circuit
from tests.model.circuits import random_circuit
from tests.oracles import circuits as oracle

SEEDS = st.integers(0, 2**32 - 1)


def drawn(order: Order, operations: int, picks: list[int]) -> list[int]:
    """Numbers of operations in one order that is allowed, chosen by ``picks``."""
    missing, ready = list(order.needs), list(order.first)
    out: list[int] = []
    while ready:
        k = ready.pop(picks[len(out) % len(picks)] % len(ready))
        if k < operations:
            out.append(k)
        for later in order.after[k]:
            missing[later] -= 1
            if not missing[later]:
                ready.append(later)
    return out


@given(SEEDS, st.lists(st.integers(0, 10), min_size=5, max_size=20), st.booleans())
def test_every_order_that_is_allowed_is_the_same_unitary(
    seed: int, picks: list[int], commuting: bool
) -> None:
    names = {"h", "rz", "rx", "cz", "cx", "rzz", "rxx", "cp", "x", "t"}
    gates = [g for g in random_circuit(seed, qubits=3, gates=24).gates if g.name in names]
    circuit = Circuit(3, gates)
    operations, _ = lowered(circuit)
    taken = drawn(order_of(operations, commuting=commuting), len(operations), picks)
    assert sorted(taken) == list(range(len(gates)))
    again = Circuit(3, [gates[k] for k in taken])
    assert oracle.same_up_to_phase(oracle.unitary(again), oracle.unitary(circuit), 1e-10)


def test_operations_that_commute_are_ready_together() -> None:
    circuit = Circuit(3).rzz(0.1, 0, 1).rzz(0.2, 1, 2).rzz(0.3, 0, 2).h(0)
    operations, _ = lowered(circuit)
    assert order_of(operations).first == (0, 1, 2)
    assert order_of(operations, commuting=False).first == (0,)


def test_chains_count_operations_on_pairs_to_the_end() -> None:
    circuit = Circuit(3).cx(0, 1).h(1).cx(1, 2).cx(0, 2)
    operations, _ = lowered(circuit)
    # The last two both have qubit 2 as target, and so commute.
    assert order_of(operations).chains == (2, 1, 1, 1)
    assert order_of(operations, commuting=False).chains == (3, 2, 2, 1)
