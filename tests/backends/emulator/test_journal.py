"""Books on disk survive whoever keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from qupel.backends.clock import ManualClock
from qupel.backends.contract import State
from qupel.backends.emulator import Provider, Terms, Waiting, direct
from qupel.backends.emulator.journal import keep_books
from qupel.errors import InputError
from tests.backends.emulator.stand import Stand, annealing, circuits

BOOKS = "ledger.jsonl"

Kept = Callable[..., Stand]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    """Opens providers whose books are in one file."""
    with ExitStack() as stack:

        def opened(scenario: str = "", after: float = 0.0) -> Stand:
            clock = ManualClock()
            clock.advance(after)
            provider = Provider(Terms(waiting=Waiting(7.0)), clock)
            stack.callback(keep_books(provider, tmp_path / BOOKS).close)
            return Stand(clock, provider, direct(provider, scenario=scenario))

        yield opened


def test_a_restart_knows_every_job_and_goes_on(kept: Kept) -> None:
    held = kept()
    orders = [circuits(name="0"), annealing(name="1"), circuits(name="2")]
    names = ["ideal", "annealer", "ideal"]
    jobs = [held.backend(n).submit(o) for n, o in zip(names, orders, strict=True)]
    held.backend().cancel(jobs[2])
    held.clock.advance(60.0)
    result = held.backend().result(jobs[0], orders[0])
    again = kept(after=60.0)
    assert again.backend().submit(orders[0]) == jobs[0]
    assert again.backend().status(jobs[2]).state is State.CANCELLED
    assert again.provider.ledger() == held.provider.ledger()
    assert again.backend().result(jobs[0], orders[0]).readings[0].shots == result.readings[0].shots
    assert again.backend("annealer").result(jobs[1], orders[1]).job == jobs[1]


def test_jobs_that_were_running_end_and_are_billed_once(kept: Kept) -> None:
    job = kept().backend().submit(circuits())
    for after in (60.0, 120.0):
        held = kept(after=after)
        assert held.backend().status(job).state is State.DONE
        assert [e.what for e in held.provider.ledger()] == ["accept", "end", "bill"]


def test_a_bill_that_was_still_to_come_comes_after_a_restart(kept: Kept) -> None:
    held = kept("bill-twice")
    held.backend().submit(circuits())
    held.clock.advance(8.0)
    assert [e.what for e in held.provider.ledger()] == ["accept", "end", "bill"]
    again = kept(after=100.0)
    assert len(again.provider.books.of("bill")) == 1  # the fault is not on any more
    assert len(again.provider.ledger()) == 3


def test_a_line_that_was_cut_short_is_dropped_and_the_file_goes_on(
    kept: Kept, tmp_path: Path
) -> None:
    path = tmp_path / BOOKS
    kept().backend().submit(circuits())
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"entry":{"at":18')
    kept().backend().submit(circuits(name="2"))
    assert len(kept().provider.jobs) == 2


def test_a_restart_does_not_go_back_in_time(kept: Kept) -> None:
    held = kept()
    held.clock.advance(1000.0)
    held.backend().submit(circuits())
    again = kept()
    assert again.provider.now() == held.provider.now()


@pytest.mark.parametrize("line", [b"not json\n", b"{}\n", b'{"entry": {"at": 1}}\n', b"[]\n"])
def test_a_file_that_is_no_ledger_is_refused_with_the_line(
    kept: Kept, tmp_path: Path, line: bytes
) -> None:
    path = tmp_path / BOOKS
    path.write_bytes(line)
    with pytest.raises(InputError, match="line 1"):
        kept()
