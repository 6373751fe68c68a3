from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from qupel.errors import InputError
from qupel.kernels import gpu, qaoa
from qupel.kernels.gpu_qaoa import State
from qupel.kernels.gpu_visits import Tiling
from tests.gpu.devices import NAMES, ORDERS, device_named
from tests.gpu.emulator import Emulator
from tests.oracles import qaoa as oracle

ANGLES = (np.array([0.31, -0.8, 1.7]), np.array([0.4, 1.3, -2.9]))
SMALL = (Tiling(7, 3, 2), Tiling(7, 4, 2))
KINDS = ("levels", "numbers")
TOLERANCE: dict[Any, float] = {np.float32: 2e-5, np.float64: 1e-12}


def costs_of(kind: str, qubits: int) -> np.ndarray:
    rng = np.random.default_rng(qubits)
    if kind == "levels":
        return rng.integers(-3, 9, 2**qubits) / 2
    return rng.normal(size=2**qubits)


@pytest.fixture(params=NAMES)
def device(request: pytest.FixtureRequest) -> gpu.Device:
    return device_named(request.param)


def made(device: gpu.Device, kind: str, qubits: int, dtype: Any = np.float64) -> State:
    return State.of(costs_of(kind, qubits), dtype=dtype, device=device, tilings=SMALL)


def on_the_processor(costs: np.ndarray) -> tuple[qaoa.State, qaoa.Plane, qaoa.Plane]:
    planes = [qaoa.plane(costs.size, np.float64) for _ in range(5)]
    planes[4][: costs.size] = costs
    n = costs.size.bit_length() - 1
    state = qaoa.State(planes[0], planes[1], planes[4], costs.size, n, [], 1)
    return state, planes[2], planes[3]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("qubits", [1, 4, 7, 8])
def test_evolution_matches_its_definition(
    device: gpu.Device, qubits: int, kind: str, dtype: Any
) -> None:
    state, costs = made(device, kind, qubits, dtype), costs_of(kind, qubits)
    expected = oracle.state(costs, ANGLES[0].tolist(), ANGLES[1].tolist())
    energy = state.evolve(*ANGLES)
    assert energy == pytest.approx(oracle.energy(costs, expected), abs=10 * TOLERANCE[dtype])
    np.testing.assert_allclose(state.probabilities(), np.abs(expected) ** 2, atol=TOLERANCE[dtype])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("qubits", [3, 7, 10, 12])
