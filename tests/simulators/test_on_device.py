from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from qupel.errors import InputError
from qupel.kernels import gpu
from qupel.model import Ising, Qubo
from qupel.simulators.cube import CubeState
from qupel.simulators.on_device import DeviceState
from tests.gpu.devices import NAMES, device_named

ANGLES = (np.array([0.4, -0.7]), np.array([0.9, 0.3]))
N = 8


@pytest.fixture(params=NAMES)
def device(request: pytest.FixtureRequest) -> gpu.Device:
    return device_named(request.param)


def forms() -> dict[str, Any]:
    rng = np.random.default_rng(4)
    whole = np.triu(rng.integers(-1, 2, (N, N)), 1) / 2
    return {
        "cut": Ising(np.zeros(N), whole, 1.5),
        "Ising": Ising(rng.normal(size=N), np.triu(rng.normal(size=(N, N)), 1), 0.2),
        "Qubo": Qubo(np.triu(rng.normal(size=(N, N))), -1.0),
        "costs": rng.normal(size=2**N),
    }


@pytest.mark.parametrize("name", forms())
def test_a_device_agrees_with_the_processor(device: gpu.Device, name: str) -> None:
    form = forms()[name]
    ours, theirs = DeviceState(form, np.float64, device), CubeState(form, np.float64, 1)
    assert ours.spread == pytest.approx(theirs.spread)
    assert ours.energy(*ANGLES) == pytest.approx(theirs.energy(*ANGLES), abs=1e-11)
    mine, other = ours.gradient(*ANGLES), theirs.gradient(*ANGLES)
    for k in range(3):
        np.testing.assert_allclose(np.asarray(mine[k]), np.asarray(other[k]), atol=1e-11)
    expected = theirs.probabilities(*ANGLES)
    np.testing.assert_allclose(ours.probabilities(*ANGLES), expected, atol=1e-13)
    np.testing.assert_allclose(ours.costs() @ expected, theirs.energy(*ANGLES), atol=1e-11)


def test_shots_fall_where_the_running_sum_passes_them(device: gpu.Device) -> None:
    state = DeviceState(forms()["Ising"], np.float64, device)
    shares = np.sort(np.random.default_rng(2).random(100))
    running = np.cumsum(state.probabilities(*ANGLES))
    drawn = state.draw(*ANGLES, shares)
    np.testing.assert_array_equal(drawn, np.searchsorted(running, shares, side="right"))


def test_what_no_device_can_hold_is_refused() -> None:
    device = device_named("emulated")
    with pytest.raises(InputError, match="at most 40 qubits"):
        DeviceState(Ising(np.zeros(41), np.zeros((41, 41))), np.float32, device)
    with pytest.raises(InputError, match="without variables"):
        DeviceState(Ising(np.zeros(0), np.zeros((0, 0))), np.float32, device)
