"""MPS files, free or fixed, with integers, ranges and quadratic objectives."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from qupel.errors import InputError
from qupel.model.formats.draft import INFINITE, Column, Draft, Row, plain_names
from qupel.model.formats.text import mistake, number, real
from qupel.model.model import Model

#: First and last column, counted from 0, of the six fields of a fixed line.
_FIELDS = ((1, 3), (4, 12), (14, 22), (24, 36), (39, 47), (49, 61))
_SECTIONS = {
    *("NAME", "OBJSENSE", "OBJNAME", "ROWS", "COLUMNS", "RHS", "RANGES", "BOUNDS"),
    *("QUADOBJ", "QMATRIX", "QSECTION", "ENDATA", "OBJSENSE", "OBJSENSEMAX"),
}


def read_mps(text: str, source: str = "mps", *, fixed: bool = False) -> Model:
    """Model of an MPS file.

    Variables are integer between the markers INTORG and INTEND or by the bounds BV, LI, UI; an
    integer variable without any bound is binary, as solvers have it. A right-hand side of the
    objective row is minus its constant. ``QUADOBJ`` (and ``QSECTION``) give a triangle of the
    matrix Q in ``x'Qx / 2``, ``QMATRIX`` all of it. A maximised objective changes its sign.

    Parameters
    ----------
    text, source
        Content and name of the file.
    fixed
        Whether fields stand in their fixed columns, so that names may hold blanks. Without it
        fields are separated by blanks, which fits nearly all fixed files as well.

    Raises
    ------
    InputError
        With the file, the line, what stands there and the remedy; also for continuous
        variables, which a `Model` does not hold.
    """
    reader = _Reader(Draft(source))
    section = ""
    for line, raw in enumerate(text.splitlines(), start=1):
        if not raw.strip() or raw.startswith("*"):
            continue
        if not raw[0].isspace():
            words = raw.split()
            section = words[0].upper()
            if section not in _SECTIONS:
                raise mistake(
                    source,
                    line,
                    f"section {words[0]!r} is unknown here",
                    "a model holds ROWS, COLUMNS, RHS, RANGES, BOUNDS, QUADOBJ or QMATRIX",
                )
            if section == "ENDATA":
                break
            if section == "OBJSENSE" and len(words) > 1:
                reader.sense(words[1], line)
            continue
        words = _fields(raw) if fixed else raw.split()
        reader.read(section, words, line)
    else:
        raise InputError(f"{source}: ends without ENDATA; the file seems to be cut off")
    reader.finish()
    return reader.draft.model()


def _fields(raw: str) -> list[str]:
    """Fields of a fixed line; the empty first one of most sections is left out."""
    found = [raw[a:b].strip() for a, b in _FIELDS]
    while found and not found[-1]:
        found.pop()
    return found[1:] if found and not found[0] else found


@dataclass(slots=True)
class _Reader:
    draft: Draft
    objective: str = ""
    wanted: str = ""
    kinds: dict[str, str] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    right: dict[str, float] = field(default_factory=dict)
    ranges: dict[str, float] = field(default_factory=dict)
    integer: bool = False

    def read(self, section: str, words: list[str], line: int) -> None:
        """Take one line of a section."""
        match section:
            case "OBJSENSE":
                self.sense(words[0], line)
            case "OBJNAME":
                self.wanted = words[0]
            case "ROWS":
                self._row(words, line)
            case "COLUMNS":
                self._column(words, line)
            case "RHS":
                self._numbers(words, line, self.right)
            case "RANGES":
                self._numbers(words, line, self.ranges)
            case "BOUNDS":
                self._bound(words, line)
            case "QUADOBJ" | "QSECTION":
                i, j, weight = self._product(words, line)
                self.draft.add_pair(i, j, weight / 2 if i == j else weight)
            case "QMATRIX":
                i, j, weight = self._product(words, line)
                self.draft.add_pair(i, j, weight / 2)
            case _:
                raise self._wrong(line, f"{' '.join(words)!r}", "data lines follow a section head")

    def sense(self, word: str, line: int) -> None:
        """Whether to maximise."""
        if word.upper() not in {"MIN", "MAX", "MINIMIZE", "MAXIMIZE", "MINIMISE", "MAXIMISE"}:
            raise self._wrong(line, f"sense {word!r}", "write MIN or MAX")
        self.draft.maximised = word.upper().startswith("MAX")

    def finish(self) -> None:
        """Turn right-hand sides and ranges into limits."""
        self.draft.offset = -self.right.get(self.objective, 0.0)
        for column in self.draft.columns:
            if column.integer and column.lower is None and column.upper is None:
                column.upper = 1.0
        for row in self.draft.rows:
            kind, limit = self.kinds[row.name], self.right.get(row.name, 0.0)
            row.low = -math.inf if kind == "L" else limit
            row.high = math.inf if kind == "G" else limit
            if row.name in self.ranges:
                span = self.ranges[row.name]
                if kind == "L" or (kind == "E" and span < 0):
                    row.low = limit - abs(span)
                else:
                    row.high = limit + abs(span)

    def _row(self, words: list[str], line: int) -> None:
        if len(words) != 2 or words[0].upper() not in {"N", "L", "G", "E"}:
            raise self._wrong(line, f"row {' '.join(words)!r}", "write N, L, G or E and a name")
        kind, name = words[0].upper(), words[1]
        if name in self.kinds:
            raise self._wrong(line, f"row {name!r} is named twice", "give it another name")
        self.kinds[name] = kind
        if kind != "N":
            self.places[name] = len(self.draft.rows)
            self.draft.rows.append(Row(name, line))
        elif not self.objective or name == self.wanted:
            self.objective = name

    def _column(self, words: list[str], line: int) -> None:
        if "'MARKER'" in words:
            self.integer = "'INTORG'" in words
            return
        place = self.draft.column(words[0], line)
        self.draft.columns[place].integer = self.integer
        for name, value in self._pairs(words[1:], line):
            if name == self.objective:
                self.draft.linear[place] = self.draft.linear.get(place, 0.0) + value
            elif name in self.places:
                terms = self.draft.rows[self.places[name]].terms
                terms[place] = terms.get(place, 0.0) + value

    def _numbers(self, words: list[str], line: int, into: dict[str, float]) -> None:
        # The set's own name may be missing.
        into.update(self._pairs(words[len(words) % 2 :], line))

    def _pairs(self, words: list[str], line: int) -> Iterator[tuple[str, float]]:
        if len(words) not in {2, 4}:
            raise self._wrong(line, f"{' '.join(words)!r}", "write one or two rows with numbers")
        for name, value in zip(words[::2], words[1::2], strict=True):
            if name not in self.kinds:
                raise self._wrong(line, f"row {name!r} is not declared", "name it under ROWS")
            yield name, real(value, self.draft.source, line)

    def _bound(self, words: list[str], line: int) -> None:
        kind = words[0].upper()
        bare = kind in {"FR", "MI", "PL", "BV"}
        # The set's own name may be missing; a bare bound may still carry a number.
        named = [k for k in (2, 1) if k < len(words) and words[k] in self.draft.places]
        if kind not in {"UP", "LO", "FX", "LI", "UI"} and not bare:
            raise self._wrong(line, f"bound {words[0]!r}", "use UP LO FX BV LI UI MI PL FR")
        if not named or (not bare and named[0] + 1 >= len(words)):
            raise self._wrong(line, f"bound {' '.join(words)!r}", "name a variable of COLUMNS")
        column = self.draft.columns[self.draft.places[words[named[0]]]]
        value = 0.0 if bare else self._limit(words[named[0] + 1], line)
        _apply(kind, column, value)

    def _limit(self, word: str, line: int) -> float:
        if word.lower().lstrip("+-") in {"inf", "infinity"}:
            return -math.inf if word.startswith("-") else math.inf
        value = real(word, self.draft.source, line)
        return math.copysign(math.inf, value) if abs(value) >= INFINITE else value

    def _product(self, words: list[str], line: int) -> tuple[int, int, float]:
        if len(words) != 3 or any(name not in self.draft.places for name in words[:2]):
            raise self._wrong(line, f"{' '.join(words)!r}", "write two variables and a number")
        first, second = (self.draft.places[name] for name in words[:2])
        return first, second, real(words[2], self.draft.source, line)

    def _wrong(self, line: int, what: str, remedy: str) -> InputError:
        return mistake(self.draft.source, line, what, remedy)


def _apply(kind: str, column: Column, value: float) -> None:
    match kind:
        case "BV":
            column.lower, column.upper, column.integer = 0.0, 1.0, True
        case "FR":
            column.lower, column.upper = -math.inf, math.inf
        case "MI":
            column.lower = -math.inf
        case "PL":
            column.upper = math.inf
        case "FX":
            column.lower = column.upper = value
        case "UP" | "UI":
            column.upper = value
            if value < 0 and column.lower is None:
                column.lower = -math.inf
        case _:
            column.lower = value
            column.upper = math.inf if column.upper is None else column.upper
    column.integer = column.integer or kind in {"LI", "UI"}


def write_mps(model: Model) -> str:
    """Text of an MPS file for ``model``, numbers exact, laid out in the fixed columns.

    Lines stay within the fixed columns where names have up to 8 characters and numbers up to
    12; readers that separate fields by blanks read all of them. A constraint without limits
    says nothing and is left out.
    """
    names = plain_names(model.names, r"\s")
    taken = ["obj", *model.row_names]
    rows = plain_names(taken, r"\s")[1:]
    low, high = model.row_lower.tolist(), model.row_upper.tolist()
    kinds = [_kind(a, b) for a, b in zip(low, high, strict=True)]
    lines = ["NAME          qupel", "ROWS", " N  obj"]
    letters = [kind.replace("R", "L") for kind in kinds]
    lines += [f" {kind}  {name}" for kind, name in zip(letters, rows, strict=True) if kind]
    lines += ["COLUMNS", _entry("MARKER", "'MARKER'", "", "'INTORG'")]
    by_column = model.rows.tocsc()
    for i, name in enumerate(names):
        lines.append(_entry(name, "obj", number(model.linear[i])))
        held = slice(by_column.indptr[i], by_column.indptr[i + 1])
        entries = zip(by_column.indices[held].tolist(), by_column.data[held].tolist(), strict=True)
        lines += [_entry(name, rows[k], number(w)) for k, w in entries if kinds[k]]
    lines += [_entry("MARKER", "'MARKER'", "", "'INTEND'"), "RHS"]
    if model.offset:
        lines.append(_entry("RHS", "obj", number(-model.offset)))
    spans = []
    for k, kind in enumerate(kinds):
        limit = low[k] if kind == "G" else high[k]
        if kind and limit:
            lines.append(_entry("RHS", rows[k], number(limit)))
        if kind == "R":
            spans.append(_entry("RNG", rows[k], number(high[k] - low[k])))
    lines += ["RANGES", *spans] if spans else []
    lines.append("BOUNDS")
    for name, a, b in zip(names, model.lower.tolist(), model.upper.tolist(), strict=True):
        if (a, b) == (0, 1):
            lines.append(f" BV BND       {name}")
        else:
            lines += [f" {k} BND       {name:<8}  {v:>12}" for k, v in (("LO", a), ("UP", b))]
    quadratic = model.quadratic.tocoo()
    if quadratic.nnz:
        lines.append("QUADOBJ")
        first, second = (part.tolist() for part in quadratic.coords)
        lines += [
            _entry(names[i], names[j], number(2 * w if i == j else w))
            for i, j, w in zip(first, second, quadratic.data.tolist(), strict=True)
        ]
    return "\n".join([*lines, "ENDATA", ""])


def _kind(low: float, high: float) -> str:
    """Letter of a row; R for two limits, written as L with a range, and none without limits."""
    if low == high:
        return "E"
    if math.isfinite(low) and math.isfinite(high):
        return "R"
    return "L" if math.isfinite(high) else "G" if math.isfinite(low) else ""


def _entry(first: str, second: str, value: str, mark: str = "") -> str:
    return f"    {first:<8}  {second:<8}  {value:>12}   {mark}".rstrip()
