from __future__ import annotations

import numpy as np

from qupel.problems.jobshop import JobShop
from qupel.solvers.classical.dispatching import RULES, Dispatching, best_rule
from qupel.solvers.contract import after_rounds, after_seconds
from qupel.testing import check_solver
from tests.data import instances


def test_dispatching_keeps_the_contract() -> None:
    for windows in (0, 3):
        check_solver(Dispatching(), JobShop.random(2, windows=windows)[0])


def test_the_best_rule_comes_first_and_no_seed_changes_it() -> None:
    shop = JobShop.from_file(instances("jobshop")["ft10"])
    first, second = (
        Dispatching().solve(shop, stop=after_seconds(5), rng=np.random.default_rng(seed))
        for seed in (1, 2)
    )
    assert first.values.tobytes() == second.values.tobytes()
    assert first.energies[0] == best_rule(shop, shop.kernel())[1] == shop.quick_makespan()
    assert first.occurrences.sum() == len(RULES)


def test_a_stop_rule_leaves_rules_out() -> None:
    shop = JobShop.random(2)[0]
    samples = Dispatching().solve(shop, stop=after_rounds(2), rng=np.random.default_rng(0))
    assert samples.occurrences.sum() == 2
