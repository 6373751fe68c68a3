"""Who somebody is."""

from __future__ import annotations

import pytest

from qupel.errors import InputError
from qupel.governance import Identity, Roles, own_name


def test_roles_are_found_whatever_the_case_of_a_name() -> None:
    roles = Roles({"Ada": ("planners", "auditors")})
    assert roles.identity("ada") == Identity("ada", frozenset({"planners", "auditors"}))
    assert roles.identity("Bob").roles == frozenset()


def test_the_environment_says_who_runs_a_process() -> None:
    assert own_name({"QUPEL_IDENTITY": " Ada Lovelace "}) == "Ada Lovelace"
    assert own_name({"QUPEL_IDENTITY": ""})


@pytest.mark.parametrize("name", ["", "-x", "a\nb", "x" * 101, "a,b"])
def test_what_cannot_be_a_name_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="a name of a person or role is"):
        Identity(name)
    with pytest.raises(InputError):
        Roles({"Ada": (name,)})
