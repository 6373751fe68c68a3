"""Exhaustive search proves the optimum, and says when an instance is too large."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.model import Ising, Outcome, Quota
from qupel.solvers.classical.exhaustive import Exhaustive
from qupel.solvers.contract import Bound, Event, Stop, after_rounds


def random_form(seed: int, n: int, quotas: tuple[Quota, ...] = ()) -> Ising:
    rng = np.random.default_rng(seed)
    return Ising(rng.normal(size=n), np.triu(rng.normal(size=(n, n)), 1), rng.normal(), quotas)


def brute_force(form: Ising) -> np.ndarray:
    """Energies of all configurations that keep the quotas, ascending."""
    spins = np.array(list(itertools.product([1, -1], repeat=form.variables)), np.int8)
    for quota in form.quotas:
        spins = spins[(spins[:, list(quota.members)] < 0).sum(axis=1) == quota.count]
    return np.sort(form.energies(spins))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 11), st.booleans())
def test_the_best_rows_are_those_of_brute_force(seed: int, n: int, limited: bool) -> None:
    quotas = (Quota(tuple(range(0, n, 2)), (n + 1) // 4),) if limited else ()
    form = random_form(seed, n, quotas)
    found = Exhaustive().solve(form, stop=Stop(), rng=np.random.default_rng(0))
    expected = brute_force(form)[: len(found)]
    assert found.outcome is Outcome.OPTIMAL
    assert len(found) == min(256, len(brute_force(form)))
    np.testing.assert_allclose(found.energies, expected, atol=1e-9)
    assert found.bound == found.energies[0]


def test_the_optimum_is_reported_as_a_bound() -> None:
    events: list[Event] = []
    form = random_form(1, 18)
    found = Exhaustive().solve(
        form, stop=Stop(), rng=np.random.default_rng(0), on_event=events.append
    )
    [bound] = [event for event in events if isinstance(event, Bound)]
    assert bound.energy == found.energies[0]


def test_equal_energies_do_not_overflow_the_buffer() -> None:
    form = Ising(np.zeros(16), np.zeros((16, 16)), 2.0)
    found = Exhaustive().solve(form, stop=Stop(), rng=np.random.default_rng(0))
    assert found.outcome is Outcome.OPTIMAL
    assert set(found.energies) == {2.0}


def test_a_large_form_is_refused_with_its_size_and_the_limit() -> None:
    with pytest.raises(InputError, match=r"40 variables have 2\^40.0 .* limit of 2\^32"):
        Exhaustive().solve(random_form(0, 40), stop=Stop(), rng=np.random.default_rng(0))


def test_few_choices_among_many_variables_are_not_too_large() -> None:
    form = random_form(0, 90, (Quota(tuple(range(90)), 2),))
    found = Exhaustive().solve(form, stop=Stop(), rng=np.random.default_rng(0))
    assert found.outcome is Outcome.OPTIMAL
    assert found.facts["configurations"] == 90 * 89 // 2


def test_a_search_that_is_stopped_proves_nothing() -> None:
    found = Exhaustive().solve(
        random_form(0, 28), stop=after_rounds(2), rng=np.random.default_rng(0)
    )
    assert found.outcome is Outcome.STOPPED
    assert found.bound == -np.inf
    assert len(found) > 0


def test_limits_outside_their_range_are_refused() -> None:
    with pytest.raises(InputError, match="limit must be from 0 to 60"):
        Exhaustive(limit=61)
