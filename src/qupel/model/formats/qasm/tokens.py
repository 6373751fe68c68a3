"""OpenQASM text as words and signs, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from qupel.errors import InputError
from qupel.model.formats.text import mistake

_TOKEN = re.compile(
    r"""
      (?P<gap>      (?:\s|//[^\n]*|/\*(?:[^*]|\*(?!/))*+\*/)++ )
    | (?P<name>     [^\W\d]\w*+ )
    | (?P<real>     (?:\d[\d_]*+\.[\d_]*+|\.\d[\d_]*+)(?:[eE][+-]?\d++)? | \d[\d_]*+[eE][+-]?\d++ )
    | (?P<whole>    0[xX][0-9a-fA-F_]++ | 0[bB][01_]++ | 0[oO][0-7_]++ | \d[\d_]*+ )
    | (?P<string>   "[^"\n]*+" | '[^'\n]*+' )
    | (?P<physical> \$\d++ )
    | (?P<sign>     -> | \+\+ | \*\* | == | != | <= | >= | && | \|\| | << | >>
                    | [-+*/%^()\[\]{},;:=@<>!~&|.] )
    """,
    re.VERBOSE,
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
    text, found, at = source.text, [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if text.startswith("/*", at) and (match is None or match.lastgroup != "gap"):
            raise source.mistake(at, "a comment that never ends", "close it: */")
        if match is None:
            what = f"unexpected character {text[at]!r}"
            if text[at] in "\"'":
                what = "a string that does not end on its line"
            raise source.mistake(at, what, "write OpenQASM 2 or 3")
        if match.lastgroup != "gap":
            found.append(Token(str(match.lastgroup), match.group(), at))
        at = match.end()
    found.append(Token("end", "", at))
    return found