def test_energy_gradient_and_shots_are_those_of_the_processor(
    device: gpu.Device, qubits: int, kind: str
) -> None:
    state, costs = made(device, kind, qubits), costs_of(kind, qubits)
    twin, *adjoint = on_the_processor(costs)
    assert state.evolve(*ANGLES) == pytest.approx(twin.evolve(*ANGLES), abs=1e-12)
    shots = np.sort(np.random.default_rng(1).random(200))
    np.testing.assert_array_equal(state.draw(shots), twin.draw(shots))
    energy, by_gamma, by_beta = state.gradient(*ANGLES)
    expected = twin.gradient(adjoint[0], adjoint[1], *ANGLES)
    assert energy == pytest.approx(expected[0], abs=1e-12)
    np.testing.assert_allclose(by_gamma, expected[1], atol=1e-12)
    np.testing.assert_allclose(by_beta, expected[2], atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_single_precision_is_as_good_as_it_says(device: gpu.Device, kind: str) -> None:
    state, costs = made(device, kind, 11, np.float32), costs_of(kind, 11)
    twin, *adjoint = on_the_processor(costs)
    energy, by_gamma, by_beta = state.gradient(*ANGLES)
    expected = twin.gradient(adjoint[0], adjoint[1], *ANGLES)
    reach = float(np.ptp(costs))
    assert energy == pytest.approx(expected[0], abs=1e-6 * reach)
    np.testing.assert_allclose(by_gamma, expected[1], atol=1e-5 * reach)
    np.testing.assert_allclose(by_beta, expected[2], atol=1e-5 * reach)


def test_no_layers_are_the_mean_cost(device: gpu.Device) -> None:
    state, none = made(device, "numbers", 8), np.zeros(0)
    mean = costs_of("numbers", 8).mean()
    assert state.evolve(none, none) == pytest.approx(mean)
    energy, by_gamma, by_beta = state.gradient(none, none)
    assert energy == pytest.approx(mean)
    assert (by_gamma.size, by_beta.size) == (0, 0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_order_of_threads_and_blocks_changes_no_bit(kind: str, dtype: Any) -> None:
    found = []
    for name in ORDERS:
        state = made(device_named(name), kind, 10, dtype)
        energy = state.evolve(*ANGLES)
        amplitudes = np.array(state.amplitudes).tobytes()
        _, by_gamma, by_beta = state.gradient(*ANGLES)
        found.append((energy, amplitudes, by_gamma.tobytes(), by_beta.tobytes()))
    assert found[0] == found[1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_device_gives_the_bits_of_the_emulation(kind: str, dtype: Any) -> None:
    found = []
    for name in ("cuda", "emulated"):
        state = made(device_named(name), kind, 10, dtype)
        energy, by_gamma, by_beta = state.gradient(*ANGLES)
        found.append((energy, by_gamma.tobytes(), by_beta.tobytes()))
    assert found[0] == found[1]


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("qubits", [5, 14, 15])
def test_states_in_the_tiles_of_a_device_match_the_processor(
    qubits: int, kind: str, dtype: Any
) -> None:
    costs = costs_of(kind, qubits)
    state = State.of(costs, dtype=dtype, device=device_named("emulated"))
    twin, *adjoint = on_the_processor(costs)
    energy, by_gamma, by_beta = state.gradient(*ANGLES)
    expected = twin.gradient(adjoint[0], adjoint[1], *ANGLES)
    reach = 10 * TOLERANCE[dtype]
    assert energy == pytest.approx(expected[0], abs=reach)
    np.testing.assert_allclose(by_gamma, expected[1], atol=reach)
    np.testing.assert_allclose(by_beta, expected[2], atol=reach)


def test_an_energy_alone_starts_without_reading_and_ends_without_writing() -> None:
    device = device_named("emulated")
    assert isinstance(device, Emulator)
    state = made(device, "levels", 11)
    state.amplitudes[:] = np.nan
    energy = state.evolve(*ANGLES, keep=False)
    twin, *_ = on_the_processor(costs_of("levels", 11))
    assert energy == pytest.approx(twin.evolve(*ANGLES), abs=1e-12)
    assert [name for name, *_ in device.launches].count("forward_levels") == 4


def test_the_last_level_draws_a_state_that_has_weight(device: gpu.Device) -> None:
    state = made(device, "levels", 3)
    state.evolve(*ANGLES)
    levels = np.array([0.0, np.nextafter(1.0, 0.0)])
    drawn = state.draw(levels)
    assert (drawn < 8).all()
    assert (state.probabilities()[drawn] > 0).all()


def test_too_many_qubits_are_refused_before_anything_is_made() -> None:
    device = device_named("emulated")
    with pytest.raises(InputError, match=r"a state of these qubits needs 144\.0 GiB.* 1\.0 are"):
        State.of_quadratic(np.ones(34), np.zeros((34, 34)), 0.0, device=device)


def test_a_gradient_that_does_not_fit_is_refused() -> None:
    device = Emulator()
    state = made(device, "levels", 8)
    device.free = 100
    with pytest.raises(InputError, match="a gradient of these qubits"):
        state.gradient(*ANGLES)


def test_the_size_of_the_grid_changes_no_bit() -> None:
    kernels = {"forward_levels", "forward_numbers", "backward_levels", "backward_numbers"}
    kernels |= {"weigh_blocks", "draw", "find_range", "fill_levels", "fill_numbers"}
    rng = np.random.default_rng(3)
    shots = np.sort(rng.random(50))
    pairs = np.triu(rng.normal(size=(13, 13)), 1)
    for weights in (pairs, np.rint(pairs)):
        found = []
        for device in (Emulator(), Emulator(narrow=frozenset(kernels))):
            state = State.of_quadratic(weights[0], weights, 0.0, device=device, tilings=SMALL)
            state.evolve(*ANGLES)
            drawn = state.draw(shots).tobytes()
            energy, by_gamma, by_beta = state.gradient(*ANGLES)
            found.append((energy, drawn, by_gamma.tobytes(), by_beta.tobytes()))
        assert found[0] == found[1]


def test_costs_that_are_no_power_of_two_are_refused() -> None:
    with pytest.raises(InputError, match="2\\*\\*n entries"):
        State.of(np.zeros(12), device=device_named("emulated"))
