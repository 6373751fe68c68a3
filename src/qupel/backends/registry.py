"""Backends by name: ``provider:device``, such as ``local:statevector`` or ``ionq:qpu.forte-1``.

Entry points of the group ``qupel.backends`` name a provider and a function that opens one of its
devices; a vendor's module is imported when one is opened.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from qupel.backends.contract import Backend
from qupel.errors import InputError, unknown_name


@cache
def providers() -> dict[str, EntryPoint]:
    """Entry points of every registered provider by name; nothing is imported yet."""
    points = sorted(entry_points(group="qupel.backends"), key=lambda point: point.name)
    return {point.name: point for point in points}


def backend_named(name: str) -> Backend:
    """Open the device that ``provider:device`` names.

    Raises
    ------
    InputError
        If there is no such provider or device, or the extra it needs is not installed.
    """
    point = provider_of(name)
    return point.load()(name.partition(":")[2])


def provider_of(name: str) -> EntryPoint:
    """Return the entry point of a backend's provider; `InputError` if ``name`` is none."""
    provider, colon, device = name.partition(":")
    if not colon or not device:
        raise InputError(
            f"a backend is named 'provider:device', got {name!r}; `qupel devices list` shows them"
        )
    if provider not in providers():
        raise unknown_name("provider", provider, providers())
    return providers()[provider]
