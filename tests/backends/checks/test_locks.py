from __future__ import annotations

from pathlib import Path

import pytest

from qupel.backends import ManualClock
from qupel.backends.checks.canary import adapter_version, check_canary
from qupel.backends.checks.locks import DAY, CanaryStore, FileCanaries, Lock, MemoryCanaries
from qupel.backends.local import open as open_device
from qupel.errors import InputError
from tests.backends.faulty import Changed, each, reversed_bits

BACKEND = open_device("statevector")
NAMES = ("local", "statevector", adapter_version(BACKEND))


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> CanaryStore:
    return MemoryCanaries() if request.param == "memory" else FileCanaries(tmp_path / "c.jsonl")


def test_an_adapter_is_locked_until_its_canary_passed(store: CanaryStore) -> None:
    clock = ManualClock()
    lock = Lock(store, clock)
    assert not lock.is_unlocked(*NAMES)
    store.save(check_canary(BACKEND, sizes=[2], clock=clock))
    assert lock.is_unlocked(*NAMES)


def test_a_failed_canary_locks_again_and_says_why(store: CanaryStore) -> None:
    clock = ManualClock()
    store.save(check_canary(BACKEND, sizes=[2], clock=clock))
    store.save(check_canary(Changed(each(reversed_bits)), sizes=[2], clock=clock))
    with pytest.raises(InputError, match=r"reversed order \(x on qubit 0 of 2\); run `qupel can"):
        Lock(store, clock).check(BACKEND)


def test_a_passed_canary_expires(store: CanaryStore) -> None:
    clock = ManualClock()
    store.save(check_canary(BACKEND, sizes=[2], clock=clock))
    lock = Lock(store, clock, days=30)
    clock.advance(30 * DAY)
    assert lock.is_unlocked(*NAMES)
    clock.advance(1)
    assert "more than 30 days ago" in lock.why_locked(*NAMES)


def test_another_version_or_device_stays_locked(store: CanaryStore) -> None:
    clock = ManualClock()
    store.save(check_canary(BACKEND, sizes=[2], clock=clock))
    lock = Lock(store, clock)
    provider, device, version = NAMES
    assert not lock.is_unlocked(provider, device, version + ".1")
    assert not lock.is_unlocked(provider, "other", version)


def test_a_broken_file_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "canaries.jsonl"
    path.write_text('{"provider": 1}\n', encoding="utf-8")
    with pytest.raises(InputError, match="line 1: no canary report"):
        FileCanaries(path).last(*NAMES)
