"""How commands that go on for long talk: lines for people, or JSON for machines, on stderr."""

from __future__ import annotations

from collections.abc import Callable


def talker(*, as_json: bool = False, usual: str = "text") -> Callable[..., None]:
    """Begin to log and trace; return what is told of every event: a word, and data about it.

    Parameters
    ----------
    as_json
        Whether JSON was asked for; else ``QUPEL_LOG`` decides.
    usual
        Form of lines where nothing decides.
    """
    from qupel.runs.telemetry import logs, traces

    logs.begin("json" if as_json else "", usual=usual)
    if why := traces.begin():
        logs.say("no traces", level="warning", why=why)
    return logs.say
