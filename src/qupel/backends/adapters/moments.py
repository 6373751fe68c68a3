"""Time stamps that providers write as text."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from qupel.backends.adapters.documents import stamp


def moment(value: Any) -> float | None:
    """UTC seconds since 1970 of ISO 8601 text with a time zone, or of a number; else None."""
    if not isinstance(value, str):
        return stamp(value)
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return stamp(found.timestamp()) if found.tzinfo else None
