"""Order: which operations wait for which, where those that commute need not wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qupel.backends.compiling.operations import Axis, Operation


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """A graph over operations by number, and over joints, numbered after them.

    On every qubit successive operations of one axis commute and stand in one group. A group waits
    for the whole group before it; a joint between them keeps the graph small.

    Attributes
    ----------
    after
        What each waits no longer for, once it is done.
    needs
        How many each waits for.
    first
        Those that wait for none, in order.
    chains
        For each operation how many on two qubits follow each other from it to the end, at most,
        itself counted.
    """

    after: tuple[tuple[int, ...], ...]
    needs: tuple[int, ...]
    first: tuple[int, ...]
    chains: tuple[int, ...]


def order_of(operations: Sequence[Operation], *, commuting: bool = True) -> Order:
    """Order of operations as they stand in a circuit.

    Parameters
    ----------
    operations
        First to last.
    commuting
        Whether those that commute may change places; if not, groups have one operation each.
    """
    after: list[list[int]] = [[] for _ in operations]
    needs = [0] * len(operations)
    group: dict[int, list[int]] = {}
    axis: dict[int, Axis] = {}
    gate: dict[int, int | None] = {}
    for k, item in enumerate(operations):
        for q, kind in zip(item.qubits, item.axes, strict=True):
            if q not in group:
                group[q], axis[q], gate[q] = [], kind, None
            elif not commuting or kind is None or kind != axis[q]:
                joint = len(after)
                after.append([])
                needs.append(len(group[q]))
                for before in group[q]:
                    after[before].append(joint)
                group[q], axis[q], gate[q] = [], kind, joint
            group[q].append(k)
            if (joint_before := gate[q]) is not None:
                after[joint_before].append(k)
                needs[k] += 1
    return Order(
        tuple(map(tuple, after)),
        tuple(needs),
        tuple(k for k in range(len(operations)) if not needs[k]),
        _chains(operations, after),
    )


def _chains(operations: Sequence[Operation], after: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Longest chains; a joint has its own from what comes after it."""
    out = [0] * len(after)
    known = [False] * len(after)
    for k in reversed(range(len(operations))):
        for later in after[k]:
            if not known[later]:
                out[later] = max((out[last] for last in after[later]), default=0)
                known[later] = True
        longest = max((out[later] for later in after[k]), default=0)
        out[k], known[k] = longest + (len(operations[k].qubits) == 2), True
    return tuple(out[: len(operations)])
