"""A loop over a small cut, and a provider that measures what is ordered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from qupel.backends import Backend, Order, Result, backend_named
from qupel.backends.clock import ManualClock
from qupel.problems.maxcut import MaxCut
from qupel.runs.database import Database
from qupel.runs.ledger import Ledger
from qupel.runs.variational.loop import Loop
from qupel.runs.variational.running import Runner
from tests.runs.ledger.conftest import clock, database, migrated
from tests.runs.ledger.fake import Fake

__all__ = ["clock", "database", "migrated"]


class Measuring(Fake):
    """A paid provider whose shots are those of a simulator."""

    def result(self, job: str, order: Order) -> Result:
        local = backend_named("local:statevector")
        measured = local.result(local.submit(order), order)
        return replace(super().result(job, order), readings=measured.readings)


@pytest.fixture
def problem() -> MaxCut:
    return MaxCut.random(3, nodes=8)[0]


@pytest.fixture
def provider(clock: ManualClock) -> Measuring:
    return Measuring(clock, run=2.0)


@pytest.fixture
def runner(database: Database, clock: ManualClock, provider: Measuring) -> Callable[..., Runner]:
    """Makes a process's own runner on the database and the provider that all share."""

    def opened(name: str) -> Backend:
        return provider if name == "fake:one" else backend_named(name)

    def made(owner: str = "worker", **settings: Any) -> Runner:
        return Runner(Ledger(database, clock, owner=owner, **settings), opened, None)

    return made


def loop(**settings: Any) -> Loop:
    search = {"shots": 40, "evaluations": 9, "tolerance": 0.0, **settings.pop("search", {})}
    given = {"tier": "cloud simulator", "bound": "2 USD", "seed": 4, **settings}
    return Loop("cut", "graph.qupel.json", "fake:one", search, **given)
