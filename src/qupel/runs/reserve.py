"""Time kept back from a search for what comes after it: way back, repair, judge."""

from __future__ import annotations

from dataclasses import dataclass, field

#: Kept back before anything was measured, beside so many times as long as encoding took.
FIRST_SECONDS = 0.005
ENCODINGS = 4
#: No more than this share of a budget is kept back.
LARGEST_SHARE = 0.2


@dataclass(slots=True)
class Reserve:
    """Learns from each attempt how long its end took.

    Attributes
    ----------
    known
        Seconds to keep back by kind of attempt: problem and solver.
    """

    known: dict[tuple[str, str], float] = field(default_factory=dict)

    def seconds(self, kind: tuple[str, str], *, encoding: float, budget: float) -> float:
        """Seconds to keep back, given the seconds that encoding took (a measure of size)."""
        wanted = self.known.get(kind, FIRST_SECONDS + ENCODINGS * encoding)
        return min(wanted, LARGEST_SHARE * budget)

    def saw(self, kind: tuple[str, str], seconds: float) -> None:
        """Take note of how long the end of an attempt took; old peaks fade."""
        self.known[kind] = max(1.25 * seconds + 0.001, 0.8 * self.known.get(kind, 0.0))
