from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qupel.errors import InputError, RefusedError, TransientError, UnknownOutcomeError
from qupel.runs.ledger import Patience, Retry


def test_retry_waits_only_for_transient_failures() -> None:
    retry = Retry(attempts=3, jitter=0.0)
    assert retry.wait(TransientError("busy"), 1) == 1.0
    assert retry.wait(TransientError("busy"), 2) == 2.0
    assert retry.wait(TransientError("busy"), 3) is None
    assert retry.wait(UnknownOutcomeError("lost"), 1) is None
    assert retry.wait(RefusedError("never"), 1) is None


def test_a_wait_that_the_provider_named_is_kept() -> None:
    assert Retry().wait(TransientError("429", wait=90.0), 1) == 90.0
    assert Retry().wait(TransientError("429", wait=0.0), 1, draw=0.0) == 1.0
    assert Retry().wait(TransientError("never", wait=float("inf")), 1) is None


@given(st.integers(1, 2000), st.floats(0, 1))
def test_waits_grow_within_their_bounds(attempt: int, draw: float) -> None:
    retry = Retry(attempts=5000, pause=1.0, longest=60.0, jitter=0.5)
    wait = retry.backoff(attempt, draw)
    assert 0.5 <= wait <= 60.0
    assert retry.backoff(attempt + 1, draw) >= wait


@pytest.mark.parametrize(
    "settings", [{"attempts": 0}, {"pause": -1.0}, {"pause": 61.0}, {"jitter": 1.5}]
)
def test_settings_that_make_no_sense_are_told(settings: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Retry(**settings)  # type: ignore[arg-type]


@given(st.floats(0, 1e7))
def test_polls_become_rarer_but_never_stop(age: float) -> None:
    assert 0.5 <= Patience().poll(age) <= 60.0
