from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qupel.errors import ContractError, InputError
from qupel.runs.description import family_name
from qupel.runs.routes.decision import Answerer, Kept
from qupel.runs.routes.health import Limits
from qupel.runs.routes.profile import Profile, Rule
from qupel.runs.routes.route import Arm, Budget, Mode, Route
from qupel.runs.routes.service import Routes
from tests.runs.routes.conftest import ACCOUNT, CUT, GREEDY, Decide, put_in_force, route_to
from tests.runs.routes.providers import Rogue
from tests.runs.toy import SMALL


def deployable(**changed: Any) -> Route:
    """A route that may be deployed as it is, with a quantum step from a provider."""
    return route_to(Rogue(), **changed)


@pytest.mark.slow
def test_a_route_is_deployed_after_its_fallback_and_a_simulator_answered(routes: Routes) -> None:
    route = deployable()
    change = routes.deploy(route, CUT, who="Ada", why="the pilot said keep")
    assert change.version == route.version
    assert change.before is None
    status = routes[route.name].status()
    assert status.standing.gates == ("fallback", "simulator")
    assert status.standing.mode is Mode.QUANTUM
    [event] = routes[route.name].history()
    assert (event.kind, event.who, event.why) == ("deployed", "Ada", "the pilot said keep")


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"fallback": Arm("no-such")}, InputError, "unknown solver 'no-such'"),
        ({"fallback": Arm("qaoa")}, InputError, "fallback: 'qaoa' has a quantum step"),
        ({"budget": Budget()}, InputError, "budget: the quantum step is ordered"),
        ({"budget": Budget(("team:none",))}, InputError, "budget: no account 'team:none'"),
        ({"tier": "moon"}, InputError, "unknown tier 'moon'"),
        ({"classical": Arm("qaoa")}, InputError, "classical: 'qaoa' is quantum"),
        ({"profile": Profile((Rule("moons", 1),))}, InputError, "no measure 'moons'"),
    ],
)
def test_a_route_that_cannot_work_is_not_deployed(
    routes: Routes, changed: dict[str, Any], error: type[Exception], message: str
) -> None:
    route = deployable(**changed)
    with pytest.raises(error) as caught:
        routes.deploy(route, CUT, who="Ada")
    assert message in str(caught.value)
    assert route.name not in routes.names()


def test_a_fallback_whose_search_the_clock_ends_is_not_deployed(routes: Routes) -> None:
    with pytest.raises(ContractError, match=r"'tabu' was ended by the clock.*give it `rounds`"):
        routes.deploy(deployable(fallback=Arm("tabu"), fallback_seconds=0.3), CUT, who="Ada")
    routes.deploy(deployable(fallback=Arm("tabu", rounds=20)), CUT, who="Ada")


