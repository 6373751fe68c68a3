from __future__ import annotations

import os

import pytest
import sqlalchemy as sa

from qupel.backends.clock import ManualClock
from qupel.errors import InputError
from qupel.runs.database import Database
from qupel.runs.durable.leases import Lease, birth
from qupel.runs.tables import executors


def elsewhere(database: Database, name: str) -> None:
    """Move an executor to another machine, where nobody can look for its process."""
    with database.writing() as connection:
        moved = sa.update(executors).where(executors.c.id == name).values(place="far away//")
        connection.execute(moved)


def pair(database: Database) -> tuple[Lease, Lease, ManualClock]:
    clock = ManualClock()
    one, two = Lease(database, "one", 10.0, clock), Lease(database, "two", 10.0, clock)
    one.take()
    two.take()
    elsewhere(database, "one")
    return one, two, clock


def test_one_that_beats_is_left_alone(database: Database) -> None:
    one, two, clock = pair(database)
    for _ in range(5):
        assert two.bury(lambda name: None) == []
        clock.advance(6.0)
        assert one.beat()


def test_one_that_is_silent_is_adopted_once_and_learns_of_it(database: Database) -> None:
    one, two, clock = pair(database)
    adopted: list[str] = []
    two.bury(adopted.append)
    clock.advance(10.1)
    assert two.bury(adopted.append) == ["one"]
    assert two.bury(adopted.append) == []
    assert adopted == ["one"]
    assert not one.beat()


def test_a_clock_that_is_set_kills_nobody(database: Database) -> None:
    _, two, clock = pair(database)
    two.bury(lambda name: None)
    clock.set_wall(clock.wall + 1e6)
    assert two.bury(lambda name: None) == []


def test_one_whose_adopter_dies_is_adopted_by_the_next(database: Database) -> None:
    _, two, clock = pair(database)
    two.bury(lambda name: None)
    clock.advance(10.1)

    def dying(name: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        two.bury(dying)
    assert two.bury(lambda name: None) == ["one"]


def test_a_process_of_this_machine_that_is_gone_is_dead_at_once(database: Database) -> None:
    one, two = Lease(database, "one"), Lease(database, "two")
    one.take()
    two.take()
    with database.writing() as connection:
        values = {"pid": 2**22 - 1, "born": "1"}
        connection.execute(sa.update(executors).where(executors.c.id == "one").values(**values))
    assert two.bury(lambda name: None) == ["one"]


def test_the_work_of_one_that_left_is_adopted_at_once_and_it_is_not_called_dead(
    database: Database,
) -> None:
    one, two, _ = pair(database)
    one.leave()
    adopted: list[str] = []
    assert two.bury(adopted.append) == []
    assert adopted == ["one"]


def test_a_name_that_is_alive_is_not_taken_twice(database: Database) -> None:
    lease = Lease(database, "one")
    lease.take()
    with pytest.raises(InputError, match="is alive"):
        Lease(database, "one").take()
    lease.leave()
    again = Lease(database, "one")
    again.take()
    assert not lease.beat()
    assert again.beat()


def test_a_process_is_known_by_when_it_was_born() -> None:
    assert birth(os.getpid()) != ""
    assert birth(2**22 - 1) == ""
