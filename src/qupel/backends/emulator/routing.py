"""Paths of a protocol, and what is asked under each."""

from __future__ import annotations

from collections.abc import Mapping

from qupel.backends.emulator.hooks import Asked, Denied


def routed(
    routes: Mapping[tuple[str, ...], Asked], method: str, parts: list[str]
) -> tuple[Asked, str]:
    """What a request asks for, and the name that its path holds.

    Parameters
    ----------
    routes
        Method and parts of the path, ``*`` for a name, with what is asked there; the first that
        fits is taken.
    method, parts
        Of the request, without the protocol's prefix.
    """
    for route, asked in routes.items():
        if route[0] == method and len(route) == len(parts) + 1:
            pairs = list(zip(route[1:], parts, strict=True))
            if all(wanted in ("*", part) for wanted, part in pairs):
                return asked, next((part for wanted, part in pairs if wanted == "*"), "")
    raise Denied(404, "no-such-page", f"there is no {method:.10} {'/'.join(parts):.80} here")
