"""What became of a promise."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Finding:
    """One promise, tried.

    Attributes
    ----------
    promise
        In a few words.
    target
        What must come out.
    figure
        What came out.
    n
        How often it was tried, with what.
    passed
        Whether it held; None where there is only a figure, and no target.
    seconds
        How long it took.
    details
        Plain data for whoever looks closer.
    """

    promise: str
    target: str
    figure: str
    n: str
    passed: bool | None
    seconds: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """``held``, ``BROKEN`` or ``measured``."""
        return "measured" if self.passed is None else "held" if self.passed else "BROKEN"

    def line(self) -> str:
        """The finding for a terminal."""
        return (
            f"{self.verdict:8} {self.promise}: {self.figure} (target: {self.target}; "
            f"n: {self.n}; {self.seconds:.1f} s)"
        )

    def document(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    @classmethod
    def of(cls, document: dict[str, Any]) -> Self:
        """The finding that `document` gave."""
        return cls(**document)
