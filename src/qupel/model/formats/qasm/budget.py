"""How much work a text may ask for."""

from __future__ import annotations

from qupel.model.formats.qasm.tokens import Source

#: Gates and statements that a text may come to, all definitions and loops expanded.
MOST_STEPS = 2_000_000


class Budget:
    """Steps left, so that a short text cannot ask for endless work."""

    def __init__(self, source: Source, steps: int | None = None) -> None:
        self.source = source
        self.left = MOST_STEPS if steps is None else steps

    def spend(self, steps: int, at: int) -> None:
        """Take ``steps`` off, or refuse the statement at ``at``."""
        self.left -= steps
        if self.left < 0:
            raise self.source.mistake(
                at,
                f"from here on there are more than {MOST_STEPS:,} gates",
                "split the circuit, or repeat less",
            )
