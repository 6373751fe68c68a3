"""Readings from what providers count, in whatever order and shape they count it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import UInt8

from qupel.backends.adapters.documents import LARGEST, listing, number, whole
from qupel.backends.contract import Annealing, Order, Program, Reading
from qupel.errors import ResultError
from qupel.model.circuit import Circuit


def measured_of(program: Program) -> tuple[int, ...]:
    """Qubits or spins behind the columns of a program's reading, in order."""
    if isinstance(program, Annealing):
        return tuple(range(program.form.variables))
    return tuple(range(program.qubits)) if program.measured is None else program.measured


def measured_circuit(program: Program) -> Circuit:
    """A circuit that says what it measures."""
    if not isinstance(program, Circuit):
        raise TypeError("an annealing is no circuit")
    return program if program.measured is not None else program.measure()


def reading_of_texts(rows: Any, occurrences: Any, energies: Any, width: int, what: str) -> Reading:
    """Reading of distinct rows written as 0 and 1, character ``k`` for column ``k``.

    Raises
    ------
    ResultError
        If a row is not of that width, is repeated, or is counted less than once, or a number is
        none.
    """
    rows, counted = listing(rows, f"{what}: rows"), listing(occurrences, f"{what}: occurrences")
    if len(rows) != len(counted):
        raise ResultError(f"{what}: {len(rows)} rows, but {len(counted)} occurrences")
    if len(set(map(str, rows))) < len(rows):
        raise ResultError(f"{what}: a row is repeated")
    claims = None
    if energies is not None:
        claimed = listing(energies, f"{what}: energies")
        if len(claimed) != len(rows):
            raise ResultError(f"{what}: {len(rows)} rows, but {len(claimed)} energies")
        claims = np.array([number(e, f"{what}: an energy") for e in claimed], np.float64)
    times = [whole(count, f"{what}: an occurrence", 1) for count in counted]
    return reading_of_rows(bits_of_texts(rows, width, what), times, what, claims)


def reading_of_rows(
    bits: UInt8[np.ndarray, "rows n"],
    occurrences: Sequence[int],
    what: str,
    energies: np.ndarray | None = None,
) -> Reading:
    """Reading of rows that may repeat; rows come out sorted and distinct, energies with them."""
    if not len(bits):
        raise ResultError(f"{what}: nothing was read")
    if sum(occurrences) > LARGEST:
        raise ResultError(f"{what}: more than 2^53 shots cannot be")
    distinct, first, place = np.unique(bits, axis=0, return_index=True, return_inverse=True)
    total = np.zeros(len(distinct), np.int64)
    np.add.at(total, place.ravel(), np.asarray(occurrences, np.int64))
    return Reading(distinct, total, None if energies is None else energies[first])


def bits_of_texts(rows: Sequence[Any], width: int, what: str) -> UInt8[np.ndarray, "rows n"]:
    """Rows of characters 0 and 1 as bits."""
    for row in rows:
        if not isinstance(row, str) or len(row) != width:
            raise ResultError(f"{what}: a row must be {width} bits, got {row!r:.80}")
    try:
        signs = np.frombuffer("".join(rows).encode("ascii"), np.uint8)
    except UnicodeEncodeError:
        signs = np.full(1, ord("?"), np.uint8)
    if not np.isin(signs, (ord("0"), ord("1"))).all():
        raise ResultError(f"{what}: a row holds something else than 0 and 1")
    return (signs - ord("0")).reshape(len(rows), width)


def bits_of_numbers(outcomes: Sequence[int], columns: Sequence[int]) -> UInt8[np.ndarray, "rows n"]:
    """Bits of outcomes written as whole numbers; column ``k`` is the bit of weight 2^columns[k]."""
    if max(columns, default=0) < 62 and max(outcomes, default=0).bit_length() < 63:
        values = np.array(outcomes, np.int64).reshape(-1, 1)
        return (values >> np.array(columns, np.int64) & 1).astype(np.uint8)
    rows = [[outcome >> column & 1 for column in columns] for outcome in outcomes]
    return np.array(rows, np.uint8).reshape(len(rows), len(columns))


def same_length(found: Sequence[Any], order: Order) -> None:
    """Check that there is one reading a program."""
    if len(found) != len(order.programs):
        raise ResultError(f"{len(order.programs)} programs were ordered, {len(found)} came back")


def facts_of_shots(readings: Sequence[Reading], order: Order) -> dict[str, Any]:
    """What is worth keeping if not as many shots came back as were ordered, else nothing."""
    returned = [reading.shots for reading in readings]
    if all(shots == order.shots for shots in returned):
        return {}
    return {"shots_ordered": order.shots, "shots_returned": returned}
