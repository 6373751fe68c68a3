r"""LP files, in the dialect of CPLEX that most solvers read.

>>> model = read_lp(r'''
... \ two items, one limit
... Maximize
...  value: 3 a + 4 b
... Subject To
...  weight: 2 a + 3 b <= 4
... Binaries
...  a b
... End
... ''')
>>> model.names, model.linear.tolist()
(('a', 'b'), [-3.0, -4.0])
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from qupel.errors import InputError
from qupel.model.formats.draft import INFINITE, Draft, Row, plain_names
from qupel.model.formats.text import mistake, number
from qupel.model.model import Model

_SECTIONS = {
    "objective": r"(minimi[sz]e|maximi[sz]e|minimum|maximum|min|max)",
    "rows": r"(subject\s+to|such\s+that|s\.t\.|st\.|st)",
    "bounds": r"bounds?",
    "integers": r"(generals?|gen|integers?|int)",
    "binaries": r"(binary|binaries|bin)",
    "refused": r"(semi-continuous|semis?|sec|sos[12]?|lazy\s+constraints|user\s+cuts|pwlobj)",
    "end": r"end",
}
_HEADER = re.compile(
    "|".join(rf"(?P<{name}>{form})" for name, form in _SECTIONS.items()), re.IGNORECASE
)
_TOKEN = re.compile(
    r"""(?P<number>(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)
    |(?P<name>[A-Za-z!"\#$%&(),;?@_'`{}~|](\[[^\[\]\s]*\]|[\w!"\#$%&(),;?@'`{}~|./])*)
    |(?P<relation><=|=<|>=|=>|<|>|=)
    |(?P<sign>->|[-+*^/:\[\]])
    |(?P<unknown>\S)""",
    re.VERBOSE,
)
_AT_MOST, _AT_LEAST = {"<=", "=<", "<"}, {">=", "=>", ">"}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int


def read_lp(text: str, source: str = "lp") -> Model:
    """Model of an LP file: quadratic objective, linear constraints, integers with bounds.

    Variables keep the order in which the file names them. A maximised objective changes its
    sign, since energies are minimised.

    Raises
    ------
    InputError
        With the file, the line, what stands there and the remedy; also for continuous
        variables, which a `Model` does not hold.
    """
    reader = _Reader(Draft(source))
    for section, tokens in _sections(text, source):
        reader.read(section, tokens)
    if not reader.seen:
        raise InputError(f"{source}: has no objective; it must begin with Minimize or Maximize")
    return reader.draft.model()


def _sections(text: str, source: str) -> Iterator[tuple[_Token, list[_Token]]]:
    """Each section's head and what follows it."""
    head: _Token | None = None
    held: list[_Token] = []
    for line, raw in enumerate(text.splitlines(), start=1):
        content = raw.split("\\", 1)[0].strip()
        found = _header(content)
        if found is not None:
            if head is not None:
                yield head, held
            head, held = _Token(found[0], found[1].lower(), line), []
            content = content[len(found[1]) :]
        for match in _TOKEN.finditer(content):
            token = _Token(match.lastgroup or "", match.group(), line)
            if head is None or token.kind == "unknown":
                raise mistake(
                    source,
                    line,
                    f"{token.text!r} is not expected here",
                    "an LP file begins with Minimize or Maximize",
                )
            held.append(token)
    if head is not None:
        yield head, held


def _header(content: str) -> tuple[str, str] | None:
    """Section and keyword that a line begins with, if any."""
    match = _HEADER.match(content)
    if match is None or match.lastgroup is None:
        return None
    section = next(name for name in _SECTIONS if match.group(name) is not None)
    after = content[match.end() :]
    # `st: x <= 1` is a constraint called st, `max_load <= 3` starts with a longer name.
    alone = re.match(r"$|\s+(?![:<>=*^])", after)
    only = section in {"objective", "rows"} or not after.strip()
    return (section, match.group()) if alone and only else None


@dataclass(slots=True)
class _Reader:
    draft: Draft
    seen: bool = False
    tokens: tuple[_Token, ...] = ()
    at: int = 0

    def read(self, section: _Token, tokens: list[_Token]) -> None:
        self.tokens, self.at = tuple(tokens), 0
        match section.kind:
            case "objective":
                self.seen = True
                self.draft.maximised = section.text.startswith("max")
                self._objective()
            case "rows":
                while self.at < len(self.tokens):
                    self._row()
            case "bounds":
                while self.at < len(self.tokens):
                    self._bound()
            case "integers" | "binaries":
                self._declare(section.kind == "binaries")
            case "refused":
                raise self._wrong(
                    section, f"section {section.text!r}", "use bounded integers and linear rows"
                )

    def _objective(self) -> None:
        self._label()
        linear, self.draft.offset = self._terms(self.draft.pairs)
        self.draft.linear = linear
        if (token := self._peek()) is not None:
            raise self._wrong(token, f"{token.text!r} in the objective", "write a sum of terms")

    def _row(self) -> None:
        start = self._peek()
        row = Row(self._label() or f"c{len(self.draft.rows) + 1}", start.line if start else 0)
        low: tuple[float, str] | None = None
        mark = self.at
        value = self._value()
        if value is not None and self._peek_kind() == "relation":
            low = value, self._take().text
        else:
            self.at = mark
        pairs: dict[tuple[int, int], float] = {}
        row.terms, constant = self._terms(pairs)
        token = self._peek()
        if pairs:
            raise self._wrong(token or start, f"row {row.name!r} is quadratic", "make it linear")
        if token is not None and token.text == "->":
            raise self._wrong(token, "an indicator constraint", "write it with a large coefficient")
        if token is not None and token.kind == "relation":
            relation = self._take().text
            limit = self._value()
            if limit is None:
                raise self._wrong(token, f"no number after {relation!r}", "end the row by a number")
            _limit(row, relation, limit - constant)
        elif low is None:
            where = token or (self.tokens[-1] if self.tokens else None)
            raise self._wrong(
                where, f"row {row.name!r} has no limit", "end it by <=, >= or = and a number"
            )
        if low is not None:
            mirrored = {"<": ">", ">": "<", "=": "="}[
                low[1].replace("=<", "<").replace("=>", ">")[0]
            ]
            _limit(row, mirrored, low[0] - constant)
        self.draft.rows.append(row)

    def _bound(self) -> None:
        start = self._peek()
        value = self._value()
        if value is not None:
            relation = self._relation(start)
            column = self._column()
            self._set(column, {"<": ">", ">": "<"}.get(relation[0], "="), value)
            if self._peek_kind() != "relation":
                return
        else:
            column = self._column()
            token = self._peek()
            if token is not None and token.text.lower() == "free":
                self._take()
                self.draft.columns[column].lower = -math.inf
                self.draft.columns[column].upper = math.inf
                return
        relation = self._relation(start)
        limit = self._value()
        if limit is None:
            raise self._wrong(start, "a bound without a number", "write it as 0 <= x <= 9")
        self._set(column, relation[0], limit)

    def _set(self, column: int, relation: str, value: float) -> None:
        held = self.draft.columns[column]
        if relation in "<=":
            held.upper = value
        if relation in ">=":
            held.lower = value

    def _declare(self, binary: bool) -> None:
        while self.at < len(self.tokens):
            token = self._take()
            if token.kind != "name":
                raise self._wrong(token, f"{token.text!r} is no variable", "list names only")
            column = self.draft.columns[self.draft.column(token.text, token.line)]
            column.integer = True
            column.binary = column.binary or binary

    def _terms(self, pairs: dict[tuple[int, int], float]) -> tuple[dict[int, float], float]:
        """A sum of terms: linear part and constant; products are added to ``pairs``."""
        linear: dict[int, float] = {}
        constant = 0.0
        while (token := self._peek()) is not None and token.kind != "relation":
            if token.text in {"->", ":", "]"} or self._begins_row():
                break
            sign = self._sign()
            weight = self._number()
            following = self._peek()
            if following is not None and following.text == "*" and weight is not None:
                self._take()
                following = self._peek()
            if following is not None and following.text == "[":
                self._quadratic(sign * (1.0 if weight is None else weight), pairs)
            elif following is not None and following.kind == "name" and not self._begins_row():
                place = self.draft.column(following.text, following.line)
                self._take()
                linear[place] = linear.get(place, 0.0) + sign * (1.0 if weight is None else weight)
            elif weight is not None:
                constant += sign * weight
            else:
                raise self._wrong(following or token, f"a dangling {token.text!r}", "complete it")
        return linear, constant

    def _quadratic(self, factor: float, pairs: dict[tuple[int, int], float]) -> None:
        """``[ 2 x ^ 2 + 3 x * y ] / 2``; without ``/ 2`` the terms count whole."""
        opening = self._take()
        found: list[tuple[int, int, float]] = []
        while (token := self._peek()) is not None and token.text != "]":
            weight = self._sign() * (1.0 if (w := self._number()) is None else w)
            if (star := self._peek()) is not None and star.text == "*":
                self._take()
            i = self._column()
            sign = self._peek()
            if sign is not None and sign.text == "^":
                self._take()
                if self._number() != 2.0:
                    raise self._wrong(sign, "a power other than 2", "write x ^ 2 or x * y")
                found.append((i, i, weight))
            elif sign is not None and sign.text == "*":
                self._take()
                found.append((i, self._column(), weight))
            else:
                raise self._wrong(sign or token, "a linear term in [ ]", "write x ^ 2 or x * y")
        if self._peek() is None:
            raise self._wrong(opening, "a [ without ]", "close it")
        self._take()
        slash = self._peek()
        if slash is not None and slash.text == "/":
            self._take()
            if self._number() != 2.0:
                raise self._wrong(slash, "a division other than / 2", "write ] / 2")
            factor /= 2.0
        for i, j, weight in found:
            ends = (min(i, j), max(i, j))
            pairs[ends] = pairs.get(ends, 0.0) + factor * weight

    def _label(self) -> str:
        if self._begins_row():
            name = self._take().text
            self._take()
            return name
        return ""

    def _begins_row(self) -> bool:
        two = self.tokens[self.at : self.at + 2]
        return len(two) == 2 and two[0].kind in {"name", "number"} and two[1].text == ":"

    def _sign(self) -> float:
        sign = 1.0
        while (token := self._peek()) is not None and token.text in {"+", "-"}:
            sign = -sign if self._take().text == "-" else sign
        return sign

    def _number(self) -> float | None:
        if self._peek_kind() != "number":
            return None
        return float(self._take().text)

    def _value(self) -> float | None:
        """Read a signed number or infinity if one stands here."""
        mark = self.at
        sign = self._sign()
        token = self._peek()
        if token is not None and token.text.lower() in {"inf", "infinity"}:
            self._take()
            return sign * math.inf
        found = self._number()
        if found is None:
            self.at = mark
            return None
        return sign * (math.inf if found >= INFINITE else found)

    def _column(self) -> int:
        token = self._peek()
        if token is None or token.kind != "name":
            last = token or (self.tokens[-1] if self.tokens else None)
            what = repr(token.text) if token else "the end"
            raise self._wrong(last, f"{what} where a variable should be", "name a variable")
        self._take()
        return self.draft.column(token.text, token.line)

    def _relation(self, start: _Token | None) -> str:
        if self._peek_kind() != "relation":
            raise self._wrong(self._peek() or start, "no <=, >= or = here", "write it as x <= 9")
        text = self._take().text
        return "<" if text in _AT_MOST else ">" if text in _AT_LEAST else "="

    def _peek(self) -> _Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _peek_kind(self) -> str:
        token = self._peek()
        return token.kind if token is not None else ""

    def _take(self) -> _Token:
        self.at += 1
        return self.tokens[self.at - 1]

    def _wrong(self, token: _Token | None, what: str, remedy: str) -> InputError:
        return mistake(self.draft.source, token.line if token else 0, what, remedy)


def _limit(row: Row, relation: str, value: float) -> None:
    kind = "<" if relation in _AT_MOST else ">" if relation in _AT_LEAST else "="
    if kind in "<=":
        row.high = min(row.high, value)
    if kind in ">=":
        row.low = max(row.low, value)


def write_lp(model: Model) -> str:
    """Text of an LP file for ``model``, numbers exact, every variable in the objective.

    Names that the format forbids are changed, as `x[3]` to `x(3)`.
    """
    forbidden = r"[^\w!\"#$%&(),.;?@'`{}~]"
    names = plain_names(model.names, forbidden)
    row_names = plain_names(model.row_names, forbidden)
    objective = _sum(zip(model.linear.tolist(), names, strict=True))
    quadratic = model.quadratic.tocoo()
    if quadratic.nnz:
        products = [
            (2 * w, f"{names[i]} ^ 2" if i == j else f"{names[i]} * {names[j]}")
            for i, j, w in zip(
                *(part.tolist() for part in quadratic.coords), quadratic.data.tolist(), strict=True
            )
        ]
        objective += ["+ [", *_sum(products), "] / 2"]
    if model.offset:
        objective.append(f"{'-' if model.offset < 0 else '+'} {number(abs(model.offset))}")
    lines = ["Minimize", *_wrapped(" obj:", objective), "Subject To"]
    for k, name in enumerate(row_names):
        held = slice(model.rows.indptr[k], model.rows.indptr[k + 1])
        places = model.rows.indices[held].tolist()
        terms = _sum(
            (w, names[i]) for w, i in zip(model.rows.data[held].tolist(), places, strict=True)
        )
        low, high = float(model.row_lower[k]), float(model.row_upper[k])
        terms = terms or [f"0 {names[0]}"]
        before = (
            [f"{number(low)} <="]
            if math.isfinite(low) and math.isfinite(high) and low < high
            else []
        )
        after = (
            f"= {number(low)}"
            if low == high
            else f"<= {number(high)}"
            if math.isfinite(high)
            else f">= {number(low) if math.isfinite(low) else '-infinity'}"
        )
        lines += _wrapped(f" {name}:", [*before, *terms, after])
    binary = (model.lower == 0) & (model.upper == 1)
    bounds = zip(model.lower.tolist(), names, model.upper.tolist(), binary.tolist(), strict=True)
    lines += ["Bounds", *(f" {a} <= {name} <= {b}" for a, name, b, is_bit in bounds if not is_bit)]
    for title, mask in (("Generals", ~binary), ("Binaries", binary)):
        if mask.any():
            lines += [title, *_wrapped("", [names[i] for i in np.flatnonzero(mask).tolist()])]
    return "\n".join([*lines, "End", ""])


def _sum(terms: Iterator[tuple[float, str]] | list[tuple[float, str]]) -> list[str]:
    return [f"{'-' if w < 0 else '+'} {number(abs(w))} {what}" for w, what in terms]


def _wrapped(head: str, words: list[str], width: int = 100) -> list[str]:
    """Words in lines of about ``width`` characters; readers have limits."""
    lines, line = [], head
    for word in words:
        if len(line) + len(word) >= width and line.strip():
            lines.append(line)
            line = " "
        line += f" {word}"
    return [*lines, line]
