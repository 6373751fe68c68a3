"""Who somebody is: a name, and the roles that a file gives it.

An `Identity` is a plain value. On the command line its name is what ``QUPEL_IDENTITY`` says, which
is a statement and no proof; a service makes the same value from a token that it has checked. All
that asks who somebody is takes the value, and does not care where it came from.
"""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from qupel.errors import InputError

#: What names of people and roles look like, so that they can be told apart in lists and logs.
NAME = re.compile(r"[\w][\w .@+-]{0,99}")


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who asks.

    Attributes
    ----------
    name
        Of a person or a service.
    roles
        What they act as.
    """

    name: str
    roles: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for word in (self.name, *self.roles):
            checked_name(word)

    @property
    def words(self) -> frozenset[str]:
        """All that a list of readers can call them by: name and roles, in lower case."""
        return frozenset(word.casefold() for word in (self.name, *self.roles))

    def is_one_of(self, listed: tuple[str, ...]) -> bool:
        """Whether a list of names and roles means them."""
        return any(word.strip().casefold() in self.words for word in listed)

    def __str__(self) -> str:
        held = ", ".join(sorted(self.roles))
        return f"{self.name} ({held})" if held else f"{self.name} (no role)"


@dataclass(frozen=True, slots=True)
class Roles:
    """Which roles people have.

    Attributes
    ----------
    people
        Roles of each name.
    """

    people: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, roles in self.people.items():
            for word in (name, *roles):
                checked_name(word)

    def identity(self, name: str) -> Identity:
        """Return somebody with the roles that they have; none if they are not known."""
        wanted = name.casefold()
        held = [roles for known, roles in self.people.items() if known.casefold() == wanted]
        return Identity(name, frozenset(role for roles in held for role in roles))


def own_name(environment: Mapping[str, str] | None = None) -> str:
    """Return who runs this process: ``QUPEL_IDENTITY``, else the system's name of the user."""
    said = (os.environ if environment is None else environment).get("QUPEL_IDENTITY", "").strip()
    if said:
        return checked_name(said)
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has a number only
        return f"user {os.getuid()}"


def checked_name(word: str) -> str:
    """Return a name of a person or a role; `InputError` if it cannot be one."""
    if not NAME.fullmatch(word):
        raise InputError(
            f"a name of a person or role is 1 to 100 letters, digits, spaces and . _ @ + -, and "
            f"begins with a letter or digit; got {word!r:.120}"
        )
    return word
