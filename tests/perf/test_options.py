from __future__ import annotations

import pytest
from perf.alternate import Entrant
from perf.options import parse

NAMES = ("qaoa", "ising")


def test_a_part_of_a_measurement_is_not_published() -> None:
    assert parse(["qaoa"], NAMES)[1].whole
    assert not parse(["qaoa", "--quick"], NAMES)[1].whole
    assert not parse(["qaoa", "--peers", "jax"], NAMES)[1].whole
    assert not parse(["qaoa", "--rounds", "2"], NAMES)[1].whole


def test_qupel_always_takes_part() -> None:
    _, options = parse(["--peers", "jax"], NAMES)
    entrants = [Entrant(name, name, name) for name in ("qupel", "jax", "aer")]
    assert [entrant.name for entrant in options.entrants(entrants)] == ["qupel", "jax"]


def test_cases_are_taken_by_pattern() -> None:
    _, options = parse(["--cases", "*n=20,dense*"], NAMES)
    assert options.takes("3-regular energy n=20")
    assert not options.takes("3-regular energy n=22")


def test_an_unknown_measurement_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["qoaa"], NAMES)
    assert "unknown measurement 'qoaa'" in capsys.readouterr().err
