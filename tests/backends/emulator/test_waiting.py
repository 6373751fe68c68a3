"""The queue that is shared with other tenants."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qupel.backends.emulator.waiting import Queue, Waiting
from qupel.errors import InputError

START = 1_800_000_000.0


def waits(seed: int, *, load: float = 0.8, mean: float = 60.0, count: int = 200) -> list[float]:
    """Waits of jobs that take no time and come every ten minutes."""
    queue = Queue(Waiting(mean, load), seed, "device")
    arrivals = START + 600.0 * np.arange(count)
    return [queue.start(float(at), 0.0) - float(at) for at in arrivals]


def test_the_same_seed_gives_the_same_waits() -> None:
    assert waits(3) == waits(3)
    assert waits(3) != waits(4)


def test_devices_have_queues_of_their_own() -> None:
    first, second = (Queue(Waiting(60.0, 0.8), 3, name) for name in ("a", "b"))
    arrivals = [START + 600.0 * k for k in range(20)]
    assert [first.start(at, 1.0) for at in arrivals] != [second.start(at, 1.0) for at in arrivals]


def test_looking_at_a_queue_does_not_change_it() -> None:
    looked, left = (Queue(Waiting(60.0, 0.8), 3, "device") for _ in range(2))
    for k in range(50):
        looked.expected(START + 100.0 * k)
    assert looked.start(START + 5000.0, 1.0) == left.start(START + 5000.0, 1.0)


@pytest.mark.parametrize("load", [0.3, 0.8])
def test_the_mean_wait_is_the_formulas(load: float) -> None:
    found = np.array([wait for seed in range(20) for wait in waits(seed, load=load, count=100)])
    # Waits within one seed hang together: the error is that of means over seeds.
    means = found.reshape(20, -1).mean(axis=1)
    assert abs(means.mean() - 60.0) < 4 * means.std(ddof=1) / math.sqrt(20)


def test_without_other_tenants_every_job_waits_alike() -> None:
    queue = Queue(Waiting(7.0), 0, "device")
    assert queue.start(START, 1.0) == START + 7.0
    assert queue.start(START + 100.0, 1.0) == START + 107.0


@given(
    st.lists(st.tuples(st.floats(0, 500), st.floats(0, 50)), min_size=1, max_size=20),
    st.sampled_from([0.0, 0.5]),
    st.integers(0, 2**32),
)
def test_one_job_runs_at_a_time_in_the_order_of_arrival(
    jobs: list[tuple[float, float]], load: float, seed: int
) -> None:
    queue = Queue(Waiting(20.0, load), seed, "device")
    now, free = START, -math.inf
    for pause, seconds in jobs:
        now += pause
        begun = queue.start(now, seconds)
        assert begun >= max(now, free)
        free = begun + seconds


@pytest.mark.parametrize(
    ("seconds", "load"), [(-1.0, 0.0), (math.nan, 0.0), (math.inf, 0.0), (1.0, 1.0), (1.0, -0.1)]
)
def test_waits_and_loads_that_cannot_be_are_refused(seconds: float, load: float) -> None:
    with pytest.raises(InputError):
        Waiting(seconds, load)
