from __future__ import annotations

import numpy as np
import pytest

from qupel.kernels import gpu, qaoa
from qupel.kernels.gpu_costs import Costs, unit_of
from tests.gpu.devices import NAMES, device_named


@pytest.fixture(params=NAMES)
def device(request: pytest.FixtureRequest) -> gpu.Device:
    return device_named(request.param)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("qubits", [6, 13])
def test_costs_computed_on_the_device_are_those_of_the_processor(
    device: gpu.Device, qubits: int, whole: bool
) -> None:
    rng = np.random.default_rng(qubits)
    shape = (qubits, qubits)
    pairs = np.triu(rng.integers(-2, 3, shape) / 2 if whole else rng.normal(size=shape), 1)
    linear = rng.integers(-3, 4, qubits) / 2 if whole else rng.normal(size=qubits)
    expected = qaoa.diagonal(linear, pairs, 0.3)
    costs = Costs.of_quadratic(device, linear, pairs, 0.3, np.float64, 1 << qubits)
    assert (costs.values is not None) == whole
    np.testing.assert_allclose(costs.numbers(device, 1 << qubits), expected, atol=1e-12)
    assert costs.middle == pytest.approx(expected.max() / 2 + expected.min() / 2)


@pytest.mark.parametrize(("different", "levels"), [(256, True), (257, False)])
def test_few_different_costs_are_held_as_levels(
    device: gpu.Device, different: int, levels: bool
) -> None:
    given = np.arange(1024) % different * np.pi
    costs = Costs.of(device, given, np.float64, 1024)
    assert (costs.values is not None) == levels
    np.testing.assert_allclose(costs.numbers(device, 1024), given, atol=1e-12)


@pytest.mark.parametrize(
    ("weights", "unit"),
    [((0.0, 0.0), 1.0), ((6.0, -9.0), 3.0), ((0.75, 0.5), 0.25), ((np.pi, 1.0), None)],
)
def test_the_unit_is_the_greatest_common_divisor(
    weights: tuple[float, float], unit: float | None
) -> None:
    pairs = np.zeros((1, 1))
    pairs[0, 0] = weights[1]
    assert unit_of(np.array(weights[:1]), pairs) == unit
