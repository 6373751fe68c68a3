"""The places and values that ranges of a text stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qupel.model.formats.qasm import budget as limits
from qupel.model.formats.qasm.budget import Budget
from qupel.model.formats.qasm.syntax import Loop, Span
from qupel.model.formats.qasm.tokens import Source
from qupel.model.formats.qasm.values import Value, value_of, whole_of


def loop_values(loop: Loop, names: Mapping[str, Value], budget: Budget) -> Sequence[Value]:
    """The values that the variable of a loop takes."""
    source = budget.source
    if isinstance(loop.values, Span):
        values = span_of(loop.values, names, source, loop.at)
        budget.spend(len(values), loop.at)
        return values
    budget.spend(len(loop.values), loop.at)
    return [value_of(value, names, source) for value in loop.values]


def span_of(
    span: Span, names: Mapping[str, Value], source: Source, at: int, size: int | None = None
) -> range:
    """The places of ``start:step:stop``; ends left out are those of a register of ``size``."""
    step = 1 if span.step is None else whole_of(span.step, names, source)
    if step == 0 or (size is None and (span.start is None or span.stop is None)):
        raise source.mistake(at, "a range without an end, or of step 0", "write [first:last]")
    first, last = (0, (size or 0) - 1) if step > 0 else ((size or 0) - 1, 0)
    start = first if span.start is None else _from_end(whole_of(span.start, names, source), size)
    stop = last if span.stop is None else _from_end(whole_of(span.stop, names, source), size)
    found = range(start, stop + (1 if step > 0 else -1), step)
    if max(abs(start), abs(stop)) > limits.MOST_STEPS:
        raise source.mistake(
            at, f"a range from {start} to {stop}", f"stay within {limits.MOST_STEPS:,}"
        )
    return found


def _from_end(place: int, size: int | None) -> int:
    """A negative place of a register counts from its end; of a loop it is itself."""
    return place + size if size is not None and place < 0 else place
