"""Listings that a provider gives page by page, read to their end or not believed at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from qupel.errors import ResultError, TransientError

Entry = TypeVar("Entry")
Place = TypeVar("Place")


def all_pages(
    page: Callable[[Place | None], tuple[list[Entry], Place | None]], most: int
) -> list[Entry]:
    """Entries of all pages, in their order; an entry may come twice, as pages shift meanwhile.

    Parameters
    ----------
    page
        Asks for the page that begins at a place, the first for None; gives its entries and where
        the next page begins, None after the last.
    most
        Pages that are read at most.

    Raises
    ------
    TransientError
        If a page cannot be read, or there are more: what is missing may be what was looked for.
    """
    found: list[Entry] = []
    place: Place | None = None
    for _ in range(most):
        try:
            entries, place = page(place)
        except ResultError as error:
            raise TransientError(f"a listing cannot be read: {error}") from error
        found += entries
        if place is None:
            return found
    raise TransientError(f"the listing has more than {most} pages; jobs may be missing")
