"""The function of a stage that does not deliver."""

from __future__ import annotations

from typing import NoReturn


def fails(network: object) -> NoReturn:
    raise ValueError("no scores today")
