"""How commands that go on for long talk: lines for people, or JSON for machines, on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def talker(*, as_json: bool = False) -> Callable[..., None]:
    """Return what is told of every event: a word, and plain data about it."""
    import structlog

    render: Any = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
    )
    log = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            render,
        ],
    )

    def say(word: str, **about: Any) -> None:
        log.info(word, **about)

    return say
