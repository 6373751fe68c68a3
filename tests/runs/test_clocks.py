from __future__ import annotations

import time

import pytest

from qupel.runs.clocks import Stage, Stopwatch


def test_stages_leave_no_gap() -> None:
    begun = time.monotonic()
    clock = Stopwatch(begun)
    stages: list[Stage] = ["encode", "execute", "decode", "judge", "repair", "judge"]
    for stage in stages:
        clock.enter(stage)
        time.sleep(0.002)
    before = time.monotonic() - begun
    clocks, end_to_end = clock.stop()
    assert clocks.total == pytest.approx(end_to_end, rel=1e-9)
    assert before <= end_to_end <= time.monotonic() - begun
    assert clocks.judge >= 0.004
    assert clocks.encode >= 0.002
    assert clocks.compile == 0.0


def test_time_before_the_first_stage_is_queue() -> None:
    asked = time.monotonic() - 1.0
    clock = Stopwatch(asked)
    before = time.monotonic() - asked
    clock.enter("encode")
    after = time.monotonic() - asked
    clocks, _ = clock.stop()
    assert before <= clocks.queue <= after


def test_a_solvers_compile_and_queue_seconds_leave_execute() -> None:
    clock = Stopwatch(time.monotonic())
    clock.enter("execute")
    time.sleep(0.02)
    clock.enter("decode")
    before = clock.spent["execute"]
    clock.attribute({"compile": 0.005, "queue": 0.01})
    assert clock.spent["compile"] == 0.005
    assert clock.spent["execute"] == pytest.approx(before - 0.015)
    clocks, end_to_end = clock.stop()
    assert clocks.total == pytest.approx(end_to_end, rel=1e-9)


def test_a_claim_of_more_seconds_than_passed_is_cut() -> None:
    clock = Stopwatch(time.monotonic())
    clock.enter("execute")
    clock.enter("decode")
    clock.attribute({"compile": 100.0, "queue": -3.0})
    clocks, end_to_end = clock.stop()
    assert clocks.execute == 0.0
    assert clocks.total == pytest.approx(end_to_end, rel=1e-9)
