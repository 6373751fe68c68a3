"""Gates of a text, defined there or known, expanded into gates of the table."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from qupel.errors import InputError, unknown_name
from qupel.model.circuit import Angle, Gate
from qupel.model.control import PHASE, controlled
from qupel.model.formats.qasm.library import dense, library
from qupel.model.formats.qasm.syntax import (
    Barrier,
    Call,
    Definition,
    Expression,
    Loop,
    Span,
    Statement,
)
from qupel.model.formats.qasm.tokens import Source
from qupel.model.formats.qasm.values import Value, value_of, whole_of
from qupel.model.gates import GATES, inverse, matrix

#: Gates and statements that a text may come to, all definitions and loops expanded.
MOST_STEPS = 2_000_000

#: Definitions that use each other in a row.
DEEPEST = 60

#: Controls that modifiers may put before a gate: with k of them it becomes some 2^(k+1) gates.
MOST_CONTROLS = 12

#: Angles at which a definition is compared with the gate of the table it is named for.
PROBES = (0.37, -1.21, 2.63)


class Budget:
    """Steps left, so that a short text cannot ask for endless work."""

    def __init__(self, source: Source, steps: int | None = None) -> None:
        self.source = source
        self.left = MOST_STEPS if steps is None else steps

    def spend(self, steps: int, at: int) -> None:
        """Take ``steps`` off, or refuse the statement at ``at``."""
        self.left -= steps
        if self.left < 0:
            raise self.source.mistake(
                at,
                f"from here on there are more than {MOST_STEPS:,} gates",
                "split the circuit, or repeat less",
            )


@dataclass(frozen=True, slots=True)
class Defined:
    """A definition and how many levels of definitions are under it."""

    definition: Definition
    depth: int


class Definitions:
    """What gate names mean at this place of a text."""

    def __init__(self, source: Source, version: int, budget: Budget) -> None:
        self.source = source
        self.version = version
        self.budget = budget
        self._library = library(version)
        self._defined: dict[str, Defined] = {}
        self._constants: dict[str, Value] = {}

    def define(self, definition: Definition, constants: Mapping[str, Value]) -> None:
        """Take in a definition; one that says what the table says already is left out."""
        if definition.name in self._defined:
            raise self.source.mistake(
                definition.at, f"gate {definition.name!r} is defined twice", "remove one"
            )
        depth = 1 + max(self._depths(definition.body, definition.qubits), default=0)
        if depth > DEEPEST:
            raise self.source.mistake(
                definition.at, f"more than {DEEPEST} definitions in a row", "define it flatter"
            )
        self._defined[definition.name] = Defined(definition, depth)
        if self._says_nothing_new(definition, constants):
            del self._defined[definition.name]

    def size(self, name: str, at: int) -> int:
        """How many qubits the gate of that name acts on."""
        if name in self._defined:
            return len(self._defined[name].definition.qubits)
        if name in self._library:
            return self._library[name].qubits
        known = {*self._defined, *self._library}
        what, _, hint = str(unknown_name("gate", name, known)).rpartition("; ")
        raise self.source.mistake(at, what, f"define it before it is used; {hint}")

    def gates(self, call: Call, qubits: tuple[int, ...], names: Mapping[str, Value]) -> list[Gate]:
        """Gates of the table, and phases, that a call on ``qubits`` comes to."""
        self.budget.spend(1, call.at)
        angles = tuple(_angle(value_of(angle, names, self.source)) for angle in call.angles)
        if not call.modifiers:
            return self._plain(call, qubits, angles)
        controls = self._controls(call, names)
        used = len(controls)
        found = self._plain(call, qubits[used:], angles)
        # Neighbouring controls are put on at once: one by one they would multiply.
        waiting: tuple[int, ...] = ()
        zeros: tuple[int, ...] = ()
        for modifier in reversed(call.modifiers):
            self.budget.spend(len(found), call.at)
            if modifier.kind in ("ctrl", "negctrl"):
                count = controls.count(modifier.at)
                chosen = qubits[used - count : used]
                used -= count
                waiting = (*chosen, *waiting)
                zeros = (*zeros, *chosen) if modifier.kind == "negctrl" else zeros
                continue
            found = self._controlled(found, waiting, zeros, call.at)
            waiting, zeros = (), ()
            if modifier.kind == "inv":
                found = _inverse(found)
            else:
                found = self._repeated(found, modifier.number, names, call)
        return self._controlled(found, waiting, zeros, call.at)

    def _controls(self, call: Call, names: Mapping[str, Value]) -> list[int]:
        """For each qubit taken as a control, in order, the place of its modifier."""
        found: list[int] = []
        for modifier in call.modifiers:
            if modifier.kind not in ("ctrl", "negctrl"):
                continue
            number = modifier.number
            count = 1 if number is None else whole_of(number, names, self.source)
            if not 1 <= count <= MOST_CONTROLS - len(found):
                raise self.source.mistake(
                    modifier.at,
                    f"{count} controls",
                    f"use 1 to {MOST_CONTROLS} in all, and helper qubits for more",
                )
            found += [modifier.at] * count
        return found

    def total_size(self, call: Call, names: Mapping[str, Value]) -> int:
        """How many qubits a call names: those of the gate, and its controls."""
        return self.size(call.name, call.at) + len(self._controls(call, names))

    def _plain(
        self, call: Call, qubits: tuple[int, ...], angles: tuple[float | Angle, ...]
    ) -> list[Gate]:
        defined = self._defined.get(call.name)
        known = self._library.get(call.name)
        if defined is not None:
            wanted = len(defined.definition.parameters)
        elif known is not None:
            wanted = known.angles
        else:
            wanted = self.size(call.name, call.at)  # raises: there is no such gate
        if len(angles) != wanted:
            raise self.source.mistake(
                call.at, f"gate {call.name!r} with {len(angles)} angles", f"give it {wanted}"
            )
        if defined is not None:
            return self._expanded(defined.definition, qubits, angles)
        assert known is not None  # noqa: S101
        return known.gates(qubits, angles)

    def _expanded(
        self, definition: Definition, qubits: tuple[int, ...], angles: tuple[float | Angle, ...]
    ) -> list[Gate]:
        names = ChainMap[str, Value](
            dict(zip(definition.parameters, angles, strict=True)), self._constants
        )
        place = dict(zip(definition.qubits, qubits, strict=True))
        return list(self._body(definition.body, names, place))

    def _body(
        self, body: Sequence[Statement], names: ChainMap[str, Value], place: Mapping[str, int]
    ) -> Iterator[Gate]:
        for statement in body:
            if isinstance(statement, Loop):
                inner = names.new_child()
                for value in loop_values(statement, names, self.budget):
                    inner[statement.variable] = value
                    yield from self._body(statement.body, inner, place)
            elif isinstance(statement, Call):
                qubits = tuple(place[operand.name] for operand in statement.operands)
                check_call(self, statement, qubits, names)
                yield from self.gates(statement, qubits, names)

    def _controlled(
        self, gates: list[Gate], controls: tuple[int, ...], zeros: tuple[int, ...], at: int
    ) -> list[Gate]:
        """Gates where all ``controls`` are one, but those of ``zeros`` zero."""
        if not controls:
            return gates
        flips = [Gate("x", (q,)) for q in zeros]
        found = list(flips)
        for gate in gates:
            under = controlled(gate, controls)
            self.budget.spend(len(under), at)
            found += under
        return found + flips

    def _repeated(
        self, gates: list[Gate], number: Expression | None, names: Mapping[str, Value], call: Call
    ) -> list[Gate]:
        assert number is not None  # noqa: S101
        times = whole_of(number, names, self.source)
        self.budget.spend(len(gates) * abs(times), call.at)
        return (gates if times >= 0 else _inverse(gates)) * abs(times)

    def _depths(self, body: Sequence[Statement], qubits: tuple[str, ...]) -> Iterator[int]:
        """Depth of every gate that a body uses; also checks its names, so that none is circular."""
        for statement in body:
            if isinstance(statement, Loop):
                yield from self._depths(statement.body, qubits)
                continue
            assert isinstance(statement, (Call, Barrier))  # noqa: S101
            for operand in statement.operands:
                if operand.name not in qubits or operand.index is not None:
                    raise self.source.mistake(
                        operand.at,
                        f"{operand.name!r} is no qubit of this gate",
                        f"a definition acts on its own qubits: {', '.join(qubits)}",
                    )
            if isinstance(statement, Call):
                self.size(statement.name, statement.at)
                used = self._defined.get(statement.name)
                yield used.depth if used else 0

    def _says_nothing_new(self, definition: Definition, constants: Mapping[str, Value]) -> bool:
        """Whether a definition is that of the gate of the same name in the table."""
        self._constants = dict(constants)
        kind = GATES.get(definition.name)
        sizes = len(definition.qubits), len(definition.parameters)
        if kind is None or sizes != (kind.qubits, kind.angles):
            return False
        budget, self.budget = self.budget, Budget(self.source, 1000)
        angles = PROBES[: kind.angles]
        try:
            found = self._expanded(definition, tuple(range(kind.qubits)), angles)
            theirs = dense(found, kind.qubits)
        except (InputError, TypeError):
            return False
        finally:
            self.budget = budget
        ours = matrix(definition.name, angles)
        if self.version == 2:
            # No control, so a global phase is never seen.
            overlap = np.vdot(ours, theirs)
            theirs = theirs * (abs(overlap) / overlap if overlap else 1)
        return bool(np.abs(ours - theirs).max() < 1e-12)


def check_call(
    definitions: Definitions, call: Call, qubits: tuple[int, ...], names: Mapping[str, Value]
) -> None:
    """Refuse a call on the wrong number of qubits, or on one qubit twice."""
    wanted = definitions.total_size(call, names)
    if len(qubits) != wanted:
        raise definitions.source.mistake(
            call.at, f"gate {call.name!r} on {len(qubits)} qubits", f"it acts on {wanted}"
        )
    if len(set(qubits)) < len(qubits):
        raise definitions.source.mistake(
            call.at, f"gate {call.name!r} on a qubit twice", "name different qubits"
        )


def loop_values(loop: Loop, names: Mapping[str, Value], budget: Budget) -> Sequence[Value]:
    """The values that the variable of a loop takes."""
    source = budget.source
    if isinstance(loop.values, Span):
        values = span_of(loop.values, names, source, loop.at)
        budget.spend(len(values), loop.at)
        return values
    budget.spend(len(loop.values), loop.at)
    return [value_of(value, names, source) for value in loop.values]


def span_of(
    span: Span, names: Mapping[str, Value], source: Source, at: int, size: int | None = None
) -> range:
    """The places of ``start:step:stop``; ends left out are those of a register of ``size``."""
    step = 1 if span.step is None else whole_of(span.step, names, source)
    if step == 0 or (size is None and (span.start is None or span.stop is None)):
        raise source.mistake(at, "a range without an end, or of step 0", "write [first:last]")
    first, last = (0, (size or 0) - 1) if step > 0 else ((size or 0) - 1, 0)
    start = first if span.start is None else _from_end(whole_of(span.start, names, source), size)
    stop = last if span.stop is None else _from_end(whole_of(span.stop, names, source), size)
    found = range(start, stop + (1 if step > 0 else -1), step)
    if max(abs(start), abs(stop)) > MOST_STEPS:
        raise source.mistake(at, f"a range from {start} to {stop}", f"stay within {MOST_STEPS:,}")
    return found


def _from_end(place: int, size: int | None) -> int:
    """A negative place of a register counts from its end; of a loop it is itself."""
    return place + size if size is not None and place < 0 else place


def _angle(value: Value) -> float | Angle:
    return value if isinstance(value, Angle) else float(value)


def _inverse(gates: list[Gate]) -> list[Gate]:
    out = []
    for gate in reversed(gates):
        if gate.name == PHASE:
            out.append(Gate(PHASE, (), tuple(-a for a in gate.angles)))
        else:
            name, angles = inverse(gate.name, gate.angles)
            out.append(Gate(name, gate.qubits, angles))
    return out
