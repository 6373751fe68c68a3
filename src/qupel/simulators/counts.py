"""What shots gave: outcomes and how often each came."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64, UInt8, UInt64

from qupel.model.bits import bits_of


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Distinct outcomes of a measurement, ascending.

    Attributes
    ----------
    bits
        Bits of an outcome.
    outcomes
        Each outcome as a number; its bit ``k`` is what the ``k``-th measured qubit gave (qubit
        ``k`` itself where all are measured in order).
    occurrences
        How often each outcome came.
    """

    bits: int
    outcomes: Int64[np.ndarray, " rows"]
    occurrences: Int64[np.ndarray, " rows"]

    @classmethod
    def of(cls, bits: int, drawn: Int64[np.ndarray, " shots"]) -> Counts:
        """Counts of outcomes in any order."""
        outcomes, occurrences = np.unique(drawn, return_counts=True)
        return cls(bits, outcomes.astype(np.int64), occurrences.astype(np.int64))

    @property
    def shots(self) -> int:
        """All shots together."""
        return int(self.occurrences.sum())

    def rows(self) -> UInt8[np.ndarray, "rows bits"]:
        """Outcomes as rows of bits, column ``k`` holding bit ``k``."""
        return bits_of(self.outcomes, self.bits)

    def to_dict(self) -> dict[str, int]:
        """Occurrences by the outcome's bits as text, the highest bit first."""
        return {
            format(outcome, f"0{self.bits}b"): count
            for outcome, count in zip(
                self.outcomes.tolist(), self.occurrences.tolist(), strict=True
            )
        }

    def parities(self, masks: UInt64[np.ndarray, " terms"]) -> Float64[np.ndarray, "terms rows"]:
        """+1 where an outcome has an even number of ones among the bits of a mask, else −1."""
        shared = masks[:, None] & self.outcomes.astype(np.uint64)[None, :]
        return 1.0 - 2.0 * (np.bitwise_count(shared) & 1)
