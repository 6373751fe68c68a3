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
deadline_seconds: 20.0
primary: {solver: tabu, rounds: 30}
approximate: {solver: bifurcation, rounds: 30}
fallback: {solver: greedy}
fallback_seconds: 4.0
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


def test_a_file_is_read_as_an_instance_of_the_routes_family(place: Path) -> None:
    (place / "bare.txt").write_text("3 2\n1 2 1\n2 3 1\n")  # nothing in it names a family
    ended = route("decide", "cuts", place / "bare.txt", "--json")
    assert (ended.code, ended.document["objective"]) == (Exit.OK, 2.0)


def test_a_file_that_is_no_instance_is_told_without_an_option_that_there_is_not(
    place: Path,
) -> None:
    (place / "odd.txt").write_text("good morning\n")
    ended = route("decide", "cuts", place / "odd.txt")
    assert ended.code == Exit.INPUT
    assert "odd.txt:1" in ended.err
    assert "--family" not in ended.err


@pytest.mark.slow
def test_strict_is_content_where_a_classical_answer_was_wanted(place: Path) -> None:
    assert route("mode", "cuts", "classical", "--by", "Ada").code == Exit.OK
    ended = route("decide", "cuts", place / "sample.qupel.json", "--strict", "--json")
    assert ended.code == Exit.OK
    assert ended.document["stood_in"] is False


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


HOSTED = (
    ROUTE.replace("name: cuts", "name: hosted")
    .replace(
        "primary: {solver: tabu, rounds: 30}",
        'primary: {solver: hosted-qaoa, settings: {backend: "emulator:ideal", shots: 100}}\n'
        "classical: {solver: tabu, rounds: 30}\n"
        "profile: {rules: [{measure: variables, at_most: 8}]}",
    )
    .replace("budget: {}", 'budget: {accounts: ["team:a"], bound: 0.60 USD}')
)


@pytest.fixture(scope="module")
def hosted(place: Path) -> Path:
    """A route whose quantum step is ordered from the emulator; returns an instance that fits it."""
    small = place / "small.qupel.json"
    write_problem(MaxCut.random(2, nodes=8)[0], small)
    (place / "hosted.yaml").write_text(HOSTED.replace("sample.qupel.json", small.name))
    assert qupel("budget", "set", "team:a", "--money", "5 USD").code == Exit.OK
    ended = route("deploy", place / "hosted.yaml", "--by", "Ada")
    assert ended.code == Exit.OK, ended.err
    return small


@pytest.mark.slow
def test_what_the_profile_routes_to_classical_is_no_fallback(place: Path, hosted: Path) -> None:
    ended = route("decide", "hosted", place / "sample.qupel.json", "--strict")
    assert ended.code == Exit.OK
    assert "answered by classical" in ended.out
    assert "routed to classical: profile: variables is 16, above 8" in ended.err


