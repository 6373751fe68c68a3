from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from qupel.errors import InputError
from qupel.model.samples import Outcome
from qupel.problems.jobshop import JobShop
from qupel.solvers.classical.cpsat_jobshop import CpSatJobShop
from qupel.solvers.contract import Bound, Event, Incumbent, after_seconds
from qupel.testing import check_solver
from tests.data import instances
from tests.problems.test_jobshop import best_of, shops


def test_cpsat_keeps_the_contract() -> None:
    check_solver(CpSatJobShop(), JobShop.random(1, windows=3)[0], rounds=4)
    check_solver(CpSatJobShop(), JobShop.from_file(instances("jobshop")["la24"]), rounds=20)


@settings(deadline=None, max_examples=25)
@given(shops())
def test_the_optimum_is_proved_with_maintenance_and_operations_of_no_length(shop: JobShop) -> None:
    solver = CpSatJobShop(warm_up=0)
    samples = solver.solve(shop, stop=after_seconds(20), rng=np.random.default_rng(0))
    assert samples.outcome is Outcome.OPTIMAL
    assert samples.energies[0] == samples.bound == best_of(shop)
    assert shop.judge(shop.answer(samples.values[0])).feasible


def test_ft06_is_proved_at_55() -> None:
    shop = JobShop.from_file(instances("jobshop")["ft06"])
    events: list[Event] = []
    samples = CpSatJobShop().solve(
        shop, stop=after_seconds(20), rng=np.random.default_rng(0), on_event=events.append
    )
    assert samples.outcome is Outcome.OPTIMAL
    assert samples.energies[0] == samples.bound == 55
    assert [event.energy for event in events if isinstance(event, Incumbent)][-1] == 55
    assert next(event.energy for event in events if isinstance(event, Bound)) == 52


@pytest.mark.slow
def test_ft10_is_proved_at_930() -> None:
    shop = JobShop.from_file(instances("jobshop")["ft10"])
    samples = CpSatJobShop().solve(shop, stop=after_seconds(60), rng=np.random.default_rng(1))
    assert samples.outcome is Outcome.OPTIMAL
    assert samples.energies[0] == samples.bound == 930


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match="threads"):
        CpSatJobShop(threads=0)
