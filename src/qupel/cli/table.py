"""Tables of text for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime


def text_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they need to be, two spaces apart; numbers to the right."""
    cells = [list(heads), *(list(row) for row in rows)]
    widths = [max(len(row[k]) for row in cells) for k in range(len(heads))]
    right = [
        bool(rows)
        and all(
            row[k][:1].isdigit() or row[k] in {"", "–", "all", "any", "unknown", "unpublished"}
            for row in rows
        )
        for k in range(len(heads))
    ]
    lines = [
        "  ".join(
            f"{cell:>{width}}" if to_right else f"{cell:<{width}}"
            for cell, width, to_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in cells
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def moment_text(stamp: float | None) -> str:
    """A moment of UTC seconds since 1970 to the second; a dash for none."""
    return "–" if stamp is None else f"{datetime.fromtimestamp(stamp, UTC):%Y-%m-%d %H:%M:%S}"
