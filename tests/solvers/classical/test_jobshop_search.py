from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from qupel.errors import InputError
from qupel.model.samples import Outcome
from qupel.problems.jobshop import JobShop
from qupel.solvers.classical.jobshop_search import (
    JobShopAnnealing,
    JobShopLocalSearch,
    JobShopTabu,
)
from qupel.solvers.contract import after_rounds, after_seconds, any_of, reached
from qupel.testing import check_solver
from tests.data import best_known, instances

SOLVERS: list[Any] = [JobShopLocalSearch(), JobShopTabu(), JobShopAnnealing()]


@pytest.mark.parametrize("solver", SOLVERS, ids=repr)
@pytest.mark.parametrize("name", ["random", "orb07"])
def test_searches_keep_the_contract(solver: Any, name: str) -> None:
    shop = JobShop.random(1, windows=3)[0]
    if name != "random":
        shop = JobShop.from_file(instances("jobshop")[name])
    check_solver(solver, shop, rounds=4, seconds=0.1)


@pytest.mark.parametrize("solver", SOLVERS, ids=repr)
def test_known_optima_are_found_and_proved_by_the_bound(solver: Any) -> None:
    for seed in range(4):
        shop, optimum = JobShop.random(seed, jobs=6, machines=4, windows=seed)
        stop = any_of(after_seconds(5.0), after_rounds(400))
        samples = solver.solve(shop, stop=stop, rng=np.random.default_rng(seed))
        assert samples.energies[0] == optimum.objective
        assert samples.outcome is Outcome.OPTIMAL
        assert samples.bound == optimum.objective


def test_tabu_search_reaches_ft10_and_ft06() -> None:
    known = best_known("jobshop")
    for name, rounds in (("ft06", 5), ("ft10", 1500)):
        shop = JobShop.from_file(instances("jobshop")[name])
        stop = any_of(reached(float(known[name])), after_rounds(rounds))
        samples = JobShopTabu().solve(shop, stop=stop, rng=np.random.default_rng(1))
        assert samples.energies[0] <= 1.01 * float(known[name])


def test_settings_out_of_range_are_refused() -> None:
    for made in (lambda: JobShopTabu(patience=0), lambda: JobShopLocalSearch(patience=0)):
        with pytest.raises(InputError, match="patience must be at least 1"):
            made()
    with pytest.raises(InputError, match="elite"):
        JobShopTabu(elite=-1)
