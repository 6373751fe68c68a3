"""The neutral protocol's documents: programs, readings and jobs as JSON, both ways."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import sparse

from qupel.backends.contract import Annealing, Program, Reading, State
from qupel.backends.emulator.books import plain_money
from qupel.backends.emulator.hooks import Findings
from qupel.backends.emulator.job import EmulatedJob, Submission
from qupel.errors import InputError
from qupel.model.circuit import Circuit
from qupel.model.formats.qasm import read_qasm, write_qasm
from qupel.model.ising import Ising
from qupel.model.money import Money

#: Spins of an annealing, and characters of a circuit, that are read at most.
MOST_SPINS, MOST_TEXT = 100_000, 4_000_000
#: Largest tag and key.
MOST_LABEL = 200


def plain_program(program: Program) -> dict[str, Any]:
    """A program as JSON holds it: OpenQASM 3 text, or fields, couplings and offset."""
    if isinstance(program, Circuit):
        return {"qasm": write_qasm(program)}
    form = program.form
    if form.quotas:
        raise InputError("an annealer knows no quotas; encode them as penalties")
    pairs = form.couplings.tocoo()
    couplings = zip(pairs.row.tolist(), pairs.col.tolist(), pairs.data.tolist(), strict=True)
    plain: dict[str, Any] = {
        "fields": form.fields.tolist(),
        "couplings": [list(entry) for entry in couplings],
        "offset": form.offset,
    }
    if program.microseconds is not None:
        plain["microseconds"] = program.microseconds
    return plain


def submission_of(document: Any) -> Submission:
    """What a body of ``POST /v1/jobs`` orders.

    Raises
    ------
    InputError
        Naming the field and what it must be.
    """
    if not isinstance(document, Mapping):
        raise InputError("the body must be a JSON object")
    programs = document.get("programs")
    if not isinstance(programs, list) or not programs:
        raise InputError("programs must be a list of one program or more")
    shots, device = document.get("shots"), document.get("device")
    tag, settings = document.get("tag", ""), document.get("settings", {})
    if type(shots) is not int:
        raise InputError(f"shots must be a whole number, got {shots!r:.60}")
    if not isinstance(device, str):
        raise InputError(f"device must be a name, got {device!r:.60}")
    if not isinstance(tag, str) or len(tag) > MOST_LABEL:
        raise InputError(f"tag must be a text of up to {MOST_LABEL} characters")
    if not isinstance(settings, Mapping):
        raise InputError("settings must be a JSON object")
    read = tuple(program_of(program, f"programs[{k}]") for k, program in enumerate(programs))
    return Submission(device, read, shots, tag, dict(settings))


def program_of(plain: Any, where: str = "program") -> Program:
    """The program that `plain_program` wrote."""
    if isinstance(plain, Mapping) and isinstance(plain.get("qasm"), str):
        if len(plain["qasm"]) > MOST_TEXT:
            raise InputError(f"{where}: a circuit has up to {MOST_TEXT} characters")
        return _circuit(plain["qasm"], where)
    if isinstance(plain, Mapping) and isinstance(plain.get("fields"), list):
        return _annealing(plain, where)
    raise InputError(f"{where} needs qasm, or fields and couplings")


@lru_cache(maxsize=256)
def _circuit(text: str, where: str) -> Circuit:
    circuit = read_qasm(text, where)
    if circuit.parameter_names:
        raise InputError(f"{where} has free parameters {circuit.parameter_names}; bind them")
    return circuit


def _annealing(plain: Mapping[str, Any], where: str) -> Annealing:
    fields, couplings = plain["fields"], plain.get("couplings", [])
    n = len(fields)
    if n > MOST_SPINS or n < 1:
        raise InputError(f"{where}: 1 to {MOST_SPINS} fields, got {n}")
    if not isinstance(couplings, list) or any(
        not isinstance(entry, list) or len(entry) != 3 for entry in couplings
    ):
        raise InputError(f"{where}: couplings is a list of [i, j, weight]")
    duration = plain.get("microseconds")
    numbers = [*fields, plain.get("offset", 0.0), *(entry[2] for entry in couplings)]
    numbers += [] if duration is None else [duration]
    if not all(_finite(number) for number in numbers):
        raise InputError(f"{where}: every weight is a finite number")
    for i, j, _ in couplings:
        if type(i) is not int or type(j) is not int or not 0 <= i < n or not 0 <= j < n:
            raise InputError(f"{where}: coupling {[i, j]!r:.60} is not between two of {n} spins")
    weights = [entry[2] for entry in couplings]
    places = ([entry[0] for entry in couplings], [entry[1] for entry in couplings])
    pairs = sparse.coo_array((np.array(weights, np.float64), places), shape=(n, n)).tocsr()
    return Annealing(Ising(fields, pairs, float(plain.get("offset", 0.0))), duration)


def is_whole(text: str) -> bool:
    """Whether a text is a whole number from 0 of up to nine digits."""
    return text.isascii() and text.isdigit() and len(text) < 10


def _finite(number: Any) -> bool:
    return type(number) in (int, float) and math.isfinite(number)


def plain_job(job: EmulatedJob, state: State) -> dict[str, Any]:
    """A job as ``GET /v1/jobs/{id}`` tells it."""
    over = state.final
    return {
        "id": job.id,
        "status": state.value,
        "why": job.fate.why if state is State.FAILED else "",
        "device": job.device.name,
        "tag": job.submission.tag,
        "shots": job.submission.shots,
        "created": job.created,
        "started": job.starts if state in (State.RUNNING, State.DONE, State.FAILED) else None,
        "finished": job.ended() if over else None,
        "billed": plain_money(sum_of(job.bills)),
    }


def sum_of(bills: Sequence[Money]) -> Money | None:
    """Bills of the last one's currency less refunds, 0 at least; None before the first."""
    if not bills:
        return None
    currency = bills[-1].currency
    owed = sum(bill.micros for bill in bills if bill.currency == currency)
    return Money(max(owed, 0), currency)


def plain_findings(findings: Findings, job: EmulatedJob, calibration: str) -> dict[str, Any]:
    """A result as ``GET /v1/jobs/{id}/result`` tells it."""
    return {
        "job": findings.job,
        "device": job.device.name,
        "region": job.device.region,
        "calibration": calibration,
        "programs": [
            {"digest": digest, **plain_reading(reading)}
            for digest, reading in zip(findings.digests, findings.readings, strict=True)
        ],
    }


def plain_reading(reading: Reading) -> dict[str, Any]:
    """Rows as texts of 0 and 1, character ``k`` being bit ``k``; occurrences; energies."""
    texts = (reading.bits + ord("0")).astype(np.uint8)
    plain: dict[str, Any] = {
        "rows": [row.tobytes().decode("ascii") for row in texts],
        "occurrences": reading.occurrences.tolist(),
    }
    if reading.energies is not None:
        plain["energies"] = reading.energies.tolist()
    return plain
