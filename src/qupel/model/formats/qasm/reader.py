"""OpenQASM text to a circuit: registers, broadcasting, loops and measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from qupel.errors import InputError
from qupel.model.circuit import Circuit
from qupel.model.control import PHASE
from qupel.model.formats.qasm.budget import Budget
from qupel.model.formats.qasm.definitions import Definitions
from qupel.model.formats.qasm.parser import Parser
from qupel.model.formats.qasm.ranges import loop_values, span_of
from qupel.model.formats.qasm.syntax import (
    Alias,
    Barrier,
    Call,
    Constant,
    Definition,
    Loop,
    Measure,
    Operand,
    Parameter,
    Register,
    Reset,
    Span,
    Statement,
)
from qupel.model.formats.qasm.tokens import Source
from qupel.model.formats.qasm.values import Value, value_of, whole_of
from qupel.model.formats.text import read_text
from qupel.model.gate import Angle, Gate

#: Qubits, and bits, that a text may declare.
MOST_QUBITS = 1_000_000


def read_qasm(text: str | Path, source: str = "qasm") -> Circuit:
    """Circuit of an OpenQASM 3 or OpenQASM 2 text, or of the file at a `Path`.

    Registers follow each other in the order of their declaration, so the first qubit of the
    first register is qubit 0; physical qubits ``$0``, ``$1`` … are their numbers. Bits that no
    qubit is measured into are left out, barriers and global phases are dropped, and a reset is
    allowed where a qubit is still 0. An ``input`` is a parameter of the circuit. A gate that
    the text defines is replaced by what it is made of, except where it defines a gate that the
    circuit has under the same name.

    Parameters
    ----------
    text
        The text itself, or the path of a file, plain or gzipped.
    source
        The name that errors give the text; a file's own name is used for a file.

    Raises
    ------
    InputError
        With the file, line, column, value and remedy: for what is not OpenQASM, and for what a
        list of gates has no place for, such as branching or gates after a measurement.
    """
    if not isinstance(text, str | Path):
        raise InputError(f"an OpenQASM text is a str or a Path, got {type(text).__name__}")
    if isinstance(text, Path):
        return read_qasm(read_text(text), str(text))
    origin = Source(source, text)
    parser = Parser(origin)
    program = None
    for statement in parser.statements():
        if program is None:
            program = _Program(origin, parser.version)
        program.run(statement, program.names)
    if program is None:
        raise InputError(f"{source}: declares no qubits; write `qubit[2] q;`")
    return program.circuit()


class _Program:
    """What a text has said so far."""

    def __init__(self, source: Source, version: int) -> None:
        self.source = source
        self.names: dict[str, Value] = {}
        self._budget = Budget(source)
        self._definitions = Definitions(source, version, self._budget)
        self._parameters: list[str] = []
        self._registers: dict[str, Sequence[int]] = {}
        self._bits: dict[str, range] = {}
        self._qubit_count = 0
        self._bit_count = 0
        self._physical = False
        self._gates: list[Gate] = []
        self._touched: set[int] = set()
        self._measured: set[int] = set()
        self._written: dict[int, int] = {}

    def circuit(self) -> Circuit:
        """Everything said, as a circuit."""
        if not self._qubit_count:
            raise InputError(f"{self.source.name}: declares no qubits; write `qubit[2] q;`")
        measured = [self._written[bit] for bit in sorted(self._written)]
        return Circuit(
            self._qubit_count, self._gates, measured or None, parameter_names=self._parameters
        )

    def run(self, statement: Statement, names: dict[str, Value]) -> None:
        """Take in one statement."""
        match statement:
            case Call():
                self._call(statement, names)
            case Measure():
                self._measure(statement.source, statement.target, names, statement.at)
            case Register():
                self._declare(statement)
            case Definition():
                self._definitions.define(statement, names)
            case Constant():
                self._check_new(statement.name, statement.at)
                self.names[statement.name] = value_of(statement.value, names, self.source)
            case Parameter():
                self._check_new(statement.name, statement.at)
                self.names[statement.name] = Angle(len(self._parameters))
                self._parameters.append(statement.name)
            case Alias():
                self._alias(statement)
            case Loop():
                inner = dict(names)
                for value in loop_values(statement, names, self._budget):
                    inner[statement.variable] = value
                    for step in statement.body:
                        self.run(step, inner)
            case Barrier():
                for operand in statement.operands:
                    self._qubits(operand, names)
                self._budget.spend(1, statement.at)
            case Reset():
                self._reset(statement, names)

    # Names

    def _check_new(self, name: str, at: int) -> None:
        if name in self.names or name in self._registers or name in self._bits:
            raise self.source.mistake(at, f"{name!r} is declared twice", "rename one")

    def _declare(self, register: Register) -> None:
        self._check_new(register.name, register.at)
        size = 1
        if register.size is not None:
            size = whole_of(register.size, self.names, self.source)
        so_far = self._qubit_count if register.kind == "qubit" else self._bit_count
        if not 1 <= size <= MOST_QUBITS - so_far:
            raise self.source.mistake(
                register.at,
                f"{register.name!r} of {size} {register.kind}s",
                f"declare 1 to {MOST_QUBITS:,} in all",
            )
        places = range(so_far, so_far + size)
        if register.kind == "bit":
            self._bits[register.name] = places
            self._bit_count += size
            if register.measured is not None:
                into = Operand(register.name, None, register.at)
                self._measure(register.measured, into, self.names, register.at)
            return
        if self._physical:
            raise self._mixed(register.at)
        self._registers[register.name] = places
        self._qubit_count += size

    def _alias(self, alias: Alias) -> None:
        self._check_new(alias.name, alias.at)
        found: list[int] = []
        for part in alias.parts:
            found += self._qubits(part, self.names)
        self._budget.spend(len(found), alias.at)
        if len(set(found)) < len(found):
            raise self.source.mistake(
                alias.at, f"{alias.name!r} holds a qubit twice", "name others"
            )
        self._registers[alias.name] = tuple(found)

    def _mixed(self, at: int) -> InputError:
        return self.source.mistake(at, "physical qubits beside a register", "use one of the two")

    # Operands

    def _qubits(self, operand: Operand, names: Mapping[str, Value]) -> Sequence[int]:
        if operand.name[0] == "$":
            return (self._physical_qubit(operand),)
        if operand.name not in self._registers:
            what = "a bit" if operand.name in self._bits else "not declared"
            raise self.source.mistake(
                operand.at,
                f"{operand.name!r} is {what}, where a qubit is needed",
                "declare it before: `qubit[2] name;`",
            )
        return self._part(self._registers[operand.name], operand, names)

    def _physical_qubit(self, operand: Operand) -> int:
        if self._registers:
            raise self._mixed(operand.at)
        digits = operand.name[1:]
        if len(digits) > 9 or int(digits) >= MOST_QUBITS:
            raise self.source.mistake(
                operand.at, f"qubit {operand.name}", f"stay below {MOST_QUBITS:,}"
            )
        self._physical = True
        self._qubit_count = max(self._qubit_count, int(digits) + 1)
        return int(digits)

    def _part(
        self, held: Sequence[int], operand: Operand, names: Mapping[str, Value]
    ) -> Sequence[int]:
        """The places of a register that an operand's index chooses."""
        if operand.index is None:
            return held
        size = len(held)
        if isinstance(operand.index, Span):
            chosen: Sequence[int] = span_of(operand.index, names, self.source, operand.at, size)
        else:
            chosen = [whole_of(index, names, self.source) for index in operand.index]
        self._budget.spend(len(chosen), operand.at)
        for place in (min(chosen), max(chosen)) if chosen else ():
            if not -size <= place < size:
                raise self.source.mistake(
                    operand.at,
                    f"{operand.name}[{place}] is not there: {operand.name!r} has {size}",
                    f"use 0 to {size - 1}",
                )
        return [held[place] for place in chosen]

    # Statements

    def _call(self, call: Call, names: Mapping[str, Value]) -> None:
        known = self._definitions.meaning(call)
        lists = [self._qubits(operand, names) for operand in call.operands]
        size = max((len(found) for found in lists), default=1)
        if any(len(found) not in (1, size) for found in lists):
            shown = ", ".join(str(len(found)) for found in lists)
            raise self.source.mistake(
                call.at, f"registers of {shown} qubits in one call", "give all the same size"
            )
        for k in range(size):
            qubits = tuple(found[k] if len(found) > 1 else found[0] for found in lists)
            if not k or len(set(qubits)) < len(qubits):
                self._definitions.check(call, known, qubits, names)
            if late := self._measured.intersection(qubits):
                raise self._after_measurement(min(late), call.at)
            for gate in self._definitions.gates(call, known, qubits, names):
                if gate.name != PHASE:
                    self._gates.append(gate)
            self._touched.update(qubits)

    def _after_measurement(self, qubit: int, at: int) -> InputError:
        return self.source.mistake(
            at,
            f"qubit {qubit} is used after its measurement",
            "measure last: a circuit here has no measurement in the middle",
        )

    def _reset(self, reset: Reset, names: Mapping[str, Value]) -> None:
        for operand in reset.operands:
            qubits = self._qubits(operand, names)
            self._budget.spend(len(qubits), reset.at)
            for qubit in qubits:
                if qubit in self._touched or qubit in self._measured:
                    raise self.source.mistake(
                        reset.at, f"qubit {qubit} is reset after a gate", "use a fresh qubit"
                    )

    def _measure(
        self, source: Operand, target: Operand | None, names: Mapping[str, Value], at: int
    ) -> None:
        qubits = self._qubits(source, names)
        self._budget.spend(len(qubits), at)
        for qubit in qubits:
            if qubit in self._measured:
                raise self._after_measurement(qubit, at)
            self._measured.add(qubit)
        if target is None:
            return
        if target.name not in self._bits:
            raise self.source.mistake(
                target.at, f"{target.name!r} is no bit", f"declare it: `bit[1] {target.name};`"
            )
        bits = self._part(self._bits[target.name], target, names)
        if len(bits) != len(qubits):
            raise self.source.mistake(
                at, f"{len(qubits)} qubits measured into {len(bits)} bits", "give as many bits"
            )
        for bit, qubit in zip(bits, qubits, strict=True):
            if bit in self._written:
                raise self.source.mistake(
                    at, f"a bit of {target.name!r} is measured into twice", "use another bit"
                )
            self._written[bit] = qubit
