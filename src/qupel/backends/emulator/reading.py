"""Reading a result of the neutral protocol: nothing in it is trusted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from qupel.backends.contract import Order, Program, Reading
from qupel.backends.emulator.devices import bits_of_program
from qupel.backends.emulator.job import digest_of
from qupel.errors import ResultError


def findings_of(document: Mapping[str, Any], job: str, order: Order) -> tuple[Reading, ...]:
    """Readings of a result, one a program of the order.

    Raises
    ------
    ResultError
        If it is of another job or other programs, or is not what a reading looks like.
    """
    if document.get("job") != job:
        raise ResultError(f"the result says it is of job {document.get('job')!r:.80}, not {job!r}")
    programs = document.get("programs")
    if not isinstance(programs, list) or len(programs) != len(order.programs):
        raise ResultError(f"the result must hold {len(order.programs)} programs' readings")
    return tuple(
        _reading(plain, program, f"programs[{place}]")
        for place, (plain, program) in enumerate(zip(programs, order.programs, strict=True))
    )


def _reading(plain: Any, program: Program, where: str) -> Reading:
    if not isinstance(plain, Mapping):
        raise ResultError(f"{where} of the result is no object")
    if plain.get("digest") != digest_of(program):
        raise ResultError(f"{where} of the result is of another program: its digest differs")
    rows, occurrences = plain.get("rows"), plain.get("occurrences")
    energies = plain.get("energies")
    bits = bits_of_program(program)
    if not isinstance(rows, list) or not isinstance(occurrences, list):
        raise ResultError(f"{where} of the result has no rows and occurrences")
    if not rows or len(rows) != len(occurrences):
        raise ResultError(f"{where}: {len(rows)} rows and {len(occurrences)} occurrences")
    for row in rows:
        if not isinstance(row, str) or len(row) != bits or set(row) - {"0", "1"}:
            raise ResultError(f"{where}: a row is {bits} characters 0 or 1, got {row!r:.80}")
    if len(set(rows)) < len(rows):
        raise ResultError(f"{where}: a row comes twice")
    if any(type(count) is not int or not 0 < count < 2**53 for count in occurrences):
        raise ResultError(f"{where}: occurrences are whole numbers from 1")
    return Reading(
        np.frombuffer("".join(rows).encode(), np.uint8).reshape(len(rows), bits) - ord("0"),
        np.array(occurrences, np.int64),
        None if energies is None else _claimed(energies, len(rows), where),
    )


def _claimed(energies: Any, rows: int, where: str) -> np.ndarray:
    if not isinstance(energies, list) or len(energies) != rows:
        raise ResultError(f"{where}: {rows} energies expected")
    if any(type(value) not in (int, float) or not math.isfinite(value) for value in energies):
        raise ResultError(f"{where}: energies are finite numbers")
    return np.array(energies, np.float64)
