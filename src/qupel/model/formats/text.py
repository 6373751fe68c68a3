"""Text of instance files: reading, locating mistakes, writing numbers exactly."""

from __future__ import annotations

import gzip
import json
import math
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from qupel.errors import InputError

#: Most variables, nodes or spins that a header may promise: more is a slip, and fills the memory.
LARGEST_SIZE = 10_000_000

#: Largest coefficient, either sign: sums and squares of larger ones leave the range of numbers.
LARGEST_NUMBER = 1e100

#: Digits of a whole number that are read: Python refuses to read many more.
LONGEST_NUMBER = 4000

#: Characters of what was found that a message shows whole.
LONGEST_QUOTE = 200


def read_text(path: Path) -> str:
    """Text of a file, plain or gzipped.

    Raises
    ------
    InputError
        If the file is missing, unreadable or not text.
    """
    try:
        raw = path.read_bytes()
        return (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or error  # the path is named once
        raise InputError(f"{path}: cannot be read: {why}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not a text file: {error}") from error


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to a file, gzipped (without a time stamp) if its name ends in ``.gz``."""
    raw = text.encode()
    path.write_bytes(gzip.compress(raw, mtime=0) if path.suffix == ".gz" else raw)


def mistake(source: str, line: int, what: str, remedy: str) -> InputError:
    """Error that names file, line, what was found there, and the remedy."""
    shown = what if len(what) <= LONGEST_QUOTE else f"{what[:120]} … {what[-60:]}"
    return InputError(f"{source}:{line}: {shown}; {remedy}")


def content(text: str, comments: Iterable[str] = ("#",)) -> Iterator[tuple[int, list[str]]]:
    """Line number and words of each line that is neither empty nor a comment.

    A line is a comment if its first word begins with a sign of ``comments``.
    """
    signs = tuple(comments)
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if words and not words[0].startswith(signs):
            yield number, words


def json_value(text: str, source: str) -> Any:
    """Read a text as JSON; a mistake is told with its line."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise mistake(source, error.lineno, error.msg, "write a JSON document") from error
    except RecursionError as error:
        raise InputError(f"{source}: its JSON is nested too deeply; write it flatter") from error
    except ValueError as error:  # a number of thousands of digits
        raise InputError(f"{source}: cannot be read as JSON: {error}") from error


def real(word: str, source: str, line: int) -> float:
    """Read ``word`` as a finite number."""
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or "_" in word:
        raise mistake(
            source, line, f"{word!r} is not a finite number", "write it as 3, -1.5 or 2e6"
        )
    return value


def whole(word: str, source: str, line: int) -> int:
    """Read ``word`` as an integer of at least 0."""
    if not (word.isascii() and word.isdigit() and len(word) <= LONGEST_NUMBER):
        raise mistake(source, line, f"{word!r} is not a whole number", "write it as 0, 1, 2, …")
    return int(word)


def size(word: str, source: str, line: int) -> int:
    """Read ``word`` as a number of variables, nodes or spins."""
    found = whole(word, source, line)
    if found > LARGEST_SIZE:
        raise mistake(
            source, line, f"a size of {word} is beyond {LARGEST_SIZE:,}", "mend the header"
        )
    return found


def table(
    lines: list[tuple[int, list[str]]], columns: str, source: str
) -> Float64[np.ndarray, "rows columns"]:
    """Lines as an array of numbers; ``columns`` names what a line holds, such as ``i j w``."""
    width = len(columns.split())
    for number, words in lines:
        if len(words) != width:
            raise mistake(
                source, number, f"{' '.join(words)!r} has {len(words)} values", f"write `{columns}`"
            )
    if not lines:
        return np.zeros((0, width))
    try:
        values = np.array([words for _, words in lines], dtype=np.float64)
    except ValueError:
        values = np.full((1, 1), np.nan)
    if not np.isfinite(values).all():
        for number, words in lines:
            for word in words:
                real(word, source, number)
    if (large := np.abs(values).max(axis=1) > LARGEST_NUMBER).any():
        number, words = lines[int(large.argmax())]
        raise mistake(
            source,
            number,
            f"{' '.join(words)!r} holds a number beyond {LARGEST_NUMBER:g}",
            "give coefficients in a larger unit",
        )
    return values


def number(value: float) -> str:
    """Shortest text that reads back as exactly ``value``."""
    as_float = float(value)
    return str(int(as_float)) if as_float.is_integer() and abs(as_float) < 1e15 else repr(as_float)
