"""Calibrations and drift."""

from __future__ import annotations

import pytest

from qupel.backends.contract import Kind
from qupel.backends.emulator import Device, Drifting
from tests.backends.emulator.stand import circuits, stand

DAY = 86_400.0
STEADY = Device("steady", Kind.CIRCUIT, errors=Drifting(1e-3, 1e-2, 2e-2))
DAILY = Device("daily", Kind.CIRCUIT, errors=Drifting(1e-3, 1e-2, 2e-2, spread=0.2, daily=0.1))


def test_a_calibration_has_a_name_that_changes_every_day() -> None:
    held = stand(devices=(STEADY,))
    names = []
    for _ in range(4):
        names.append(held.provider.calibration("steady").id)
        held.clock.advance(DAY / 2)
    assert names[0] != names[2]
    assert len(set(names)) in (2, 3)


def test_errors_grow_from_one_calibration_to_the_next() -> None:
    held = stand(devices=(DAILY,))
    held.clock.set_wall(DAY * 21_000)
    first = held.provider.calibration("daily")
    held.clock.advance(DAY * 0.5)
    later = held.provider.calibration("daily")
    assert later.id == first.id
    assert later.two_qubit == pytest.approx(first.two_qubit * 1.1**0.5)


def test_drift_on_the_third_day_is_there_from_that_day_on() -> None:
    held = stand(devices=(STEADY,))
    begin = held.clock.now()
    held.provider.drift("steady", 5.0, at=begin + 3 * DAY)
    for day in range(7):
        found = held.provider.calibration("steady", begin + day * DAY).readout
        assert found == pytest.approx(2e-2 if day < 3 else 1e-1)


def test_a_job_runs_on_the_device_as_it_is_then() -> None:
    held = stand(devices=(STEADY,))
    backend, order = held.backend("steady"), circuits(shots=5000)
    held.provider.drift("steady", 10.0, at=held.clock.now() + 3.0)
    job = backend.submit(order)  # starts after seven seconds
    held.clock.advance(60.0)
    [reading] = backend.result(job, order).readings
    wrong = 1 - reading.occurrences[(reading.bits == (1, 0, 0)).all(axis=1)].sum() / 5000
    assert 0.4 < wrong < 0.56  # three bits misread with chance 0.2


def test_a_calibration_out_of_turn_gives_another_name() -> None:
    held = stand("recalibrated-before-run", devices=(STEADY,))
    backend, order = held.backend("steady"), circuits()
    before = held.provider.calibration("steady").id
    job = backend.submit(order)
    held.clock.advance(60.0)
    assert backend.result(job, order).calibration not in ("", before)
