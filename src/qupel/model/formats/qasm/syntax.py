"""What an OpenQASM text says, statement by statement; ``at`` is a place in the text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Number:
    """A literal number."""

    value: int | float
    at: int


@dataclass(frozen=True, slots=True)
class Name:
    """A constant, a parameter or the variable of a loop."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Chain:
    """Expressions joined by signs of equal rank, worked out from the left."""

    first: Expression
    rest: tuple[tuple[str, Expression], ...]
    at: int


@dataclass(frozen=True, slots=True)
class Operation:
    """A function, a power or a change of sign, applied to its arguments."""

    sign: str
    parts: tuple[Expression, ...]
    at: int


Expression = Number | Name | Chain | Operation


@dataclass(frozen=True, slots=True)
class Span:
    """``start:step:stop``, the stop included; None where left out."""

    start: Expression | None
    step: Expression | None
    stop: Expression | None
    at: int


@dataclass(frozen=True, slots=True)
class Operand:
    """A register, an alias or a formal qubit, whole or in part.

    ``index`` is None for the whole, a `Span`, or the chosen places.
    """

    name: str
    index: Span | tuple[Expression, ...] | None
    at: int


@dataclass(frozen=True, slots=True)
class Modifier:
    """``ctrl``, ``negctrl``, ``inv`` or ``pow``, with the number in its brackets."""

    kind: str
    number: Expression | None
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """A gate on qubits."""

    name: str
    modifiers: tuple[Modifier, ...]
    angles: tuple[Expression, ...]
    operands: tuple[Operand, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Barrier:
    """A barrier; it changes no state."""

    operands: tuple[Operand, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Reset:
    """Back to zero."""

    operands: tuple[Operand, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Measure:
    """A measurement of ``source`` into ``target``, or into nothing."""

    source: Operand
    target: Operand | None
    at: int


@dataclass(frozen=True, slots=True)
class Loop:
    """``for``: the body for every value of the variable."""

    variable: str
    values: Span | tuple[Expression, ...]
    body: tuple[Statement, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Definition:
    """``gate``: a name for other gates."""

    name: str
    parameters: tuple[str, ...]
    qubits: tuple[str, ...]
    body: tuple[Statement, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Register:
    """Qubits or bits under one name; ``measured`` if bits are born from a measurement."""

    kind: str
    name: str
    size: Expression | None
    measured: Operand | None
    at: int


@dataclass(frozen=True, slots=True)
class Constant:
    """``const``: a name for a number."""

    name: str
    value: Expression
    at: int


@dataclass(frozen=True, slots=True)
class Parameter:
    """``input``: a number given later."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Alias:
    """``let``: a name for qubits that have one already."""

    name: str
    parts: tuple[Operand, ...]
    at: int


Statement = (
    Call | Barrier | Reset | Measure | Loop | Definition | Register | Constant | Parameter | Alias
)
