"""Answers that are one bit a variable: their text in solution files, and their tables.

A solution file is one of

- a row of 0 and 1, with or without spaces;
- a row of +1 and −1, where +1 stands for bit 0 and −1 for bit 1;
- the numbers, from 1, of the variables that are one.

Lines that begin with ``#`` are comments. The three cannot be mixed up: numbers do not repeat,
start at 1, and a row of bits or spins is as long as there are variables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qupel.errors import InputError
from qupel.model.formats.text import content, mistake

Words = list[tuple[int, str]]


def read_bits(text: str, variables: int, source: str = "solution") -> tuple[int, ...]:
    """Bits of a solution file, one a variable.

    Raises
    ------
    InputError
        With the line, the value and the remedy.
    """
    words = [(line, word) for line, found in content(text) for word in found]
    if not text.strip():
        raise InputError(f"{source}: is empty; write one line of {variables} bits")
    joined = "".join(word for _, word in words)
    if len(joined) == variables and set(joined) <= {"0", "1"}:
        return tuple(map(int, joined))
    if len(words) == variables and {word for _, word in words} <= {"1", "+1", "-1"}:
        return tuple(int(word == "-1") for _, word in words)
    return _bits_of_numbers(words, variables, source)


def write_bits(bits: Sequence[int]) -> str:
    """One line of 0 and 1."""
    return "".join(map(str, bits)) + "\n"


def read_numbers(text: str, variables: int, source: str = "solution") -> tuple[int, ...]:
    """Variables, from 0 and ascending, whose numbers, from 1, a solution file lists."""
    if not text.strip():
        raise InputError(f"{source}: is empty; write one number a line, or a comment `# empty`")
    words = [(line, word) for line, found in content(text) for word in found]
    return tuple(i for i, bit in enumerate(_bits_of_numbers(words, variables, source)) if bit)


def _bits_of_numbers(words: Words, variables: int, source: str) -> tuple[int, ...]:
    bits = [0] * variables
    for line, word in words:
        found = int(word) if word.isascii() and word.isdigit() and len(word) < 19 else None
        if found is None or not 1 <= found <= variables:
            raise mistake(
                source,
                line,
                f"{word!r} is neither a number from 1 to {variables} nor part of a row of "
                f"{variables} bits or spins",
                "list the variables that are one, or give one bit for every variable",
            )
        if bits[found - 1]:
            raise mistake(source, line, f"{word!r} is listed twice", "list each number once")
        bits[found - 1] = 1
    return tuple(bits)


def as_bits(values: Any, variables: int) -> tuple[int, ...]:
    """One row of 0 and 1 as plain integers, its length and values checked."""
    row = np.asarray(values)
    if row.shape != (variables,):
        raise InputError(f"values of shape {row.shape} do not fit {variables} variables")
    if not ((row == 0) | (row == 1)).all():
        raise InputError("values must be 0 or 1; spins go through their encoding's way back")
    return tuple(row.astype(np.int64).tolist())


def frame_of(columns: Mapping[str, Sequence[Any]]) -> Any:
    """Return a pandas data frame of ``columns``."""
    try:
        import pandas as pd
    except ImportError as error:
        raise InputError(
            "a data frame needs pandas; install it with `pip install pandas`"
        ) from error
    return pd.DataFrame({name: list(column) for name, column in columns.items()})
