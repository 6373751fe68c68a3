from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from qupel.model.money import Money
from qupel.problems.maxcut import MaxCut
from qupel.runs.database import Database
from qupel.runs.ledger.retry import Patience
from qupel.runs.routes import desk, gates, service
from qupel.runs.routes.arms import mode_of
from qupel.runs.routes.decision import Decision
from qupel.runs.routes.desk import FALLBACK, PRIMARY
from qupel.runs.routes.route import Arm, Budget, Mode, Route, Slo
from qupel.runs.routes.service import Routes
from tests.runs.routes.providers import HOSTED, Rogue

BRISK = Patience(first=0.05, longest=0.5, probe=0.5)
ACCOUNT = "team:tests"
#: Eight nodes; greedy finds the best cut of it.
CUT = MaxCut.random(1, nodes=8)[0]
GREEDY = Arm("greedy")


def hosted(backend: str, **settings: Any) -> Arm:
    return Arm(HOSTED, {"backend": backend, "shots": 200, "angles": "fixed", **settings})


def route_to(rogue: Rogue, **changed: Any) -> Route:
    """A route whose quantum step is ordered from ``rogue``."""
    is_prompt = rogue.misdeed in {"none", "flaky", "refusing", "untold"}
    made = Route(
        name=rogue.provider,
        family="maxcut",
        owner="Ada",
        slo=Slo(),
        # What answers does so at once, so its deadline may be long, for busy machines; what does
        # not is not waited for longer than need be.
        deadline_seconds=30.0 if is_prompt else 2.0,
        primary=hosted(rogue.name),
        fallback=GREEDY,
        fallback_seconds=5.0 if is_prompt else 1.0,
        budget=Budget((ACCOUNT,), "0.50 USD"),
        tier="cloud simulator",
    )
    return replace(made, **changed)


def put_in_force(routes: Routes, route: Route, mode: Mode | None = None) -> Route:
    """Deploy without trying, as if it had passed."""
    roster = routes.desk.roster()
    roster.add_version(route, at=1.0)
    for gate in (gates.FALLBACK, gates.SIMULATOR):
        roster.pass_gate(route.version, gate, who="Ada", detail="", at=1.0)
    roster.deploy(route, mode=mode or mode_of(route), who="Ada", why="", at=1.0)
    return route


Decide = Callable[..., Decision]

#: Parameters of what is tested on both databases.
BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)]


def place_of(request: pytest.FixtureRequest, kind: str, folder: Path) -> str:
    """A new database of this kind: a file in ``folder``, or one of the tests' own server."""
    if kind == "sqlite":
        return str(folder / "qupel.db")
    url: str = request.getfixturevalue("postgres_server")
    name = f"t{secrets.token_hex(6)}"
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return url.replace("/postgres", f"/{name}")


@pytest.fixture(params=BOTH)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database, of each kind in turn."""
    with Database.open(place_of(request, request.param, tmp_path)) as opened:
        yield opened


@contextmanager
def unhurried(seconds: float = 30.0) -> Iterator[None]:
    """Have decisions wait longer for the database, where a test is not about that they do not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(desk, "PATIENCE", seconds)
        patch.setattr(service, "PATIENCE", seconds)
        yield


@pytest.fixture(scope="package", autouse=True)
def _unhurried() -> Iterator[None]:
    with unhurried():
        yield


@pytest.fixture(scope="package")
def providers() -> dict[str, Rogue]:
    return {}


@pytest.fixture(scope="package")
def routes(
    tmp_path_factory: pytest.TempPathFactory, providers: dict[str, Rogue]
) -> Iterator[Routes]:
    folder = tmp_path_factory.mktemp("routes")
    made = Routes(
        folder / "qupel.db",
        backend=providers.__getitem__,
        lock=None,
        folder=folder / "machine",
        patience=BRISK,
    )
    with made:
        made.desk.ledger().set_budget(ACCOUNT, money=Money.of(1000))
        made.warm(route_to(Rogue()), CUT)
        yield made


def at_rest(routes: Routes, seconds: float = 240.0) -> None:
    """Wait until the workers of decisions stand and have nothing to do.

    What a test is not about is not measured by it: that a killed worker's successor takes its time
    on a busy machine, and that the one before still thinks.
    """
    until = time.monotonic() + seconds
    for role in (FALLBACK, PRIMARY):
        seat = routes.desk.seat(role)
        while not seat.free and time.monotonic() < until:
            time.sleep(0.01)
        seat.wait_until_warm(until - time.monotonic())


@pytest.fixture(autouse=True)
def _rested(request: pytest.FixtureRequest) -> None:
    """Begin every test with workers that are ready."""
    if "routes" in request.fixturenames:
        at_rest(request.getfixturevalue("routes"))


@pytest.fixture
def decide(routes: Routes, providers: dict[str, Rogue]) -> Decide:
    """Decide `CUT` once by a route to a provider, deployed for this test."""

    def once(rogue: Rogue, **changed: Any) -> Decision:
        providers[rogue.name] = rogue
        route = put_in_force(routes, route_to(rogue, **changed))
        return routes[route.name].decide(CUT)

    return once
