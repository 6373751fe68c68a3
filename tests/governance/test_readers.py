"""Who may read what, as decisions on plain values."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.governance import ADMINISTRATOR, Identity, Resource
from qupel.governance.readers import checked_readers

CUTS = Resource("route:cuts", "Ada", ("auditors", "Bob"))


def who(name: str, *roles: str) -> Identity:
    return Identity(name, frozenset(roles))


@pytest.mark.parametrize(
    ("identity", "reads", "grants"),
    [
        (who("Ada"), True, True),
        (who("ada"), True, True),
        (who("Bob"), True, False),
        (who("Eve"), False, False),
        (who("Eve", "auditors"), True, False),
        (who("Eve", "planners"), False, False),
        (who("Eve", ADMINISTRATOR), False, True),
    ],
)
def test_readers_are_the_owner_and_those_named(
    identity: Identity, reads: bool, grants: bool
) -> None:
    assert CUTS.may_read(identity) is reads
    assert CUTS.may_grant(identity) is grants


def test_a_part_may_have_fewer_readers() -> None:
    part = CUTS.only_for(("auditors",))
    assert part.may_read(who("Eve", "auditors"))
    assert not part.may_read(who("Bob"))
    assert CUTS.only_for(()) is CUTS


def test_what_has_no_known_owner_is_open() -> None:
    assert Resource("run:old", "").may_read(who("Eve"))


def test_a_refusal_names_who_what_and_who_may_grant_it() -> None:
    said = str(CUTS.refusal(who("Eve", "planners"), "decision 1 of route:cuts"))
    assert said == (
        "Eve (planners) may not read decision 1 of route:cuts; its readers are: Ada, auditors, "
        "Bob. Ada or the role 'administrator' may grant it: qupel access grant route:cuts 'Eve'"
    )


def test_readers_are_checked_as_they_are_read() -> None:
    assert checked_readers(["planners", "Ada"]) == ("planners", "Ada")
    with pytest.raises(InputError):
        checked_readers(["a, b"])


words = st.text(string.ascii_letters, min_size=1, max_size=3)


@given(words, st.lists(words, max_size=4), words, st.lists(words, max_size=4))
def test_nobody_reads_who_is_not_named_in_some_way(
    owner: str, readers: list[str], name: str, roles: list[str]
) -> None:
    asked = {word.lower() for word in (name, *roles)}
    listed = {word.lower() for word in (owner, *readers)}
    resource = Resource("route:x", owner, tuple(readers))
    assert resource.may_read(who(name, *roles)) == bool(asked & listed)
