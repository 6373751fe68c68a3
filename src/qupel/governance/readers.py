"""Who may read what is kept, and who may let others read it.

The rules are decisions on plain values. Whoever holds the data asks them before anything is
given out, and writes down what was answered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

from qupel.errors import AccessError
from qupel.governance.identity import Identity, checked_name

#: Role of those who may let others read anything; by itself it reads nothing.
ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Resource:
    """What can be read: the decisions of a route with their data, or a run of a pipeline.

    Attributes
    ----------
    name
        A kind, a colon, and a name: ``route:cuts``, ``run:shop-1f2e3d4c``.
    owner
        A person or role who may always read it and let others; empty if nobody is known, as of
        what was made before owners were kept: then all may.
    readers
        Further people and roles who may read it.
    is_part
        Whether it is a part with readers of its own: grants of the whole do not count for it, and
        only the file that it was made from can name more.
    """

    name: str
    owner: str
    readers: tuple[str, ...] = ()
    is_part: bool = False

    def with_readers(self, more: Iterable[str]) -> Self:
        """Return it with further readers."""
        known = {reader.casefold() for reader in self.readers}
        new = [reader for reader in more if reader.casefold() not in known]
        return replace(self, readers=(*self.readers, *new))

    def only_for(self, readers: tuple[str, ...]) -> Self:
        """Return a part of it that fewer may read; the whole if none are named."""
        return replace(self, readers=readers, is_part=True) if readers else self

    def may_read(self, who: Identity) -> bool:
        """Whether somebody may read it."""
        return not self.owner or who.is_one_of((self.owner, *self.readers))

    def may_grant(self, who: Identity) -> bool:
        """Whether somebody may let others read it."""
        return not self.owner or who.is_one_of((self.owner, ADMINISTRATOR))

    def refusal(self, who: Identity, what: str) -> AccessError:
        """Return the error for somebody who may not read ``what``."""
        readers = ", ".join(dict.fromkeys((self.owner, *self.readers)))
        remedy = (
            "Only the file that it was made from can name more of them"
            if self.is_part
            else f"{self.owner} or the role {ADMINISTRATOR!r} may grant it: qupel access grant "
            f"{self.name} {who.name!r}"
        )
        return AccessError(f"{who} may not read {what}; its readers are: {readers}. {remedy}")

    def grant_refusal(self, who: Identity) -> AccessError:
        """Return the error for somebody who may not say who reads it."""
        return AccessError(
            f"{who} may not say who reads {self.name}; {self.owner} or the role "
            f"{ADMINISTRATOR!r} may"
        )


def checked_readers(readers: Iterable[str]) -> tuple[str, ...]:
    """Return a list of people and roles; `InputError` if one cannot be a name."""
    return tuple(checked_name(reader) for reader in readers)
