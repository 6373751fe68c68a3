from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from qupel.errors import InputError
from qupel.kernels import _qaoa, qaoa

ANGLES = (np.array([0.31, -0.8, 1.7]), np.array([0.4, 1.3, -2.9]))


@pytest.fixture
def instructions() -> Iterator[None]:
    yield
    _qaoa.limit(2)


def made(
    free: int, groups: list[qaoa.Group], states: int, dtype: type[np.float32] | type[np.float64]
) -> tuple[qaoa.State, qaoa.Plane, qaoa.Plane]:
    cost = qaoa.plane(states, dtype)
    cost[:states] = np.random.default_rng(states).normal(size=states)
    re, im, adjoint_re, adjoint_im = (qaoa.plane(states, dtype) for _ in range(4))
    return qaoa.State(re, im, cost, states, free, groups, 1), adjoint_re, adjoint_im


def complete(members: int) -> np.ndarray:
    return np.array([(i, j) for i in range(members) for j in range(i + 1, members)], np.int32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("free", [1, 3, 4, 5, 12, 13, 16])
def test_every_instruction_set_gives_the_same_bits(
    free: int, dtype: type[np.float32] | type[np.float64], instructions: None
) -> None:
    state, *adjoint = made(free, [], 2**free, dtype)
    found = []
    for level in (2, 1):
        _qaoa.limit(level)
        energy, by_gamma, by_beta = state.gradient(adjoint[0], adjoint[1], *ANGLES)
        found.append((energy, by_gamma.tobytes(), by_beta.tobytes(), state.re.tobytes()))
    assert found[0] == found[1]


@pytest.mark.parametrize("free", [12, 15])
def test_the_phase_is_accurate_and_the_norm_kept(free: int) -> None:
    state, *_ = made(free, [], 2**free, np.float64)
    state.evolve(np.array([0.7]), np.array([0.0]))
    angle = -0.7 * state.cost[: 2**free]
    np.testing.assert_allclose(state.re, np.cos(angle) / 2 ** (free / 2), atol=1e-15)
    np.testing.assert_allclose(state.im, np.sin(angle) / 2 ** (free / 2), atol=1e-15)
    state.evolve(*ANGLES)
    assert np.sum(state.re**2 + state.im**2) == pytest.approx(1, abs=1e-12)


def test_patterns_ascend_and_have_so_many_ones() -> None:
    for members in range(9):
        for ones in range(members + 1):
            expected = [x for x in range(2**members) if x.bit_count() == ones]
            assert qaoa.patterns(members, ones).tolist() == expected


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_bit_of_a_large_subspace(threads: int) -> None:
    groups = [qaoa.group(12, 6, complete(12)[::5]), qaoa.group(6, 3, complete(6))]
    states = 16 * 924 * 20
    one, *adjoint = made(4, groups, states, np.float32)
    many = qaoa.State(one.re, one.im, one.cost, states, 4, groups, threads)
    first = one.gradient(adjoint[0], adjoint[1], *ANGLES)
    amplitudes = one.re.tobytes()
    second = many.gradient(adjoint[0], adjoint[1], *ANGLES)
    assert first[0] == second[0]
    assert first[1].tobytes() == second[1].tobytes()
    assert first[2].tobytes() == second[2].tobytes()
    assert amplitudes == one.re.tobytes()


def test_draw_finds_the_state_where_the_summed_probability_passes() -> None:
    state, *_ = made(13, [], 2**13, np.float64)
    state.evolve(*ANGLES)
    weights = state.re**2 + state.im**2
    levels = np.sort(np.random.default_rng(3).random(500))
    expected = np.searchsorted(np.cumsum(weights) / weights.sum(), levels, side="right")
    assert np.abs(state.draw(levels) - expected).max() == 0
    assert state.draw(np.array([0.0, np.nextafter(1.0, 0.0)]))[-1] < 2**13


def test_chosen_energies_agree_with_the_diagonal() -> None:
    rng = np.random.default_rng(5)
    linear, pairs = rng.normal(size=15), np.triu(rng.normal(size=(15, 15)), 1)
    every = qaoa.diagonal(linear, pairs, 0.25, threads=2)
    states = rng.integers(0, 2**15, 50).astype(np.uint64)
    np.testing.assert_allclose(
        qaoa.energies(states, linear, pairs, 0.25), every[states.astype(np.int64)], atol=1e-12
    )


def test_a_group_of_too_many_members_is_refused() -> None:
    with pytest.raises(InputError, match="at most 40"):
        qaoa.group(41, 1, complete(41))