@pytest.mark.slow
def test_a_route_whose_fallback_does_not_answer_the_sample_is_not_deployed(
    routes: Routes,
) -> None:
    route = deployable(
        family=family_name(SMALL),
        primary=Arm("tests.runs.toy:Shots"),
        fallback=Arm("tests.runs.toy:Packs", {"mischief": "raise"}),
    )
    with pytest.raises(ContractError, match="did not answer the sample within 5 s"):
        routes.deploy(route, SMALL, who="Ada")
    assert route.name not in routes.names()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"owner": " "}, "needs an owner"),
        ({"fallback_seconds": 29.0}, "fallback_seconds must be above 0 and at most 60 %"),
        ({"deadline_seconds": 0.1}, "deadline_seconds must be at least"),
        ({"name": "No Spaces"}, "a route's name is"),
        ({"seed": -1}, "a seed is a whole number"),
    ],
)
def test_a_route_checks_itself(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        deployable(**changed)


def test_a_route_survives_its_document() -> None:
    route = deployable(
        profile=Profile((Rule("variables", at_most=9),)), classical=GREEDY, limits=Limits(7)
    )
    again = Route.of(route.document())
    assert again == route
    assert again.version == route.version


def test_equal_routes_share_a_version_and_others_do_not() -> None:
    route = deployable()
    assert replace(route).version == route.version
    assert replace(route, seed=1).version != route.version


def test_switched_off_the_next_decision_is_classical(decide: Decide, routes: Routes) -> None:
    rogue = Rogue()
    decide(rogue)
    routes[rogue.provider].off(who="Ada", why="maintenance")
    decision = routes[rogue.provider].decide(CUT)
    assert (decision.mode, decision.quantum) == (Mode.CLASSICAL, "switched off")
    assert decision.answered_by is decision.wanted is Answerer.FALLBACK
    assert not decision.stood_in
    routes[rogue.provider].on(who="Ada", why="")
    assert routes[rogue.provider].decide(CUT).answered_by is Answerer.PRIMARY
    assert len(rogue.accepted) == 2


def test_a_switch_holds_for_every_process(decide: Decide, routes: Routes, tmp_path: Path) -> None:
    rogue = Rogue()
    decide(rogue)
    other = Routes(routes.where, folder=tmp_path)
    other[rogue.provider].off(who="Grace", why="alarm")
    other.close()
    assert routes[rogue.provider].decide(CUT).quantum == "switched off"


def test_rolling_back_restores_the_hash_of_the_version_before(
    decide: Decide, routes: Routes
) -> None:
    rogue = Rogue()
    first = decide(rogue).version
    second = decide(rogue, seed=5).version
    assert first != second
    assert routes[rogue.provider].rollback(who="Ada", why="worse").version == first
    assert routes[rogue.provider].decide(CUT).version == first
    with pytest.raises(InputError, match="has no version before this one"):
        routes[rogue.provider].rollback(who="Ada", why="worse still")
    kinds = [event.kind for event in routes[rogue.provider].history()]
    assert kinds == ["deployed", "deployed", "rolled back"]


def test_a_mode_without_an_arm_is_refused(decide: Decide, routes: Routes) -> None:
    rogue = Rogue()
    decide(rogue)
    with pytest.raises(InputError, match="has no approximate arm"):
        routes[rogue.provider].set_mode("approximate", who="Ada", why="")


def _wait_for_pairs(routes: Routes, name: str, count: int) -> list[Any]:
    until = time.monotonic() + 240
    while len(found := routes[name].pairs()) < count and time.monotonic() < until:
        time.sleep(0.05)
    return found


def test_a_shadow_leaves_the_published_answer_and_both_are_kept(
    decide: Decide, routes: Routes
) -> None:
    rogue = Rogue()
    before = decide(rogue, classical=GREEDY)
    routes[rogue.provider].set_mode("classical", who="Ada", why="")
    alone = routes[rogue.provider].decide(CUT)
    routes[rogue.provider].shadow("quantum", who="Ada")
    beside = routes[rogue.provider].decide(CUT)
    assert beside.solution == alone.solution
    assert beside.arm == "standing"
    [(decision, record)] = _wait_for_pairs(routes, rogue.provider, 1)
    assert decision.id == beside.id
    assert record.feasible
    assert str(record.evidence) == "emulator"
    assert len(rogue.accepted) == 2
    assert before.answered_by is Answerer.PRIMARY


def test_a_split_depends_on_the_key_alone(decide: Decide, routes: Routes) -> None:
    rogue = Rogue()
    decide(rogue, classical=GREEDY)
    route = routes[rogue.provider]
    route.set_mode("classical", who="Ada", why="")
    route.shadow("quantum", who="Ada", share=0.5)
    trial = route.status().standing.trial
    assert trial is not None
    keys = [f"order {k}" for k in range(400)]
    sides = [trial.publishes(key) for key in keys]
    assert 150 < sum(sides) < 250
    assert [trial.publishes(key) for key in keys] == sides
    for key, side in list(zip(keys, sides, strict=True))[:3]:
        decision = route.decide(CUT, key=key)
        assert decision.arm == ("candidate" if side else "standing")
        assert decision.mode is (Mode.QUANTUM if side else Mode.CLASSICAL)
        _wait_for_pairs(routes, rogue.provider, 1)
    route.end_trial(who="Ada", why="enough seen")
    assert route.status().standing.trial is None


@pytest.fixture
def edge(routes: Routes, tmp_path: Path) -> Iterator[Routes]:
    """Routes of a machine that was connected once, and is not any more."""
    node = Routes(
        routes.where, backend=routes.backend, lock=None, folder=tmp_path, patience=routes.patience
    )
    with node:
        yield node


@pytest.mark.slow
def test_an_edge_node_decides_alone_and_catches_up_without_loss_or_double(
    decide: Decide, routes: Routes, edge: Routes
) -> None:
    rogue = Rogue()
    decide(rogue)
    edge[rogue.provider].decide(CUT)  # connected: the standing is known from here on
    edge.desk.offline = True
    made = [edge[rogue.provider].decide(CUT) for _ in range(3)]
    assert all(decision.on_time and decision.kept is Kept.SPOOL for decision in made)
    assert all(decision.answered_by is Answerer.FALLBACK for decision in made)
    assert len(rogue.accepted) == 2
    edge.desk.offline = False
    first, second = edge.catch_up(), edge.catch_up()
    assert (first.taken_over, first.ordered) == (3, 3)
    assert (second.taken_over, second.ordered) == (0, 0)
    until = time.monotonic() + 240
    while any(edge.late(decision.id) is None for decision in made) and time.monotonic() < until:
        time.sleep(0.05)
    assert len(rogue.accepted) == len(set(rogue.accepted)) == 5
    known = {decision.id for decision in routes.desk.book().decisions(rogue.provider)}
    assert {decision.id for decision in made} <= known
    assert ACCOUNT


def test_a_wish_that_breaks_an_adapter_keeps_no_other_from_being_ordered(
    routes: Routes, providers: dict[str, Rogue]
) -> None:
    broken, sound = Rogue(), Rogue()
    providers |= {sound.name: sound}  # the other one's name is not to be opened: KeyError
    made = []
    for rogue in (broken, sound):
        put_in_force(routes, route_to(rogue))
        routes.desk.standing(rogue.provider, 30.0)
        routes.desk.offline = True
        try:
            made.append(routes[rogue.provider].decide(CUT))
        finally:
            routes.desk.offline = False
    routes.catch_up()
    orders = [routes.desk.book().decision(decision.id).job for decision in made]
    assert [bool(job) for job in orders] == [False, True]
    providers[broken.name] = broken
    routes.catch_up()
    assert routes.desk.book().decision(made[0].id).job
