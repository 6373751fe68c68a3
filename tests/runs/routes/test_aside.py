from __future__ import annotations

import threading
import time

import pytest

from qupel.errors import TransientError
from qupel.runs.routes.aside import Aside


def test_what_comes_back_in_time_is_returned() -> None:
    assert Aside("test").ask(lambda: 3, 60.0) == 3


def test_an_error_is_raised_where_it_was_asked_for() -> None:
    aside = Aside("test")
    with pytest.raises(ZeroDivisionError):
        aside.ask(lambda: 1 // 0, 60.0)
    assert aside.ask(lambda: 4, 60.0) == 4


def test_work_that_hangs_is_waited_for_once() -> None:
    aside, gate = Aside("test"), threading.Event()
    with pytest.raises(TransientError, match=r"nothing came back within 0\.05 s"):
        aside.ask(gate.wait, 0.05)
    begun = time.monotonic()
    with pytest.raises(TransientError, match="earlier work still hangs"):
        aside.ask(lambda: 5, 600.0)
    assert time.monotonic() - begun < 60.0
    gate.set()
    assert answered(aside) == 6


def answered(aside: Aside) -> int:
    """What is asked for once the work before it has ended."""
    until = time.monotonic() + 240
    while True:
        try:
            return aside.ask(lambda: 6, 60.0)
        except TransientError:
            assert time.monotonic() < until
            time.sleep(0.01)


def test_what_nobody_waits_for_any_more_is_not_begun() -> None:
    aside, gate, done = Aside("test"), threading.Event(), []
    aside.leave(gate.wait)
    with pytest.raises(TransientError):
        aside.ask(lambda: done.append(1), 0.05)
    gate.set()
    aside.close()
    assert done == []


def test_a_thread_that_could_not_be_started_is_started_by_the_next_who_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    aside = Aside("test")
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", crowded)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            aside.ask(lambda: 1, 1.0)
    assert aside.ask(lambda: 2, 60.0) == 2
    aside.close()


def crowded(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")
