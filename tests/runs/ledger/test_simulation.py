from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from qupel.backends.contract import Lookup
from qupel.model.money import Money
from qupel.runs.database import Database
from tests.runs.ledger.simulation import Simulation, check_end


@pytest.mark.parametrize("seed", range(3))
def test_with_a_key_nothing_is_paid_twice_or_lost(database: Database, seed: int) -> None:
    simulation = Simulation(seed)
    states = check_end(database, simulation.run(database))
    assert states == {"done": simulation.jobs}
    assert simulation.deaths.total() > 3


@pytest.mark.parametrize("seed", range(3))
def test_with_tags_and_a_settle_window_nothing_is_paid_twice_or_lost(
    database: Database, seed: int
) -> None:
    simulation = Simulation(seed, Lookup.TAG, settle=30.0, lag=8.0)
    states = check_end(database, simulation.run(database))
    assert set(states) <= {"done", "failed"}
    assert states["done"] >= simulation.jobs - 1


@pytest.mark.parametrize("lookup", [Lookup.NONE, Lookup.TAG])
def test_without_a_certain_look_up_doubt_stays_with_people(
    database: Database, lookup: Lookup
) -> None:
    simulation = Simulation(1, lookup, settle=None, jobs=12)
    fake = simulation.run(database)
    states = check_end(database, fake)
    assert states["ambiguous"] > 0
    assert set(states) <= {"done", "ambiguous", "failed"}
    assert len(fake.jobs) <= simulation.jobs


def test_a_seed_replays_a_run(tmp_path: Path) -> None:
    seen = []
    for name in ("a", "b"):
        with Database.open(tmp_path / f"{name}.db") as database:
            simulation = Simulation(5, jobs=4)
            fake = simulation.run(database)
            seen.append((simulation.deaths, fake.calls, simulation.clock.now()))
    assert seen[0] == seen[1]


def test_the_budget_holds_while_workers_die(database: Database) -> None:
    simulation = Simulation(2, jobs=10, cap=Money.of(5))
    fake = simulation.run(database)
    states = check_end(database, fake)
    assert states.total() == 5  # one dollar is held for each, and spent
    assert len(fake.jobs) == 5


@pytest.mark.slow
def test_many_seeds_and_every_point_of_death(tmp_path: Path) -> None:
    deaths: Counter[str] = Counter()
    for seed in range(10, 22):
        lookup = (Lookup.KEY, Lookup.TAG)[seed % 2]
        with Database.open(tmp_path / f"{seed}.db") as database:
            simulation = Simulation(seed, lookup, lag=8.0 if seed % 2 else 0.0, jobs=6)
            check_end(database, simulation.run(database))
            deaths += simulation.deaths
    assert {
        "take: before",
        "submit: intent committed",
        "submit: before post",
        "submit: after post",
        "submit: before save",
        "submit: over",
        "poll: after status",
        "fetch: after result",
        "fetch: before save",
    } <= set(deaths)


@pytest.mark.slow
@pytest.mark.parametrize("lookup", [Lookup.KEY, Lookup.TAG])
def test_nothing_is_paid_twice_on_postgresql(postgres: Database, lookup: Lookup) -> None:
    simulation = Simulation(40 + (lookup is Lookup.TAG), lookup, jobs=5)
    check_end(postgres, simulation.run(postgres))
