from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from qupel.kernels import gpu, ising
from qupel.kernels.gpu_bifurcation import Oscillators
from tests.gpu.devices import NAMES, ORDERS, device_named
from tests.gpu.instances import SHAPES, empty, in_order, laid_out
from tests.oracles import ising as oracle

BIFURCATION: dict[str, Any] = {"steps": 20, "step": 0.7, "strength": 0.3, "pull": 0.4}


@pytest.fixture(params=NAMES)
def device(request: pytest.FixtureRequest) -> gpu.Device:
    return device_named(request.param)


def oscillating(land: ising.Landscape, device: gpu.Device) -> tuple[Oscillators, Any, Any]:
    rng = np.random.default_rng(5)
    shape = (2, land.n, ising.BLOCK)
    x = rng.uniform(-0.1, 0.1, shape).astype(np.float32)
    y = rng.uniform(-0.1, 0.1, shape).astype(np.float32)
    return Oscillators.of(land, x, y, device=device), x, y


@pytest.mark.parametrize("discrete", [True, False])
@pytest.mark.parametrize("name", SHAPES)
def test_oscillators_move_as_on_the_processor(
    device: gpu.Device, name: str, discrete: bool
) -> None:
    land = laid_out(name)
    oscillators, x, y = oscillating(land, device)
    oscillators.run(0, 9, discrete=discrete, **BIFURCATION)
    oscillators.run(9, 20, discrete=discrete, **BIFURCATION)
    seen = np.zeros_like(x)
    ising.bifurcate(land, x, y, seen, begin=0, end=20, discrete=discrete, **BIFURCATION)
    # A matrix product adds in an order of its own; the discrete variant's sums are whole numbers.
    same = name.startswith("sparse") or discrete
    atol = 0 if same else 2e-3
    np.testing.assert_allclose(oscillators.positions(), x, rtol=0, atol=atol)
    np.testing.assert_allclose(oscillators.momenta(), y, rtol=0, atol=atol)


def test_restarted_oscillators_forget_where_they_were(device: gpu.Device) -> None:
    land = laid_out("sparse")
    oscillators, x, y = oscillating(land, device)
    oscillators.run(0, 5, discrete=True, **BIFURCATION)
    first = oscillators.positions()
    oscillators.restart(x, y)
    oscillators.run(0, 5, discrete=True, **BIFURCATION)
    np.testing.assert_array_equal(oscillators.positions(), first)


def test_oscillators_follow_their_equations(device: gpu.Device) -> None:
    land = laid_out("sparse", whole=False)
    oscillators, x, y = oscillating(land, device)
    settings = {**BIFURCATION, "steps": 6}
    oscillators.run(0, 6, discrete=False, **settings)
    fields, couplings = in_order(land)
    del settings["pull"]
    for block in range(2):
        expected, _ = oracle.bifurcate(
            fields, couplings, x[block], y[block], discrete=False, **settings
        )
        np.testing.assert_allclose(oscillators.positions()[block], expected, atol=1e-5)


@pytest.mark.parametrize("name", SHAPES)
def test_the_order_of_threads_and_blocks_changes_nothing(name: str) -> None:
    found = []
    for order in ORDERS:
        oscillators, *_ = oscillating(laid_out(name, whole=False), device_named(order))
        oscillators.run(0, 6, discrete=False, **BIFURCATION)
        found.append(oscillators.positions().tobytes())
    assert found[0] == found[1]


def test_no_oscillators_move_nowhere(device: gpu.Device) -> None:
    oscillators, *_ = oscillating(empty(), device)
    oscillators.run(0, 3, discrete=True, **BIFURCATION)
    assert oscillators.positions().shape == (2, 0, ising.BLOCK)
