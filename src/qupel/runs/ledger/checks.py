"""Results are checked before anything of them is believed; energies are always our own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qupel.backends.contract import Annealing, Order, Program, Reading, Result
from qupel.errors import ResultError

#: By how much a claimed energy may differ from ours, relative to the largest.
TOLERANCE = 1e-6


def checked_result(result: Result, order: Order, provider_job: str) -> tuple[Result, list[str]]:
    """The result as it may be believed, and what was odd about it.

    Rows that came twice are merged, energies of annealings are computed from the order.

    Raises
    ------
    ResultError
        If it is of another job, or its readings cannot be answers to this order.
    """
    if result.job != provider_job:
        raise ResultError(f"asked for the result of job {provider_job}, got that of {result.job}")
    if len(result.readings) != len(order.programs):
        raise ResultError(
            f"{len(order.programs)} programs were ordered, {len(result.readings)} readings came"
        )
    remarks: list[str] = []
    readings = tuple(
        _checked(reading, program, order.shots, place, remarks)
        for place, (reading, program) in enumerate(
            zip(result.readings, order.programs, strict=True)
        )
    )
    return replace(result, readings=readings), remarks


def width_of(program: Program) -> int:
    """Columns that a reading of a program has."""
    if isinstance(program, Annealing):
        return program.form.variables
    return program.qubits if program.measured is None else len(program.measured)


def _checked(
    reading: Reading, program: Program, shots: int, place: int, remarks: list[str]
) -> Reading:
    bits, occurrences = np.asarray(reading.bits), np.asarray(reading.occurrences)
    width = width_of(program)
    if bits.ndim != 2 or bits.shape[1] != width or occurrences.shape != bits.shape[:1]:
        raise ResultError(
            f"readings[{place}] has bits of shape {bits.shape} and occurrences of shape "
            f"{occurrences.shape}; the program measures {width} bits"
        )
    if not np.issubdtype(bits.dtype, np.integer) or not np.isin(bits, (0, 1)).all():
        raise ResultError(f"readings[{place}] holds values other than 0 and 1")
    if not np.issubdtype(occurrences.dtype, np.integer) or (occurrences < 0).any():
        raise ResultError(f"readings[{place}] has occurrences that are no counts")
    total = int(occurrences.sum())
    if total == 0:
        raise ResultError(f"readings[{place}] holds no shot at all")
    if total > 2 * shots:
        raise ResultError(f"readings[{place}] holds {total} shots, {shots} were ordered")
    if total != shots:
        remarks.append(f"readings[{place}]: {shots} shots were ordered, {total} came")
    rows, back = np.unique(bits[occurrences > 0].astype(np.uint8), axis=0, return_inverse=True)
    counts = np.bincount(back.reshape(-1), weights=occurrences[occurrences > 0])
    energies = None
    if isinstance(program, Annealing):
        energies = program.form.energies(1 - 2 * rows.astype(np.int64))
        _compare(reading, program, place, remarks)
    return Reading(rows, counts.astype(np.int64), energies)


def _compare(reading: Reading, program: Annealing, place: int, remarks: list[str]) -> None:
    """Remark on energies that the backend claimed and that are not true."""
    if reading.energies is None:
        return
    claimed = np.asarray(reading.energies, dtype=np.float64)
    true = program.form.energies(1 - 2 * np.asarray(reading.bits).astype(np.int64))
    allowed = TOLERANCE * max(1.0, float(np.abs(true).max(initial=0.0)))
    if claimed.shape != true.shape or not np.allclose(claimed, true, rtol=0.0, atol=allowed):
        remarks.append(f"readings[{place}]: its claimed energies are not those of its rows")
