"""Values of OpenQASM expressions: whole numbers, real ones, and angles that follow a parameter."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from qupel.errors import InputError
from qupel.model.formats.qasm.syntax import Chain, Expression, Name, Number, Operation
from qupel.model.formats.qasm.tokens import Source
from qupel.model.formats.text import LARGEST_NUMBER
from qupel.model.gate import Angle

Value = int | float | Angle

CONSTANTS: Mapping[str, float] = MappingProxyType(
    {
        "pi": math.pi,
        "π": math.pi,
        "tau": math.tau,
        "τ": math.tau,
        "euler": math.e,
        "ℇ": math.e,
    }
)

FUNCTIONS: Mapping[str, Callable[..., float]] = MappingProxyType(
    {
        "sin": math.sin,
        "cos": math.cos,
        "tan": math.tan,
        "arcsin": math.asin,
        "arccos": math.acos,
        "arctan": math.atan,
        "asin": math.asin,
        "acos": math.acos,
        "atan": math.atan,
        "exp": math.exp,
        "ln": math.log,
        "log": math.log,
        "sqrt": math.sqrt,
        "floor": math.floor,
        "ceiling": math.ceil,
        "mod": math.fmod,
        "pow": lambda base, power: _power(base, power),
        "**": lambda base, power: _power(base, power),
        "float": float,
        "int": int,
    }
)
TWO_ARGUMENTS = ("mod", "pow", "**")


def value_of(expression: Expression, names: Mapping[str, Value], source: Source) -> Value:
    """Value of an expression, ``names`` being those that are not constants of the language.

    A quotient of whole numbers is real where it is not whole: ``1/2`` is one half.

    Raises
    ------
    InputError
        If a name is unknown, the value is not a finite number, or it is not linear in one
        parameter.
    """
    match expression:
        case Number(value=value):
            if not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
                raise _huge(expression, source)
            return value
        case Name(name=name):
            return _named(expression, name, names, source)
        case Chain(first=first, rest=rest):
            total = value_of(first, names, source)
            for sign, part in rest:
                other = value_of(part, names, source)
                total = _bounded(_joined(total, sign, other, part, source), part, source)
            return total
        case Operation(sign="negative", parts=(part,)):
            return -value_of(part, names, source)
    return _applied(expression, names, source)


def whole_of(expression: Expression, names: Mapping[str, Value], source: Source) -> int:
    """Value of an expression that must be a whole number."""
    value = value_of(expression, names, source)
    if not isinstance(value, int):
        raise source.mistake(
            expression.at, f"{_shown(value)} where a whole number is needed", "write 0, 1, 2, …"
        )
    return value


def _named(expression: Name, name: str, names: Mapping[str, Value], source: Source) -> Value:
    if name in names:
        return names[name]
    if name in CONSTANTS:
        return CONSTANTS[name]
    raise source.mistake(
        expression.at,
        f"{name!r} has no value",
        "declare it before: `const float name = 0.5;` or `input float name;`",
    )


def _applied(expression: Operation, names: Mapping[str, Value], source: Source) -> Value:
    name = expression.sign
    values = [value_of(part, names, source) for part in expression.parts]
    if name not in FUNCTIONS:
        raise source.mistake(
            expression.at, f"there is no function {name!r}", f"there are {', '.join(FUNCTIONS)}"
        )
    wanted = 2 if name in TWO_ARGUMENTS else 1
    if len(values) != wanted:
        raise source.mistake(
            expression.at, f"{name!r} of {len(values)} values", f"give it {wanted}"
        )
    if any(isinstance(value, Angle) for value in values):
        raise source.mistake(
            expression.at,
            f"{name!r} of an input parameter",
            "an angle is linear in one parameter; make the whole term an input",
        )
    try:
        found = FUNCTIONS[name](*values)
    except (ValueError, ZeroDivisionError, OverflowError):
        found = math.nan
    return _bounded(found, expression, source)


def _power(base: float, power: float) -> float:
    # Powers of whole numbers could fill the memory before anyone looks at their size.
    found = float(base) ** float(power)
    if isinstance(found, complex):
        raise ValueError("a root of a negative number")
    whole = isinstance(base, int) and isinstance(power, int) and power >= 0
    return int(base**power) if whole and abs(found) < 2**53 else found


def _joined(left: Value, sign: str, right: Value, at: Expression, source: Source) -> Value:
    """``left sign right``, or the reason why that is not linear in one parameter."""
    match sign:
        case "-":
            return _joined(left, "+", -right, at, source)
        case "+":
            return _sum(left, right, at, source)
        case "*" if not isinstance(right, Angle):
            return left * right if right else 0
        case "*" if not isinstance(left, Angle):
            return right * left if left else 0
        case "/" | "%" if right == 0:
            raise source.mistake(at.at, "a division by zero", "divide by another number")
        case "/" if not isinstance(right, Angle):
            if isinstance(left, int) and isinstance(right, int) and left % right == 0:
                return left // right
            return left / right
        case "%" if not (isinstance(left, Angle) or isinstance(right, Angle)):
            return math.fmod(left, right) if isinstance(left, float) else left % right
    raise source.mistake(
        at.at,
        f"{sign!r} with a parameter here",
        "an angle is linear in one parameter; make the whole term an input",
    )


def _sum(left: Value, right: Value, at: Expression, source: Source) -> Value:
    if not isinstance(left, Angle):
        return right + left
    if not isinstance(right, Angle):
        return left + right
    if left.parameter != right.parameter:
        raise source.mistake(
            at.at, "an angle of two parameters", "give each its own gate, or one input"
        )
    factor, shift = left.factor + right.factor, left.shift + right.shift
    return Angle(left.parameter, factor, shift) if factor else shift


def _bounded(value: Any, expression: Expression, source: Source) -> Value:
    parts = (value.factor, value.shift) if isinstance(value, Angle) else (value,)
    if not all(abs(part) <= LARGEST_NUMBER for part in parts):
        raise _huge(expression, source)
    return value


def _huge(expression: Expression, source: Source) -> InputError:
    return source.mistake(
        expression.at,
        "a value that is no finite number, or a huge one",
        f"stay within {LARGEST_NUMBER:g}",
    )


def _shown(value: Value) -> str:
    return "a parameter" if isinstance(value, Angle) else f"{value!r:.60}"
