"""Grammar of the OpenQASM that circuits are written in: tokens in, statements out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from qupel.errors import InputError
from qupel.model.formats.qasm.syntax import (
    Alias,
    Barrier,
    Call,
    Chain,
    Constant,
    Definition,
    Expression,
    Loop,
    Measure,
    Modifier,
    Name,
    Number,
    Operand,
    Operation,
    Parameter,
    Register,
    Reset,
    Span,
    Statement,
)
from qupel.model.formats.qasm.tokens import Source, Token, tokens
from qupel.model.formats.text import LONGEST_NUMBER

Item = TypeVar("Item")

#: Brackets and blocks inside each other.
DEEPEST = 40

NUMBER_TYPES = ("int", "uint", "float", "angle", "bool")
MODIFIERS = ("ctrl", "negctrl", "inv", "pow")
LIBRARIES = ("stdgates.inc", "qelib1.inc")

#: Statements that the body of a gate may hold.
GATES_ALONE = (Call, Barrier, Loop)

#: What may follow an expression.
ENDS = frozenset(")],:};")

#: What OpenQASM has and a flat list of gates has not, with what to do instead.
REFUSED = {
    **dict.fromkeys(("if", "else", "while", "switch", "break", "continue", "end"), "branching"),
    **dict.fromkeys(("def", "return", "extern"), "a subroutine"),
    **dict.fromkeys(("defcal", "cal", "defcalgrammar", "pragma", "port", "frame"), "calibration"),
    **dict.fromkeys(("delay", "box", "stretch", "duration"), "timing"),
    **dict.fromkeys(("output", "array", "complex", *NUMBER_TYPES), "a classical variable"),
    "opaque": "a gate without a definition",
}
KEYWORDS = {
    *REFUSED, *MODIFIERS, "OPENQASM", "include", "qubit", "bit", "qreg", "creg", "gate", "gphase",
    "measure", "reset", "barrier", "const", "input", "let", "for", "in", "U",
}  # fmt: skip


class Parser:
    """Reads one statement after another; `version` is known after the first."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.version = 3
        self._tokens = tokens(source)
        self._next = 0
        self._depth = 0
        self._in_definition = False

    def statements(self) -> Iterator[Statement]:
        """Every statement of the text; version and includes are checked and left out."""
        if self._peek().text == "OPENQASM":
            self._version()
        while self._peek().kind != "end":
            if self._peek().text == "include":
                self._include()
            elif not self._skip(";"):
                yield self._statement()

    def _version(self) -> None:
        self._take()
        number = self._take()
        major = number.text.partition(".")[0]
        if number.kind not in ("real", "whole") or major not in ("2", "3"):
            raise self._mistake(
                number, f"OPENQASM {number.text!r} is not known", "write OPENQASM 2.0 or 3.0"
            )
        self.version = int(major)
        self._expect(";")

    def _include(self) -> None:
        self._take()
        name = self._take()
        if name.kind != "string" or name.text[1:-1] not in LIBRARIES:
            raise self._mistake(
                name,
                f"cannot include {name.text}",
                f"include {' or '.join(LIBRARIES)}, and write other gates into the text",
            )
        self._expect(";")

    def _statement(self) -> Statement:
        token = self._peek()
        readers: dict[str, Callable[[], Statement]] = {
            "qubit": self._register,
            "bit": self._register,
            "qreg": self._old_register,
            "creg": self._old_register,
            "gate": self._definition,
            "measure": self._arrow_measure,
            "reset": self._reset,
            "barrier": self._barrier,
            "const": self._constant,
            "input": self._parameter,
            "let": self._alias,
            "for": self._loop,
        }
        if token.text in readers:
            return readers[token.text]()
        if token.text in REFUSED or token.text == "@":
            what = REFUSED.get(token.text, "an annotation")
            raise self._mistake(
                token,
                f"{token.text!r}: a circuit here is gates and final measurements, not {what}",
                "unroll or remove it",
            )
        if token.text == "include":
            raise self._mistake(token, "an include inside a block", "include at the beginning")
        if token.kind not in ("name", "physical"):
            raise self._unexpected("a statement")
        if token.text not in MODIFIERS:
            ahead = self._tokens[self._next + 1].text
            if ahead in ("=", "["):
                return self._assigned_measure()
        return self._call()

    # Declarations

    def _register(self) -> Register:
        kind = self._take()
        size = self._designator()
        name = self._new_name()
        measured = None
        if self._skip("="):
            if kind.text != "bit":
                raise self._mistake(kind, "qubits cannot be assigned", "start from zeros")
            self._expect("measure")
            measured = self._operand()
        self._expect(";")
        return Register(kind.text, name.text, size, measured, name.at)

    def _old_register(self) -> Register:
        kind = "qubit" if self._take().text == "qreg" else "bit"
        name = self._new_name()
        size = self._designator()
        self._expect(";")
        return Register(kind, name.text, size, None, name.at)

    def _designator(self) -> Expression | None:
        if not self._skip("["):
            return None
        size = self._expression()
        self._expect("]")
        return size

    def _type(self) -> None:
        token = self._take()
        if token.text not in NUMBER_TYPES:
            raise self._mistake(
                token, f"a number of type {token.text!r}", f"use {', '.join(NUMBER_TYPES)}"
            )
        self._designator()

    def _constant(self) -> Constant:
        self._take()
        self._type()
        name = self._new_name()
        self._expect("=")
        value = self._expression()
        self._expect(";")
        return Constant(name.text, value, name.at)

    def _parameter(self) -> Parameter:
        self._take()
        self._type()
        name = self._new_name()
        self._expect(";")
        return Parameter(name.text, name.at)

    def _alias(self) -> Alias:
        self._take()
        name = self._new_name()
        self._expect("=")
        parts = [self._operand()]
        while self._skip("++"):
            parts.append(self._operand())
        self._expect(";")
        return Alias(name.text, tuple(parts), name.at)

    def _definition(self) -> Definition:
        self._take()
        name = self._new_name()
        parameters: list[Token] = []
        if self._skip("("):
            parameters = self._list(self._new_name, end=")") if self._peek().text != ")" else []
            self._expect(")")
        qubits = self._list(self._new_name, end="{")
        given = [token.text for token in (*parameters, *qubits)]
        if len(set(given)) < len(given):
            raise self._mistake(
                name, f"gate {name.text!r} uses a name for two things", "name each differently"
            )
        self._in_definition = True
        body = self._block(name, GATES_ALONE)
        self._in_definition = False
        return Definition(
            name.text,
            tuple(token.text for token in parameters),
            tuple(token.text for token in qubits),
            body,
            name.at,
        )

    # Blocks

    def _loop(self) -> Loop:
        start = self._take()
        self._type()
        variable = self._new_name()
        self._expect("in")
        token = self._take()
        values: Span | tuple[Expression, ...]
        if token.text == "[":
            found = self._span(token)
            if not isinstance(found, Span):
                raise self._mistake(token, "a loop over one number", "write [first:last]")
            values = found
            self._expect("]")
        elif token.text == "{":
            values = tuple(self._list(self._expression, end="}"))
            self._expect("}")
        else:
            raise self._mistake(
                token, f"a loop over {token.text!r}", "write [first:last] or {1, 2, 3}"
            )
        kinds = GATES_ALONE if self._in_definition else (*GATES_ALONE, Measure, Reset)
        if self._peek().text == "{":
            return Loop(variable.text, values, self._block(start, kinds), start.at)
        body = self._nested(start, self._statement)
        self._check_kind(body, kinds)
        return Loop(variable.text, values, (body,), start.at)

    def _block(self, owner: Token, kinds: tuple[type, ...]) -> tuple[Statement, ...]:
        self._expect("{")
        body = []
        while not self._skip("}"):
            if self._skip(";"):
                continue
            if self._peek().kind == "end":
                raise self._mistake(owner, f"the block of {owner.text!r} never ends", "close it: }")
            statement = self._nested(owner, self._statement)
            self._check_kind(statement, kinds)
            body.append(statement)
        return tuple(body)

    def _check_kind(self, statement: Statement, kinds: tuple[type, ...]) -> None:
        if not isinstance(statement, kinds):
            kind = type(statement).__name__.lower()
            raise self.source.mistake(
                statement.at,
                f"{'an' if kind == 'alias' else 'a'} {kind} inside a block",
                "move it to the top level",
            )

    # Measurements and gates

    def _arrow_measure(self) -> Measure:
        start = self._take()
        source = self._operand()
        target = self._operand() if self._skip("->") else None
        self._expect(";")
        return Measure(source, target, start.at)

    def _assigned_measure(self) -> Measure:
        target = self._operand()
        self._expect("=")
        if self._peek().text != "measure":
            raise self._mistake(
                self._peek(), "an assignment that is no measurement", "use constants alone"
            )
        start = self._take()
        source = self._operand()
        self._expect(";")
        return Measure(source, target, start.at)

    def _reset(self) -> Reset:
        start = self._take()
        operands = tuple(self._list(self._operand, end=";"))
        self._expect(";")
        return Reset(operands, start.at)

    def _barrier(self) -> Barrier:
        start = self._take()
        none = self._peek().text == ";"
        operands = () if none else tuple(self._list(self._operand, end=";"))
        self._expect(";")
        return Barrier(operands, start.at)

    def _call(self) -> Call:
        modifiers = []
        while self._peek().text in MODIFIERS:
            modifiers.append(self._modifier())
        name = self._take()
        if name.kind != "name" or name.text in KEYWORDS - {"gphase", "U"}:
            raise self._mistake(name, f"{name.text!r} is no gate", "write `gate qubits;`")
        angles: list[Expression] = []
        if self._skip("("):
            angles = self._list(self._expression, end=")") if self._peek().text != ")" else []
            self._expect(")")
        operands: list[Operand] = []
        if self._peek().text != ";":
            operands = self._list(self._operand, end=";")
        self._expect(";")
        return Call(name.text, tuple(modifiers), tuple(angles), tuple(operands), name.at)

    def _modifier(self) -> Modifier:
        kind = self._take()
        number = None
        if kind.text != "inv" and self._skip("("):
            number = self._expression()
            self._expect(")")
        if kind.text == "pow" and number is None:
            raise self._mistake(kind, "a power without its number", "write pow(2) @")
        self._expect("@")
        return Modifier(kind.text, number, kind.at)

    def _operand(self) -> Operand:
        token = self._take()
        if token.kind not in ("name", "physical") or token.text in KEYWORDS:
            raise self._mistake(
                token, f"{self._shown(token)} is no register", "name qubits or bits"
            )
        index: Span | tuple[Expression, ...] | None = None
        if token.kind == "name" and self._peek().text == "[":
            start = self._take()
            if self._skip("{"):
                index = tuple(self._list(self._expression, end="}"))
                self._expect("}")
            else:
                found = self._span(start)
                index = found if isinstance(found, Span) else (found,)
            self._expect("]")
        return Operand(token.text, index, token.at)

    # Expressions

    def _span(self, start: Token) -> Span | Expression:
        """``a``, ``a:b`` or ``a:step:b``, up to the bracket."""
        parts: list[Expression | None] = []
        while True:
            empty = self._peek().text in (":", "]")
            parts.append(None if empty else self._expression())
            if not self._skip(":"):
                break
        if len(parts) == 1 and parts[0] is not None:
            return parts[0]
        if len(parts) not in (2, 3) or (len(parts) == 3 and parts[1] is None):
            raise self._mistake(start, "a range that is not complete", "write [a:b] or [a:step:b]")
        return Span(parts[0], parts[1] if len(parts) == 3 else None, parts[-1], start.at)

    def _expression(self) -> Expression:
        token = self._tokens[self._next]
        # Most are a number alone, and most of a long text is expressions.
        if token.kind in ("real", "whole") and self._tokens[self._next + 1].text in ENDS:
            return self._number(self._take())
        return self._nested(token, self._sum)

    def _sum(self) -> Expression:
        return self._chain(("+", "-"), self._product)

    def _product(self) -> Expression:
        return self._chain(("*", "/", "%"), self._signed)

    def _chain(self, signs: tuple[str, ...], part: Callable[[], Expression]) -> Expression:
        start = self._peek()
        first, rest = part(), []
        while self._peek().text in signs:
            rest.append((self._take().text, part()))
        return Chain(first, tuple(rest), start.at) if rest else first

    def _signed(self) -> Expression:
        token = self._peek()
        if token.text in ("-", "+"):
            self._take()
            part = self._nested(token, self._signed)
            return Operation("negative", (part,), token.at) if token.text == "-" else part
        return self._power()

    def _power(self) -> Expression:
        base = self._atom()
        # The sign for a power in version 2 means exclusive or in version 3.
        if self._peek().text == "**" or (self._peek().text == "^" and self.version == 2):
            sign = self._take()
            return Operation("**", (base, self._nested(sign, self._signed)), sign.at)
        return base

    def _atom(self) -> Expression:
        token = self._take()
        if token.kind in ("real", "whole"):
            return self._number(token)
        if token.text == "(":
            inner = self._expression()
            self._expect(")")
            return inner
        if token.kind == "name" and (token.text not in KEYWORDS or self._peek().text == "("):
            if self._skip("("):
                parts = tuple(self._list(self._expression, end=")"))
                self._expect(")")
                return Operation(token.text, parts, token.at)
            return Name(token.text, token.at)
        raise self._mistake(
            token, f"{self._shown(token)} is no number", "write 0.5, pi/2, sin(1) …"
        )

    def _number(self, token: Token) -> Number:
        if token.kind == "whole" and token.text.isdecimal() and len(token.text) < 18:
            return Number(int(token.text), token.at)
        text = token.text.replace("_", "")
        if len(text) > LONGEST_NUMBER:
            raise self._mistake(token, f"a number of {len(text)} digits", "write fewer digits")
        if token.kind == "whole":
            bases = {"0x": 16, "0b": 2, "0o": 8}
            base = bases.get(text[:2].lower(), 10)
            try:
                return Number(int(text, base), token.at)
            except ValueError:  # digits of underscores alone
                raise self._mistake(token, f"{token.text!r} is no number", "write 0x1f") from None
        return Number(float(text), token.at)

    # Tokens

    def _nested(self, token: Token, read: Callable[[], Item]) -> Item:
        """Read something that may hold more of its kind."""
        if self._depth == DEEPEST:
            raise self._mistake(token, f"more than {DEEPEST} levels in each other", "write flatter")
        self._depth += 1
        try:
            return read()
        finally:
            self._depth -= 1

    def _list(self, item: Callable[[], Item], end: str) -> list[Item]:
        """Items with commas between; one after the last is allowed."""
        found = [item()]
        while self._skip(",") and self._peek().text != end:
            found.append(item())
        return found

    def _new_name(self) -> Token:
        token = self._take()
        if token.kind != "name" or token.text in KEYWORDS - {"U"}:
            raise self._mistake(token, f"{self._shown(token)} cannot be a name", "choose another")
        return token

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._tokens[self._next]
        if token.kind != "end":
            self._next += 1
        return token

    def _skip(self, text: str) -> bool:
        if self._peek().text == text:
            self._next += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._skip(text):
            raise self._unexpected(repr(text))

    def _unexpected(self, wanted: str) -> InputError:
        token = self._peek()
        return self._mistake(token, f"found {self._shown(token)}", f"write {wanted} here")

    @staticmethod
    def _shown(token: Token) -> str:
        return "the end of the text" if token.kind == "end" else repr(token.text)

    def _mistake(self, token: Token, what: str, remedy: str) -> InputError:
        return self.source.mistake(token.at, what, remedy)
