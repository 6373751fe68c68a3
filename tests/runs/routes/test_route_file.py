from __future__ import annotations

from pathlib import Path

import pytest

from qupel.errors import InputError
from qupel.runs.routes.route import Route
from qupel.runs.routes.route_file import read_route, read_sample

TEXT = """\
name: cuts
family: maxcut
owner: Ada
slo: {on_time: 0.99}
deadline_seconds: 2.0
primary: {solver: tabu, rounds: 30, settings: {tenure: 5}}
fallback: {solver: greedy}
fallback_seconds: 0.5
budget: {accounts: ["team:a"], bound: 0.50 USD}
profile:
  rules:
  - {measure: variables, at_most: 20}
contract: {max_qubits: 20}
limits: {window: 10}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "route.yaml"


def test_a_file_says_what_the_value_says(path: Path) -> None:
    path.write_text(TEXT)
    route = read_route(path)
    assert route.primary.settings == {"tenure": 5}
    assert route.profile.rules[0].at_most == 20
    assert str(route.budget.most) == "0.50 USD"
    assert Route.of(route.document()).version == route.version


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("owner: Ada", "ovner: Ada", "route.yaml:3: ovner: is not a field; did you mean 'owner'?"),
        ("deadline_seconds: 2.0", "deadline_seconds: soon", "route.yaml:5: deadline_seconds: got"),
        ("owner: Ada\n", "", "owner: is missing; add it"),
        ("at_most: 20}", "at_mots: 20}", "profile.rules.0.at_mots: is not a field"),
        ("0.50 USD", "some USD", "money is an amount and a currency"),
        ("fallback_seconds: 0.5", "fallback_seconds: 1.9", "at most 60 % of the deadline"),
        ("window: 10", "window: 1", "a window holds at least 5"),
        ("name: cuts", "name: [", "is no YAML"),
    ],
)
def test_a_fault_is_told_with_its_line_and_remedy(
    path: Path, old: str, new: str, fault: str
) -> None:
    path.write_text(TEXT.replace(old, new))
    with pytest.raises(InputError) as caught:
        read_route(path)
    assert fault in str(caught.value)


def test_a_missing_sample_is_told(path: Path) -> None:
    path.write_text(TEXT)
    with pytest.raises(InputError, match="sample: is missing; name an instance file"):
        read_sample(read_route(path), path)
