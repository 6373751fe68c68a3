"""IonQ's lists of gates as circuits of ours.

Angles of the gates of algorithms ("qis") are radians, those of native gates are turns. Qubit 0 is
the lowest bit of an outcome, as with us.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

from qupel.errors import InputError
from qupel.model.circuit import Circuit
from qupel.model.control import controlled
from qupel.model.gate import Gate

#: Gates without an angle and with one, by IonQ's name.
PLAIN = {
    "x": "x", "not": "x", "y": "y", "z": "z", "h": "h", "s": "s", "si": "sdg", "t": "t",
    "ti": "tdg", "v": "sx", "vi": "sxdg", "swap": "swap", "cnot": "cx", "id": "id",
}  # fmt: skip
TURNED = {
    "rx": "rx", "ry": "ry", "rz": "rz", "xx": "rxx", "yy": "ryy", "zz": "rzz", "z": "p",
}  # fmt: skip
MOST_GATES = 200_000


def circuits_of(document: Mapping[str, Any]) -> tuple[Circuit, ...]:
    """Circuits of a job's document, measured whole.

    A single circuit has the width that the document names; one of several is as wide as its gates
    reach, since Cirq's client loses outcomes that are wider.

    Raises
    ------
    InputError
        Naming the gate and what is wrong with it.
    """
    given = document.get("input")
    if not isinstance(given, Mapping):
        raise InputError("input must be an object")
    qubits, gateset = given.get("qubits"), given.get("gateset", "qis")
    if type(qubits) is not int:
        raise InputError(f"input.qubits must be a whole number, got {qubits!r:.40}")
    if gateset not in ("qis", "native"):
        raise InputError(f"input.gateset must be qis or native, got {gateset!r:.40}")
    kind = document.get("type")
    if kind == "ionq.circuit.v1":
        lists = [given.get("circuit")]
    elif kind == "ionq.multi-circuit.v1":
        several = given.get("circuits")
        lists = [part.get("circuit") for part in _objects(several, "input.circuits")]
    else:
        raise InputError(f"type {kind!r:.60} is not emulated; send ionq.circuit.v1")
    if not lists:
        raise InputError("input.circuits must hold a circuit or more")
    found = []
    for place, entries in enumerate(lists):
        where = f"circuit {place}"
        gates = list(_gates(_objects(entries, where), gateset, where))
        reach = max((qubit + 1 for gate in gates for qubit in gate.qubits), default=1)
        width = qubits if len(lists) == 1 else reach
        found.append(Circuit(width, gates).measure())
    return tuple(found)


def _objects(value: Any, what: str) -> list[Mapping[str, Any]]:
    """A list of JSON objects."""
    if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
        raise InputError(f"{what} must be a list of objects")
    return value


def _gates(entries: list[Mapping[str, Any]], gateset: str, where: str) -> Iterator[Gate]:
    if len(entries) > MOST_GATES:
        raise InputError(f"{where} has more than {MOST_GATES} gates")
    for place, entry in enumerate(entries):
        name = entry.get("gate")
        at = f"{where}, gate {place} ({name!r:.40})"
        try:
            if gateset == "native":
                yield from _native(entry, at)
            elif name == "pauliexp":
                yield from _evolution(entry, at)
            else:
                yield from controlled(_algorithmic(entry, at), _places(entry, "control", at))
        except (TypeError, KeyError, IndexError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{at} is not written as IonQ's gates are: {error}") from error


def _algorithmic(entry: Mapping[str, Any], at: str) -> Gate:
    name, targets = entry["gate"], _places(entry, "target", at)
    if "rotation" in entry and name in TURNED:
        return Gate(TURNED[name], targets, (_angle(entry["rotation"], at),))
    if name not in PLAIN:
        missing = name in TURNED
        why = "a rotation in radians is missing" if missing else "there is no such gate"
        raise InputError(f"{at}: {why}")
    if name == "cnot":
        return Gate("x", targets)
    return Gate(PLAIN[name], targets)


def _native(entry: Mapping[str, Any], at: str) -> list[Gate]:
    name, targets = entry["gate"], _places(entry, "target", at)
    if name == "gpi":
        [qubit], phi = targets, _turn(entry["phase"], at)
        return [Gate("u", (qubit,), (math.pi, phi, math.pi - phi))]
    if name == "gpi2":
        [qubit], phi = targets, _turn(entry["phase"], at)
        return [Gate("u", (qubit,), (math.pi / 2, phi - math.pi / 2, math.pi / 2 - phi))]
    if name == "ms":
        first, second = (_turn(phase, at) for phase in entry["phases"])
        angle = _turn(entry.get("angle", 0.25), at)
        a, b = targets
        before = [Gate("rz", (a,), (-first,)), Gate("rz", (b,), (-second,))]
        after = [Gate("rz", (a,), (first,)), Gate("rz", (b,), (second,))]
        return [*before, Gate("rxx", targets, (angle,)), *after]
    if name == "zz":
        angle = entry["angle"] if "angle" in entry else entry["phase"]
        return [Gate("rzz", targets, (_turn(angle, at),))]
    raise InputError(f"{at}: there is no such native gate")


def _evolution(entry: Mapping[str, Any], at: str) -> Iterator[Gate]:
    """``exp(-i time sum c P)`` of Pauli products that commute; their last letter is target 0."""
    targets, time = _places(entry, "target", at), _angle(entry["time"], at)
    for term, coefficient in zip(entry["terms"], entry["coefficients"], strict=True):
        if len(term) != len(targets) or set(term) - set("IXYZ"):
            raise InputError(f"{at}: term {term!r:.60} is no product of {len(targets)} Paulis")
        letters = [(q, p) for q, p in zip(targets, reversed(term), strict=True) if p != "I"]
        yield from _product(letters, 2 * time * _angle(coefficient, at))


def _product(letters: list[tuple[int, str]], angle: float) -> Iterator[Gate]:
    """``exp(-i angle/2 P)``: into the basis of Z, the parity into one qubit, a turn, and back."""
    if not letters:
        return
    qubits = [qubit for qubit, _ in letters]
    ladder = [Gate("cx", pair) for pair in itertools.pairwise(qubits)]
    yield from _into_z(letters, math.pi / 2)
    yield from ladder
    yield Gate("rz", (qubits[-1],), (angle,))
    yield from reversed(ladder)
    yield from _into_z(letters, -math.pi / 2)


def _into_z(letters: list[tuple[int, str]], quarter: float) -> Iterator[Gate]:
    """Turn X and Y into Z by a quarter turn, or back by its negative."""
    for qubit, letter in letters:
        if letter == "X":
            yield Gate("h", (qubit,))
        elif letter == "Y":
            yield Gate("rx", (qubit,), (quarter,))


def _places(entry: Mapping[str, Any], word: str, at: str) -> tuple[int, ...]:
    """Qubits under ``target`` or ``targets``, and the like."""
    found = entry.get(f"{word}s", entry.get(word, []))
    places = found if isinstance(found, list) else [found]
    if any(type(place) is not int for place in places):
        raise InputError(f"{at}: {word}s must be numbers of qubits, got {found!r:.60}")
    return tuple(places)


def _angle(value: Any, at: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{at}: an angle is a finite number, got {value!r:.40}")
    return float(value)


def _turn(value: Any, at: str) -> float:
    """Radians of so many turns."""
    return 2 * math.pi * _angle(value, at)