@pytest.mark.slow
def test_a_classical_arm_in_place_of_a_quantum_step_is_one_and_says_why(
    hosted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUPEL_EMULATOR_URL", "nonsense")
    ended = route("decide", "hosted", hosted, "--strict")
    assert ended.code == Exit.FALLBACK
    assert "answered by classical" in ended.out
    assert "not by the primary: not ordered: " in ended.err
    assert "QUPEL_EMULATOR_URL is 'nonsense'" in ended.err


@pytest.mark.slow
def test_a_drill_passes_over_three_losses(place: Path, hosted: Path) -> None:
    text = (place / "hosted.yaml").read_text().replace("name: hosted", "name: drilled")
    quick = text.replace("seconds: 20.0", "seconds: 3.0").replace("seconds: 4.0", "seconds: 1.0")
    (place / "drilled.yaml").write_text(quick)
    assert route("deploy", place / "drilled.yaml", "--by", "Ada").code == Exit.OK
    ended = route("drill", "drilled", hosted, "--json")
    assert ended.code == Exit.OK, ended.out
    losses = ended.document["losses"]
    assert [loss["what"] for loss in losses] == ["network", "provider", "region"]
    assert all(loss["passed"] for loss in losses)


#: Switches in turn: arguments, the kind of change, and what of the route's standing it changes.
SWITCHES = [
    (("off", "--why", "stocktaking"), "off", "is_on"),
    (("on",), "on", "is_on"),
    (("mode", "classical"), "mode", "mode"),
    (("shadow", "classical", "--share", "0.25"), "trial", "trial"),
    (("shadow", "none"), "trial", "trial"),
    (("approve", "--why", "seen"), "approved", "approved_by"),
]


@pytest.mark.slow
def test_every_switch_prints_what_changed(hosted: Path) -> None:
    for (word, *others), kind, changed in SWITCHES:
        ended = route(word, "hosted", *others, "--by", "Grace", "--json")
        assert ended.code == Exit.OK, ended.err
        found = ended.document
        assert (found["route"], found["kind"], found["who"]) == ("hosted", kind, "Grace")
        assert len(found["version"]) == 64
        assert found["at"] > 0
        before, after = found["before"], found["after"]
        assert [name for name in after if before[name] != after[name]] == [changed]


def test_a_rollback_prints_both_versions(place: Path) -> None:
    text = ROUTE.replace("name: cuts", "name: rolled")
    versions = []
    for seed in (1, 2):
        (place / "rolled.yaml").write_text(f"{text}seed: {seed}\n")
        deployed = route("deploy", place / "rolled.yaml", "--by", "Ada", "--json").document
        versions.append(deployed["version"])
    found = route("rollback", "rolled", "--by", "Ada", "--why", "worse", "--json").document
    assert found["version"] == versions[0]
    assert [found[side]["version"] for side in ("before", "after")] == versions[::-1]


def test_health_of_a_route_without_decisions_says_so(place: Path) -> None:
    text = ROUTE.replace("name: cuts", "name: idle")
    (place / "idle.yaml").write_text(text)
    assert route("deploy", place / "idle.yaml", "--by", "Ada").code == Exit.OK
    assert "no decisions yet" in route("status", "idle").out
    assert route("status", "idle", "--json").document["health"]["reason"] == "no decisions yet"


def test_data_that_no_route_keeps_any_longer_can_be_counted_and_trimmed(place: Path) -> None:
    counted = route("trim", "--dry-run", "--json")
    assert (counted.code, counted.document["deleted"]) == (Exit.OK, 0)
    assert route("trim").out.startswith("0 deleted, ")


def test_switches_and_modes_are_written_down(place: Path) -> None:
    assert route("off", "cuts", "--by", "Ada", "--why", "stocktaking").code == Exit.OK
    assert route("status", "cuts", "--json").document["quantum step"] == "off"
    assert route("on", "cuts", "--by", "Ada").code == Exit.OK
    assert route("mode", "cuts", "approximate", "--by", "Ada").code == Exit.OK
    assert route("status", "cuts", "--json").document["mode"] == "approximate"
    assert route("mode", "cuts", "classical", "--by", "Ada").code == Exit.OK
    *_, off, on, first, second = route("history", "cuts", "--json").document["events"]
    assert [event["kind"] for event in (off, on, first, second)] == ["off", "on", "mode", "mode"]
    assert off["why"] == "stocktaking"


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
        (("approve", "cuts", "--by", " ", "--why", "w"), "name who gives it, got ' '"),
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
    text = ROUTE.replace("owner: Ada", "ovner: Ada").replace("20.0", "soon")
    (place / "faulty.yaml").write_text(text)
    ended = route("deploy", place / "faulty.yaml", "--by", "Ada")
    assert ended.code == Exit.INPUT
    assert "faulty.yaml:3: ovner: is not a field; did you mean 'owner'?" in ended.err


@pytest.mark.parametrize("name", ["accelerator", "edge", "federated"])
def test_the_example_routes_can_be_read(name: str) -> None:
    assert read_route(ROOT / "examples" / "routes" / f"{name}.yaml").version
