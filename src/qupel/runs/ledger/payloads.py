"""Orders and results as bytes, and back: JSON for what is plain, raw arrays for the rest.

No byte is executed when it is read; equal things have equal bytes, so their hash names them.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import sparse

from qupel.backends.contract import Annealing, Order, Program, Reading, Result, Times
from qupel.errors import InputError
from qupel.model.circuit import Circuit
from qupel.model.evidence import Evidence
from qupel.model.gate import Angle, Gate
from qupel.model.ising import Ising
from qupel.model.money import Money
from qupel.model.quota import Quota
from qupel.runs.description import plain

Arrays = list[np.ndarray]


def order_bytes(order: Order) -> bytes:
    """An order as bytes.

    Raises
    ------
    InputError
        If its settings are no plain data.
    """
    arrays: Arrays = []
    document = {
        "what": "order",
        "programs": [_program(program, arrays) for program in order.programs],
        "shots": order.shots,
        "key": order.key,
        "tag": order.tag,
        "settings": plain(dict(order.settings)),
    }
    return _pack(document, arrays)


def order_from(body: bytes) -> Order:
    """The order that these bytes hold."""
    document, arrays = _unpack(body, "order")
    return Order(
        tuple(_program_from(program, arrays) for program in document["programs"]),
        document["shots"],
        document["key"],
        document["tag"],
        document["settings"],
    )


def programs_hash(order: Order) -> str:
    """Hash of what an order runs, whatever the number of shots, the key, or the settings."""
    arrays: Arrays = []
    programs = [_program(program, arrays) for program in order.programs]
    return name_of(_pack({"what": "programs", "programs": programs}, arrays))


def result_bytes(result: Result) -> bytes:
    """A result as bytes."""
    arrays: Arrays = []
    readings = []
    for reading in result.readings:
        packed = np.packbits(reading.bits, axis=1, bitorder="little")
        held = {"width": reading.bits.shape[1], "bits": _put(packed, arrays)}
        held["occurrences"] = _put(reading.occurrences, arrays)
        if reading.energies is not None:
            held["energies"] = _put(reading.energies, arrays)
        readings.append(held)
    times = result.times
    document = {
        "what": "result",
        "readings": readings,
        "job": result.job,
        "device": result.device,
        "evidence": result.evidence.value,
        "times": [times.created, times.queued, times.running, times.finished],
        "billed": None
        if result.billed is None
        else [str(result.billed.micros), result.billed.currency],
        "calibration": result.calibration,
        "facts": plain(dict(result.facts)),
    }
    return _pack(document, arrays)


def result_from(body: bytes) -> Result:
    """The result that these bytes hold."""
    document, arrays = _unpack(body, "result")
    billed = document["billed"]
    return Result(
        tuple(_reading(held, arrays) for held in document["readings"]),
        document["job"],
        document["device"],
        Evidence(document["evidence"]),
        Times(*document["times"]),
        None if billed is None else Money(int(billed[0]), billed[1]),
        document["calibration"],
        document["facts"],
    )


def name_of(body: bytes) -> str:
    """Hash that a payload is kept under."""
    return hashlib.sha256(body).hexdigest()


def compressed(body: bytes) -> bytes:
    """A payload as it is stored."""
    return zlib.compress(body, 1)


def decompressed(stored: bytes, name: str) -> bytes:
    """A stored payload; `InputError` if it is not what its name says."""
    try:
        body = zlib.decompress(stored)
    except zlib.error as error:
        raise InputError(f"payload {name[:12]} in the database is damaged: {error}") from error
    if name_of(body) != name:
        raise InputError(f"payload {name[:12]} in the database was changed; its hash is another")
    return body


def _program(program: Program, arrays: Arrays) -> dict[str, Any]:
    if isinstance(program, Annealing):
        form = program.form
        pairs = form.couplings.tocoo()
        return {
            "fields": _put(form.fields, arrays),
            "rows": _put(pairs.row.astype(np.int64), arrays),
            "columns": _put(pairs.col.astype(np.int64), arrays),
            "couplings": _put(pairs.data.astype(np.float64), arrays),
            "offset": form.offset,
            "quotas": [[list(quota.members), quota.count] for quota in form.quotas],
            "microseconds": program.microseconds,
        }
    return {
        "qubits": program.qubits,
        "gates": [[gate.name, list(gate.qubits), _angles(gate)] for gate in program.gates],
        "measured": None if program.measured is None else list(program.measured),
    }


def _angles(gate: Gate) -> list[float]:
    """Angles of a gate of an order, which has no free parameters."""
    return [float(angle) for angle in gate.angles if not isinstance(angle, Angle)]


def _program_from(held: Mapping[str, Any], arrays: Arrays) -> Program:
    if "gates" in held:
        gates = (Gate(name, tuple(qubits), tuple(angles)) for name, qubits, angles in held["gates"])
        return Circuit(held["qubits"], gates, held["measured"])
    fields = arrays[held["fields"]]
    places = (arrays[held["rows"]], arrays[held["columns"]])
    pairs = sparse.csr_array((arrays[held["couplings"]], places), shape=(fields.size,) * 2)
    quotas = (Quota(tuple(members), count) for members, count in held["quotas"])
    return Annealing(Ising(fields, pairs, held["offset"], quotas), held["microseconds"])


def _reading(held: Mapping[str, Any], arrays: Arrays) -> Reading:
    packed, width = arrays[held["bits"]], held["width"]
    bits = np.unpackbits(packed, axis=1, bitorder="little", count=width)
    energies = arrays[held["energies"]] if "energies" in held else None
    return Reading(bits, arrays[held["occurrences"]], energies)


def _put(array: np.ndarray, arrays: Arrays) -> int:
    arrays.append(np.ascontiguousarray(array))
    return len(arrays) - 1


def _pack(document: Mapping[str, Any], arrays: Arrays) -> bytes:
    layout = [[array.dtype.str, list(array.shape)] for array in arrays]
    head = json.dumps(
        {**document, "arrays": layout}, sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode()
    return struct.pack("<Q", len(head)) + head + b"".join(array.tobytes() for array in arrays)


def _unpack(body: bytes, what: str) -> tuple[dict[str, Any], Arrays]:
    (length,) = struct.unpack_from("<Q", body)
    document = json.loads(body[8 : 8 + length])
    if document["what"] != what:
        raise InputError(f"this is a stored {document['what']}, not a stored {what}")
    arrays, place = [], 8 + length
    for dtype, shape in document["arrays"]:
        count = int(np.prod(shape, dtype=np.int64))
        flat = np.frombuffer(body, np.dtype(dtype), count, place)
        arrays.append(flat.reshape(shape).copy())
        place += flat.nbytes
    return document, arrays
