"""Gates of a text, defined there or known, expanded into gates of the table."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from qupel.errors import InputError, unknown_name
from qupel.model.control import PHASE, controlled
from qupel.model.formats.qasm.budget import Budget
from qupel.model.formats.qasm.library import Known, dense, library
from qupel.model.formats.qasm.ranges import loop_values
from qupel.model.formats.qasm.syntax import Barrier, Call, Definition, Expression, Loop, Statement
from qupel.model.formats.qasm.tokens import Source
from qupel.model.formats.qasm.values import Value, value_of, whole_of
from qupel.model.gate import Angle, Gate
from qupel.model.gates import GATES, inverse, matrix

#: Definitions that use each other in a row.
DEEPEST = 60

#: Controls that modifiers may put before a gate: with k of them it becomes some 2^(k+1) gates.
MOST_CONTROLS = 12

#: Angles at which a definition is compared with the gate of the table it is named for.
PROBES = (0.37, -1.21, 2.63)


class Definitions:
    """What gate names mean at this place of a text.

    A definition keeps what the names in its body meant where it stands, so that a later
    definition under one of those names changes nothing, and none can use itself.
    """

    def __init__(self, source: Source, version: int, budget: Budget) -> None:
        self.source = source
        self.version = version
        self.budget = budget
        self._known = dict(library(version))
        self._own: set[str] = set()

    def define(self, definition: Definition, constants: dict[str, Value]) -> None:
        """Take in a definition; one that says what the table says already is left out.

        ``constants`` are looked up when the definition is used; none is ever redefined.
        """
        if definition.name in self._own:
            raise self.source.mistake(
                definition.at, f"gate {definition.name!r} is defined twice", "remove one"
            )
        self._own.add(definition.name)
        used = dict(self._used(definition.body, definition.qubits))
        depth = 1 + max((known.depth for known in used.values()), default=0)
        if depth > DEEPEST:
            raise self.source.mistake(
                definition.at, f"more than {DEEPEST} definitions in a row", "define it flatter"
            )
        known = Known(
            len(definition.qubits),
            len(definition.parameters),
            partial(self._expanded, definition, used, constants),
            depth,
        )
        if not self._says_nothing_new(definition.name, known):
            self._known[definition.name] = known

    def meaning(self, call: Call) -> Known:
        """What the name in a call stands for."""
        if call.name not in self._known:
            what, _, hint = str(unknown_name("gate", call.name, self._known)).rpartition("; ")
            raise self.source.mistake(call.at, what, f"define it before it is used; {hint}")
        return self._known[call.name]

    def check(
        self, call: Call, known: Known, qubits: tuple[int, ...], names: Mapping[str, Value]
    ) -> None:
        """Refuse a call on the wrong number of qubits, or on one qubit twice."""
        wanted = known.qubits + len(self._controls(call, names))
        if len(qubits) != wanted:
            raise self.source.mistake(
                call.at, f"gate {call.name!r} on {len(qubits)} qubits", f"it acts on {wanted}"
            )
        if len(set(qubits)) < len(qubits):
            raise self.source.mistake(
                call.at, f"gate {call.name!r} on a qubit twice", "name different qubits"
            )

    def gates(
        self, call: Call, known: Known, qubits: tuple[int, ...], names: Mapping[str, Value]
    ) -> list[Gate]:
        """Gates of the table, and phases, that a checked call on ``qubits`` comes to."""
        self.budget.spend(1, call.at)
        angles = tuple(_angle(value_of(angle, names, self.source)) for angle in call.angles)
        if len(angles) != known.angles:
            raise self.source.mistake(
                call.at, f"gate {call.name!r} with {len(angles)} angles", f"give it {known.angles}"
            )
        if not call.modifiers:
            return known.gates(qubits, angles)
        controls = self._controls(call, names)
        used = len(controls)
        found = known.gates(qubits[used:], angles)
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

    def _expanded(
        self,
        definition: Definition,
        used: Mapping[str, Known],
        constants: dict[str, Value],
        qubits: tuple[int, ...],
        angles: tuple[float | Angle, ...],
    ) -> list[Gate]:
        given = dict[str, Value](zip(definition.parameters, angles, strict=True))
        place = dict(zip(definition.qubits, qubits, strict=True))
        return list(self._body(definition.body, used, ChainMap(given, constants), place))

    def _body(
        self,
        body: Sequence[Statement],
        used: Mapping[str, Known],
        names: ChainMap[str, Value],
        place: Mapping[str, int],
    ) -> Iterator[Gate]:
        for statement in body:
            if isinstance(statement, Loop):
                inner = names.new_child()
                for value in loop_values(statement, names, self.budget):
                    inner[statement.variable] = value
                    yield from self._body(statement.body, used, inner, place)
            elif isinstance(statement, Call):
                known = used[statement.name]
                qubits = tuple(place[operand.name] for operand in statement.operands)
                self.check(statement, known, qubits, names)
                yield from self.gates(statement, known, qubits, names)

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

    def _used(
        self, body: Sequence[Statement], qubits: tuple[str, ...]
    ) -> Iterator[tuple[str, Known]]:
        """Every gate that a body uses, and what it means here; also checks its qubits."""
        for statement in body:
            if isinstance(statement, Loop):
                yield from self._used(statement.body, qubits)
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
                yield statement.name, self.meaning(statement)

    def _says_nothing_new(self, name: str, known: Known) -> bool:
        """Whether a definition is that of the gate of the same name in the table."""
        kind = GATES.get(name)
        if kind is None or (known.qubits, known.angles) != (kind.qubits, kind.angles):
            return False
        budget, self.budget = self.budget, Budget(self.source, 1000)
        angles = PROBES[: kind.angles]
        try:
            theirs = dense(known.gates(tuple(range(kind.qubits)), angles), kind.qubits)
        except (InputError, TypeError):  # a mistake, told when it is used, or a parameter
            return False
        finally:
            self.budget = budget
        ours = matrix(name, angles)
        if self.version == 2:
            # No control, so a global phase is never seen.
            overlap = np.vdot(ours, theirs)
            theirs = theirs * (abs(overlap) / overlap if overlap else 1)
        return bool(np.abs(ours - theirs).max() < 1e-12)


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
