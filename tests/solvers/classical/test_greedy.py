"""Greedy answers are local minima that keep the quotas."""

import numpy as np

from qupel.model import Ising, Outcome
from qupel.model.quota import keep_quotas
from qupel.solvers.classical.greedy import GreedyDescent
from qupel.solvers.contract import Stop, after_rounds
from tests.solvers.heuristics import CHOICES, hard


def test_greedy_descent_ends_in_local_minima() -> None:
    form, _ = hard()
    found = GreedyDescent().solve(form, stop=Stop(), rng=np.random.default_rng(0))
    assert found.outcome is Outcome.STALLED
    for i in range(form.variables):
        flipped = found.values[:1].copy()
        flipped[:, i] *= -1
        assert form.energies(flipped)[0] >= found.energies[0] - 1e-9


def test_greedy_descent_keeps_quotas_and_needs_no_luck() -> None:
    form, optimum = hard(CHOICES)
    one, other = (
        GreedyDescent().solve(form, stop=Stop(), rng=np.random.default_rng(seed)) for seed in (1, 2)
    )
    assert keep_quotas((one.values < 0).astype(np.uint8), CHOICES).all()
    assert one.energies.tolist() == other.energies.tolist()
    assert one.energies[0] >= optimum - 1e-9


def test_construction_solves_a_chain_that_descent_alone_may_not() -> None:
    n = 200
    form = Ising([1.0, *np.zeros(n - 1)], -np.eye(n, k=1))
    found = GreedyDescent().solve(form, stop=Stop(), rng=np.random.default_rng(0))
    assert found.energies[0] == -float(n)


def test_greedy_descent_can_be_stopped() -> None:
    form, _ = hard()
    found = GreedyDescent().solve(form, stop=after_rounds(1), rng=np.random.default_rng(0))
    assert found.outcome is Outcome.STOPPED
    assert len(found) == 1
