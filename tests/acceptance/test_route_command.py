from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qupel.cli.exits import Exit
from qupel.problems.maxcut import MaxCut
from qupel.problems.registry import write_problem
from qupel.runs.routes.route_file import read_route
from tests.acceptance.command import Ended, qupel
from tests.data import ROOT, folder

ROUTE = """\
name: cuts
family: maxcut
owner: Ada
slo: {on_time: 0.99}
deadline_seconds: 3.0
primary: {solver: tabu, rounds: 30}
approximate: {solver: bifurcation, rounds: 30}
fallback: {solver: greedy}
fallback_seconds: 0.8
budget: {}
sample: sample.qupel.json
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("route")
    (made / "route.yaml").write_text(ROUTE)
    write_problem(MaxCut.random(2, nodes=16)[0], made / "sample.qupel.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUPEL_HOME", str(made / "home"))
        patch.delenv("QUPEL_DATABASE", raising=False)
        ended = qupel("route", "deploy", made / "route.yaml", "--by", "Ada", "--json")
        assert ended.code == Exit.OK, ended.err
        assert ended.document["route"] == "cuts"
        yield made


def route(*arguments: Any) -> Ended:
    return qupel("route", *arguments)


def test_a_decision_is_one_document_and_is_kept(place: Path) -> None:
    solution = place / "cut.sol"
    ended = route("decide", "cuts", place / "sample.qupel.json", "--json", "--out", solution)
    assert ended.code == Exit.OK
    assert ended.document["answered_by"] == "primary"
    assert ended.document["kept"] == "database"
    assert ended.document["on_time"] is True
    checked = qupel("check", place / "sample.qupel.json", solution, "--json")
    assert checked.document["objective"] == ended.document["objective"]


@pytest.mark.slow
def test_a_real_instance_is_decided(place: Path) -> None:
    instance = min((folder("maxcut") / "instances").glob("pm1s_80*"))
    ended = route("decide", "cuts", instance)
    assert ended.code == Exit.OK
    assert "answered by primary" in ended.out
    assert "kept in: database" in ended.err


@pytest.mark.slow
def test_offline_a_decision_is_spooled_and_taken_over_later(place: Path) -> None:
    ended = route("decide", "cuts", place / "sample.qupel.json", "--offline", "--json")
    assert ended.code == Exit.OK
    assert ended.document["kept"] == "spool"
    caught_up = route("catch-up", "--json")
    assert caught_up.document["taken_over"] == 1


@pytest.mark.slow
def test_strict_tells_by_its_code_that_a_fallback_answered(place: Path) -> None:
    failing = 'solver: command, settings: {command: ["false", "{instance}", "{answer}"]}'
    text = ROUTE.replace("solver: tabu, rounds: 30", failing)
    (place / "bad.yaml").write_text(text.replace("name: cuts", "name: cuts-of-nobody"))
    assert route("deploy", place / "bad.yaml", "--by", "Ada").code == Exit.OK
    ended = route("decide", "cuts-of-nobody", place / "sample.qupel.json", "--strict")
    assert ended.code == Exit.FALLBACK
    assert "answered by fallback" in ended.out
    assert "not by the primary" in ended.err


def test_switches_and_modes_are_written_down(place: Path) -> None:
    assert route("off", "cuts", "--by", "Ada", "--why", "stocktaking").code == Exit.OK
    assert route("status", "cuts", "--json").document["quantum step"] == "off"
    assert route("on", "cuts", "--by", "Ada").code == Exit.OK
    assert route("mode", "cuts", "approximate", "--by", "Ada").code == Exit.OK
    assert route("status", "cuts", "--json").document["mode"] == "approximate"
    assert route("mode", "cuts", "classical", "--by", "Ada").code == Exit.OK
    history = route("history", "cuts", "--json").document["events"]
    assert [event["kind"] for event in history][:5] == ["deployed", "off", "on", "mode", "mode"]
    assert history[1]["why"] == "stocktaking"


def test_a_shadow_begins_and_ends(place: Path) -> None:
    begun = route("shadow", "cuts", "approximate", "--by", "Ada", "--share", "0.25")
    assert begun.code == Exit.OK
    assert route("status", "cuts", "--json").document["trial"] == "approximate, share 0.25"
    assert route("shadow", "cuts", "none", "--by", "Ada").code == Exit.OK
    assert route("status", "cuts", "--json").document["trial"] == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("status", "cots"), "unknown route 'cots'; did you mean 'cuts'?"),
        (("mode", "cuts", "quantom", "--by", "Ada"), "did you mean 'quantum'?"),
        (("mode", "cuts", "quantum", "--by", "Ada"), "has no quantum arm"),
        (("rollback", "cuts", "--by", "Ada", "--why", "w"), "has no version before this one"),
        (("shadow", "cuts", "abcdef", "--by", "Ada"), "no version of a route has a hash"),
        (("approve", "cuts", "--by", "ada", "--why", "w"), "somebody else has to approve it"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(
    place: Path, arguments: tuple[str, ...], message: str
) -> None:
    ended = route(*arguments)
    assert ended.code == Exit.INPUT
    assert message in ended.err
    assert len(ended.err.splitlines()) == 1


def test_faults_of_a_file_are_told_with_line_field_and_remedy(place: Path) -> None:
    text = ROUTE.replace("owner: Ada", "ovner: Ada").replace("3.0", "soon")
    (place / "faulty.yaml").write_text(text)
    ended = route("deploy", place / "faulty.yaml", "--by", "Ada")
    assert ended.code == Exit.INPUT
    assert "faulty.yaml:3: ovner: is not a field; did you mean 'owner'?" in ended.err


@pytest.mark.parametrize("name", ["accelerator", "edge", "federated"])
def test_the_example_routes_can_be_read(name: str) -> None:
    assert read_route(ROOT / "examples" / "routes" / f"{name}.yaml").version
