"""Frozen sequences that grow by one item in constant time."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

Item = TypeVar("Item")


class Growing(Generic[Item]):
    """Items in order; `followed_by` gives a longer sequence and leaves this one as it is.

    Items added one by one form a chain, which `items` writes out once, when first asked.
    """

    __slots__ = ("_chain", "_length")

    def __init__(self, items: tuple[Item, ...]) -> None:
        # The items written out, then those added since, newest outermost: (earlier, item).
        self._chain: tuple[tuple[Item, ...], Any] = (items, None)
        self._length = len(items)

    def followed_by(self, item: Item) -> Growing[Item]:
        """Sequence of all items so far and ``item``."""
        flat, added = self._chain
        out = Growing(flat)
        out._chain = (flat, (added, item))
        out._length = self._length + 1
        return out

    @property
    def items(self) -> tuple[Item, ...]:
        """All items, first to last."""
        flat, added = self._chain
        if added is not None:
            later: list[Item] = []
            while added is not None:
                added, item = added
                later.append(item)
            flat = (*flat, *reversed(later))
            # One assignment: threads that race to it write equal values.
            self._chain = (flat, None)
        return flat

    def __len__(self) -> int:
        return self._length
