"""JSON from providers, read strictly: what is not exactly as agreed is a `ResultError`."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import numpy as np

from qupel.errors import InputError, ResultError
from qupel.model.money import Money

#: Nesting that is read at most, digits of a whole number, and the largest one that is exact.
DEEPEST, LONGEST, LARGEST = 64, 20, 2**53
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


def read_json(body: bytes, what: str = "the reply") -> Any:
    """The document that a body holds.

    Refused are repeated names, NaN and infinities, numbers beyond a double or of very many
    digits, deep nesting, and whatever is no JSON.

    Raises
    ------
    ResultError
        Saying which, and nothing of the content.
    """
    _check_depth(body, what)
    try:
        return json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_unrepeated,
            parse_constant=_no_constant,
            parse_int=_whole,
            parse_float=_finite,
        )
    except _BadError as error:
        raise ResultError(f"{what} {error}") from None
    except (ValueError, RecursionError):
        raise ResultError(f"{what} is no JSON document") from None


def mapping(value: Any, what: str) -> dict[str, Any]:
    """``value`` if it is a JSON object."""
    if not isinstance(value, dict):
        raise ResultError(f"{what} must be an object, got {_shown(value)}")
    return value


def listing(value: Any, what: str) -> list[Any]:
    """``value`` if it is a JSON array."""
    if not isinstance(value, list):
        raise ResultError(f"{what} must be a list, got {_shown(value)}")
    return value


def text(value: Any, what: str) -> str:
    """``value`` if it is a printable text that is not empty, of up to 500 characters."""
    if not isinstance(value, str) or not value or len(value) > 500 or not value.isprintable():
        raise ResultError(f"{what} must be a printable text, got {_shown(value)}")
    return value


def whole(value: Any, what: str, least: int = 0) -> int:
    """``value`` if it is a whole number from ``least`` to 2^53."""
    if type(value) is not int or not least <= value <= LARGEST:
        raise ResultError(f"{what} must be a whole number from {least}, got {_shown(value)}")
    return value


def number(value: Any, what: str) -> float:
    """``value`` if it is a finite number."""
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ResultError(f"{what} must be a finite number, got {_shown(value)}")
    return float(value)


def stamp(value: Any) -> float | None:
    """``value`` if it can be UTC seconds of this century, else None: a stamp is worth no error."""
    plausible = type(value) in (int, float) and 946_684_800 <= value < 4_102_444_800
    return float(value) if plausible else None


def money(value: Any) -> Money | None:
    """Amount of ``{"micros": 300000, "currency": "USD"}``; None if there is none, or no such.

    One below zero is told as it is: whoever books it knows that it cannot be.
    """
    if not isinstance(value, dict) or type(value.get("micros")) is not int:
        return None
    try:
        amount = Money(value["micros"], value.get("currency", ""))
    except InputError:
        return None
    return amount if abs(amount.micros) <= LARGEST else None


class _BadError(ValueError):
    """What is wrong with a document."""


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _BadError("repeats a name in an object")
    return found


def _no_constant(word: str) -> Any:
    raise _BadError("holds NaN or an infinity")


def _whole(digits: str) -> int:
    if len(digits) > LONGEST:
        raise _BadError(f"holds a number of more than {LONGEST} digits")
    return int(digits)


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise _BadError("holds a number that no double can")
    return value


def _check_depth(body: bytes, what: str) -> None:
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return
    signs = np.frombuffer(_STRING.sub(b"", body), np.uint8)
    opens = (signs == ord("[")) | (signs == ord("{"))
    closes = (signs == ord("]")) | (signs == ord("}"))
    depth = np.cumsum(opens.astype(np.int8) - closes.astype(np.int8), dtype=np.int64)
    if depth.size and depth.max() > DEEPEST:
        raise ResultError(f"{what} is nested more than {DEEPEST} deep")


def _shown(value: Any) -> str:
    return f"{type(value).__name__}" if isinstance(value, dict | list) else f"{value!r:.40}"
