"""A process that is asked to end is told so, and goes on to its own end."""

from __future__ import annotations

import os
import signal

import pytest

from qupel.cli.stopping import until_stopped


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_that_asks_for_the_end_is_told(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with until_stopped() as stopped:
        assert not stopped.is_set()
        os.kill(os.getpid(), number)
        assert stopped.wait(30)
    assert signal.getsignal(number) == before
