"""Messages of errors."""

from __future__ import annotations

from qupel.errors import unknown_name


def test_an_unknown_name_is_shown_with_the_nearest_one() -> None:
    said = str(unknown_name("solver", "tabo", ["tabu", "milp"]))
    assert said == "unknown solver 'tabo'; did you mean 'tabu'?"


def test_a_message_about_an_unknown_name_stays_short() -> None:
    said = str(unknown_name("item", "\x00" * 5000, [f"feature {i:03}" for i in range(500)]))
    assert len(said) < 800
    assert said.endswith("feature 019 and 480 more")
    assert "\x00" not in said
