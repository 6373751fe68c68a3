from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from qupel.kernels import _cube
from qupel.kernels.cube import Cube

ANGLES = (np.array([0.31, -0.8, 1.7]), np.array([0.4, 1.3, -2.9]))
Real = type[np.float32] | type[np.float64]


@pytest.fixture
def instructions() -> Iterator[None]:
    yield
    _cube.limit(2)


def made(qubits: int, dtype: Real, *, count: int | None, mirrored: bool, threads: int = 1) -> Cube:
    rng = np.random.default_rng(qubits)
    costs = rng.normal(size=2**qubits) if count is None else rng.integers(0, count, 2**qubits) / 2
    lattice = None if count is None else (0.0, 0.5, count)
    cube = Cube(
        qubits, mirrored=mirrored, lattice=lattice, centre=0.25, dtype=dtype, threads=threads
    )
    cube.fill(0, np.asarray(costs, np.float64))
    return cube


def told(cube: Cube) -> tuple[bytes, ...]:
    energy, by_gamma, by_beta = cube.gradient(*ANGLES)
    again = cube.evolve(*ANGLES, keep=True)
    return (
        np.array([energy, again]).tobytes(),
        by_gamma.tobytes(),
        by_beta.tobytes(),
        cube.weights(0, 2**cube.qubits).tobytes(),
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("count", [None, 20, 50])
@pytest.mark.parametrize(("qubits", "mirrored"), [(7, True), (9, False), (13, True), (15, True)])
def test_wide_and_wider_instructions_give_the_same_bits(
    qubits: int, mirrored: bool, count: int | None, dtype: Real, instructions: None
) -> None:
    found = []
    for level in (2, 1):
        _cube.limit(level)
        found.append(told(made(qubits, dtype, count=count, mirrored=mirrored)))
    assert found[0] == found[1]


@pytest.mark.parametrize("count", [None, 50])
@pytest.mark.parametrize("qubits", [1, 3, 8, 14])
def test_the_oldest_instructions_agree_to_rounding(
    qubits: int, count: int | None, instructions: None
) -> None:
    if qubits < 7 and count:
        pytest.skip("small cubes keep their costs in full")
    cubes = []
    for level in (2, 0):
        _cube.limit(level)
        cube = made(qubits, np.float64, count=count, mirrored=False)
        energy, *slopes = cube.gradient(*ANGLES)
        cubes.append(np.concatenate([[energy], *slopes]))
    np.testing.assert_allclose(cubes[0], cubes[1], atol=1e-10)


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("mirrored", [True, False])
def test_threads_change_no_bit(mirrored: bool, threads: int) -> None:
    one = made(17, np.float32, count=30, mirrored=mirrored)
    many = made(17, np.float32, count=30, mirrored=mirrored, threads=threads)
    assert told(one) == told(many)


def test_the_phase_is_accurate() -> None:
    rng = np.random.default_rng(1)
    costs = rng.normal(size=2**12) * 100
    for dtype, good in ((np.float32, 3e-5), (np.float64, 1e-12)):
        cube = Cube(12, mirrored=False, lattice=None, centre=0.0, dtype=dtype, threads=1)
        cube.fill(0, costs)
        found = cube.evolve(np.array([0.7]), np.array([np.pi / 4]), keep=True)
        psi = np.exp(-0.7j * costs).reshape((2,) * 12) / 64
        for axis in range(12):
            psi = (psi - 1j * np.flip(psi, axis)) / np.sqrt(2)
        weights = np.abs(psi.ravel()) ** 2
        np.testing.assert_allclose(cube.weights(0, 2**12), weights, atol=good * weights.max() * 10)
        assert found == pytest.approx(weights @ costs, abs=good * 100)


def test_draw_finds_the_state_where_the_summed_probability_passes() -> None:
    cube = made(14, np.float64, count=None, mirrored=False)
    cube.evolve(*ANGLES, keep=True)
    weights = cube.weights(0, 2**14)
    shares = np.sort(np.random.default_rng(3).random(500))
    expected = np.searchsorted(np.cumsum(weights) / weights.sum(), shares, side="right")
    assert np.abs(cube.draw(shares) - expected).max() == 0
    assert cube.draw(np.array([0.0, np.nextafter(1.0, 0.0)]))[-1] < 2**14
