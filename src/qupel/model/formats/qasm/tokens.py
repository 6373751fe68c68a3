"""OpenQASM text as words and signs, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from qupel.errors import InputError
from qupel.model.formats.text import mistake

_TOKEN = re.compile(
    r"""
    (?: \s++ | //[^\n]*+ | /\*(?:[^*]|\*(?!/))*+\*/ )*+
    (?: (?P<name>     [^\W\d]\w*+ )
      | (?P<real>     (?: \d[\d_]*+\.[\d_]*+ | \.\d[\d_]*+ ) (?:[eE][+-]?\d++)?
                      | \d[\d_]*+[eE][+-]?\d++ )
      | (?P<whole>    0[xX][0-9a-fA-F_]++ | 0[bB][01_]++ | 0[oO][0-7_]++ | \d[\d_]*+ )
      | (?P<string>   "[^"\n]*+" | '[^'\n]*+' )
      | (?P<physical> \$\d++ )
      | (?P<sign>     -> | \+\+ | \*\* | == | != | <= | >= | && | \|\| | << | >>
                      | /(?!\*) | [-+*%^()\[\]{},;:=@<>!~&|.] )
      | (?P<end>      \Z )
      | (?P<other>    . ) )
    """,
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """One word or sign.

    ``kind`` is name, real, whole, string, physical, sign or end; ``at`` is the place of its first
    character in the text.
    """

    kind: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Source:
    """A text, and the name that errors give it."""

    name: str
    text: str

    def mistake(self, at: int, what: str, remedy: str) -> InputError:
        """Error that names file, line, column, what was found there, and the remedy."""
        line = self.text.count("\n", 0, at) + 1
        column = at - (self.text.rfind("\n", 0, at) + 1) + 1
        return mistake(f"{self.name}:{line}", column, what, remedy)


def tokens(source: Source) -> list[Token]:
    """All tokens of a text, then one of kind end; comments and blanks are left out."""
    found = []
    for match in _TOKEN.finditer(source.text):
        kind = str(match.lastgroup)
        if kind == "other":
            raise _unknown(source, match.start(kind))
        found.append(Token(kind, match[kind], match.start(kind)))
        if kind == "end":
            break
    return found


def _unknown(source: Source, at: int) -> InputError:
    if source.text.startswith("/*", at):
        return source.mistake(at, "a comment that never ends", "close it: */")
    if source.text[at] in "\"'":
        return source.mistake(at, "a string that does not end on its line", "close it there")
    return source.mistake(at, f"unexpected character {source.text[at]!r}", "write OpenQASM 2 or 3")
