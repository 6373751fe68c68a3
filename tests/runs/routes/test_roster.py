from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from qupel.errors import InputError
from qupel.runs.database import Database
from qupel.runs.routes.change import APPROVED
from qupel.runs.routes.roster import Roster
from qupel.runs.routes.route import Mode, Route
from tests.runs.routes.conftest import route_to
from tests.runs.routes.providers import Rogue

ROUTE = route_to(Rogue())
NEXT = replace(ROUTE, seed=5)


@pytest.fixture
def roster(database: Database) -> Roster:
    made = Roster(database)
    deploy(made, ROUTE, 1.0)
    return made


def deploy(roster: Roster, route: Route, at: float) -> None:
    roster.deploy(route, mode=Mode.QUANTUM, who="Ada", why="", at=at)


def test_a_change_says_what_was_before_and_is_after(roster: Roster) -> None:
    change = roster.change(ROUTE.name, "off", who="Grace", why="alarm", at=2.0, is_on=False)
    assert change.before is not None
    assert change.after is not None
    assert (change.before["is_on"], change.after["is_on"]) == (True, False)
    shown = change.document()
    assert {name: shown[name] for name in ("route", "kind", "version", "who", "why", "at")} == {
        "route": ROUTE.name,
        "kind": "off",
        "version": ROUTE.version,
        "who": "Grace",
        "why": "alarm",
        "at": 2.0,
    }


def test_the_first_deployment_has_nothing_before(database: Database) -> None:
    change = Roster(database).deploy(ROUTE, mode=Mode.QUANTUM, who="Ada", why="", at=1.0)
    assert change.before is None
    assert change.after is not None
    assert change.after["version"] == ROUTE.version


def test_of_versions_that_are_deployed_at_once_none_is_lost(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = Roster._note

    def slowly(*given: Any) -> None:
        time.sleep(0.2)  # the others have begun
        note(*given)

    monkeypatch.setattr(Roster, "_note", slowly)
    versions, roster = [ROUTE, NEXT, replace(ROUTE, seed=6)], Roster(database)
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(deploy, [roster] * 3, versions, [1.0, 2.0, 3.0]))
    stood = {roster.standing(ROUTE.name).route.version}
    for at in (4.0, 5.0):
        roster.roll_back(ROUTE.name, who="Ada", why="worse", at=at)
        stood.add(roster.standing(ROUTE.name).route.version)
    assert stood == {route.version for route in versions}


def test_the_same_version_deployed_again_keeps_its_approval(roster: Roster) -> None:
    roster.approve(ROUTE.version, who="Grace", why="seen", at=2.0)
    deploy(roster, ROUTE, 3.0)
    assert roster.standing(ROUTE.name).approved_by == ("Grace",)


def test_a_new_version_has_no_approval_of_the_one_before(roster: Roster) -> None:
    roster.approve(ROUTE.version, who="Grace", why="seen", at=2.0)
    deploy(roster, NEXT, 3.0)
    assert roster.standing(ROUTE.name).approved_by == ()


def test_a_version_that_is_rolled_back_to_needs_a_new_approval(roster: Roster) -> None:
    roster.approve(ROUTE.version, who="Grace", why="seen", at=2.0)
    deploy(roster, NEXT, 3.0)
    roster.roll_back(ROUTE.name, who="Ada", why="worse", at=4.0)
    assert roster.standing(ROUTE.name).approved_by == ()
    change = roster.approve(ROUTE.version, who="Grace", why="seen again", at=5.0)
    assert roster.standing(ROUTE.name).approved_by == ("Grace",)
    assert change.before is not None
    assert change.before["approved_by"] == []
    assert roster.events(ROUTE.name)[-1].kind == APPROVED


def test_a_candidate_keeps_its_approval_when_it_is_put_in_force(roster: Roster) -> None:
    roster.add_version(NEXT, at=1.0)
    roster.approve(NEXT.version, who="Grace", why="seen its shadow", at=2.0)
    deploy(roster, NEXT, 3.0)
    assert roster.standing(ROUTE.name).approved_by == ("Grace",)


def test_an_approval_stands_with_the_event_that_tells_of_it_or_not_at_all(
    roster: Roster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: Any) -> None:
        raise RuntimeError("the process dies")

    with monkeypatch.context() as patch:
        patch.setattr(Roster, "_note", dies)
        with pytest.raises(RuntimeError, match="dies"):
            roster.approve(ROUTE.version, who="Grace", why="seen", at=2.0)
    assert roster.standing(ROUTE.name).approved_by == ()
    assert roster.approve(ROUTE.version, who="Grace", why="seen", at=3.0).after is not None
    assert [event.kind for event in roster.events(ROUTE.name)].count(APPROVED) == 1


def test_an_alarm_does_not_undo_what_a_person_changed_meanwhile(roster: Roster) -> None:
    seen = roster.standing(ROUTE.name).change
    roster.change(ROUTE.name, "mode", who="Ada", why="", at=2.0, mode="classical")
    assert not roster.switch_off_unless(ROUTE.name, seen, why="drift", at=3.0)
    assert roster.standing(ROUTE.name).is_on


def test_an_unknown_route_is_told_with_those_there_are(roster: Roster) -> None:
    with pytest.raises(InputError, match="unknown route 'cots'"):
        roster.standing("cots")
