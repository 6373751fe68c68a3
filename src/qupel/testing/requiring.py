"""What the suites ask with: a clause that is kept or broken, and an error that is caught."""

from __future__ import annotations

from collections.abc import Callable

from qupel.testing.solver import ConformanceError


def require(kept: bool, sentence: str) -> None:
    """Raise a `ConformanceError` of this sentence if a clause is broken."""
    if not kept:
        raise ConformanceError(sentence)


def answer_of(act: Callable[[], object]) -> object:
    """What a call gives: its value, or the error that it raises."""
    try:
        return act()
    except Exception as error:  # noqa: BLE001  # which errors are right, the caller judges
        return error
