"""What drifts is noticed while decisions are made, and the route goes back to classical."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from qupel.runs.description import family_name
from qupel.runs.routes.decision import Answerer
from qupel.runs.routes.health import Limits
from qupel.runs.routes.route import Arm, Budget
from qupel.runs.routes.service import Routes
from tests.runs.routes.conftest import put_in_force, route_to
from tests.runs.routes.providers import Rogue
from tests.runs.toy import SMALL, Knapsack

WINDOW = 6
CLASSICAL = Arm("tests.runs.toy:Rows", {"rows": ((0, 1, 1),)})


def watched(routes: Routes, limits: Limits) -> str:
    """Put a route in force whose quantum step draws rows at random; return its name."""
    route = route_to(
        Rogue(),
        family=family_name(SMALL),
        primary=Arm("tests.runs.toy:Shots", {"shots": 64}),
        classical=CLASSICAL,
        fallback=Arm("tests.runs.toy:Rows", {"rows": ((1, 0, 0),)}),
        budget=Budget(),
        limits=limits,
    )
    return put_in_force(routes, route).name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limits", "later", "alarm"),
    [
        pytest.param(
            Limits(window=WINDOW, input_drift=0.05),
            [replace(SMALL, limit=70.0 + 0.01 * k) for k in range(WINDOW)],
            "input_drift: document.limit is distributed otherwise than in the baseline",
            id="data drift",
        ),
        pytest.param(
            Limits(window=WINDOW, input_drift=None, objective_drift=0.3),
            [replace(SMALL, worth=(5.0, 0.0, 0.0))] * WINDOW,
            "objective_drift: the gain over the fallback fell from 0.6 to 0, by more than 0.3",
            id="value decay",
        ),
        pytest.param(
            Limits(window=WINDOW, input_drift=None, feasible_drift=0.3),
            [replace(SMALL, limit=3.5)] * WINDOW,
            "feasible_drift: the feasible share of samples fell from 0.8",
            id="quality drift",
        ),
    ],
)
def test_drift_raises_an_alarm_and_switches_to_classical(
    routes: Routes, limits: Limits, later: list[Knapsack], alarm: str
) -> None:
    route = routes[watched(routes, limits)]
    for k in range(WINDOW):
        assert route.decide(replace(SMALL, limit=7.0 + 0.01 * k)).answered_by is Answerer.PRIMARY
    for problem in later:
        route.decide(problem)
    until = time.monotonic() + 240
    while route.status().standing.is_on and time.monotonic() < until:
        time.sleep(0.05)
    event = route.history()[-1]
    assert (event.kind, event.who) == ("alarm", "qupel")
    assert event.why.startswith(alarm)

    decision = route.decide(SMALL)
    assert decision.quantum == "switched off"
    assert decision.primary is not None
    assert decision.primary.solver["solver"] == CLASSICAL.solver
    route.on(who="Ada", why="looked at it")
    assert route.decide(SMALL).answered_by is Answerer.PRIMARY


def test_what_stays_as_it_was_raises_no_alarm(routes: Routes) -> None:
    limits = Limits(window=5, input_drift=0.05, objective_drift=0.3, feasible_drift=0.3)
    route = routes[watched(routes, limits)]
    for k in range(10):
        route.decide(replace(SMALL, limit=7.0 + 0.01 * (k % 5)))
    status = route.status()
    assert (status.standing.is_on, status.health.breaches) == (True, ())
    assert status.health.baseline_gain == pytest.approx(0.6)
