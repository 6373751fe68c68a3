from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.kernels import _mixers, mixers, qaoa
from tests.oracles import mixers as oracle

#: Turns up to an eighth of a circle leave out their cosines; larger ones do not.
SMALL, LARGE = np.pi / 4, 4.0
Real = type[np.float32] | type[np.float64]


@pytest.fixture
def instructions() -> Iterator[None]:
    yield
    _mixers.limit(2)


@dataclass
class Case:
    """A random circuit: all fields and couplings, axes, angles of every term and qubit."""

    n: int
    seed: int
    layers: int = 2
    reach: float = SMALL

    def __post_init__(self) -> None:
        n, rng = self.n, np.random.default_rng(self.seed)
        pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
        self.ends = np.array([(i, i) for i in range(n)] + pairs, np.int32)
        self.weights = rng.normal(size=len(self.ends))
        self.axes = rng.uniform(0.1, 3.0, n)
        self.phases = rng.normal(size=(self.layers, len(self.ends)))
        self.turns = rng.uniform(-self.reach, self.reach, (self.layers, n))

    def made(self, dtype: Real = np.float64, threads: int = 1) -> mixers.TiltedState:
        return mixers.tilted_state(
            self.axes, dtype, ends=self.ends, weights=self.weights, threads=threads
        )


def adjoints(state: mixers.TiltedState) -> tuple[Any, Any]:
    dtype = state.re.dtype.type
    return tuple(qaoa.plane(1 << state.axes.size, dtype) for _ in range(2))  # type: ignore[return-value]


@settings(max_examples=30)
@given(
    st.integers(1, 8),
    st.integers(0, 2**32 - 1),
    st.integers(0, 3),
    st.sampled_from([SMALL, LARGE]),
)
def test_states_match_their_definition(n: int, seed: int, layers: int, reach: float) -> None:
    case = Case(n, seed, layers, reach)
    values = oracle.terms(case.ends, n)
    psi = oracle.state(values, case.axes, case.phases, case.turns)
    state = case.made()
    energy = state.evolve_each(case.phases, case.turns)
    found = (state.re**2 + state.im**2)[: 2**n]
    np.testing.assert_allclose(found, abs(psi) ** 2, atol=1e-13)
    assert energy == pytest.approx(float(values @ case.weights @ abs(psi) ** 2), abs=1e-11)


@pytest.mark.parametrize("reach", [SMALL, LARGE])
@pytest.mark.parametrize("n", [1, 3, 4, 6, 7, 13, 14])
def test_slopes_match_differences(n: int, reach: float) -> None:
    case = Case(n, n, reach=reach)
    state = case.made()
    _, by_phase, by_turn = state.gradient_each(*adjoints(state), case.phases, case.turns)
    rng = np.random.default_rng(0)
    for angles, slopes in ((case.phases, by_phase), (case.turns, by_turn)):
        for place in rng.choice(angles.size, min(angles.size, 8), replace=False):
            at, energies = np.unravel_index(place, angles.shape), []
            for step in (1e-6, -2e-6):
                angles[at] += step
                energies.append(state.evolve_each(case.phases, case.turns))
            angles[at] += 1e-6
            assert slopes[at] == pytest.approx((energies[0] - energies[1]) / 2e-6, abs=1e-7)


def test_a_start_is_the_product_of_its_qubits() -> None:
    case = Case(13, 1, layers=0)
    state = case.made()
    state.evolve_each(case.phases, case.turns)
    np.testing.assert_allclose(state.re, oracle.product_state(case.axes).real, atol=1e-15)


def test_the_turns_leave_the_start_alone() -> None:
    case = Case(9, 4)
    state = case.made()
    state.evolve_each(np.zeros_like(case.phases), case.turns)
    start = abs(oracle.product_state(case.axes)) ** 2
    np.testing.assert_allclose((state.re**2 + state.im**2)[:512], start, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [3, 7, 12, 16])
def test_level_axes_are_the_usual_circuit(n: int, dtype: Real) -> None:
    case = Case(n, n)
    level = mixers.tilted_state(
        np.full(n, np.pi / 2), np.float64, ends=case.ends, weights=case.weights
    )
    held = level.evolve(np.array([0.3]), np.array([-0.4]))
    nearly = mixers.tilted_state(
        np.full(n, np.nextafter(np.pi / 2, 2)), dtype, ends=case.ends, weights=case.weights
    )
    assert nearly.evolve(np.array([0.3]), np.array([-0.4])) == pytest.approx(held, abs=2e-4)


@pytest.mark.parametrize("tilted", [False, True])
@pytest.mark.parametrize("n", [5, 13])
def test_a_plane_of_costs_does_what_its_terms_do(n: int, tilted: bool) -> None:
    case = Case(n, 2)
    if not tilted:
        case.axes[:] = np.pi / 2
    by_terms = case.made()
    cost = qaoa.plane(2**n, np.float64)
    cost[: 2**n] = oracle.terms(case.ends, n) @ case.weights
    by_plane = mixers.tilted_state(case.axes, np.float64, cost=cost)
    angles = np.array([0.3, -0.2]), np.array([0.5, 1.1])
    one: Any
    other: Any
    for one, other in zip(
        by_terms.gradient(*adjoints(by_terms), *angles),
        by_plane.gradient(*adjoints(by_plane), *angles),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, atol=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 3, 5, 12, 16])
def test_avx512_and_avx2_give_the_same_bits_and_the_baseline_nearly(
    n: int, dtype: Real, instructions: None
) -> None:
    case = Case(n, 7)
    state = case.made(dtype)
    found = []
    for level in (2, 1, 0):
        _mixers.limit(level)
        energy, by_phase, by_turn = state.gradient_each(*adjoints(state), case.phases, case.turns)
        found.append((np.float64(energy), by_phase, by_turn, state.re.copy()))
    for wide, narrow, baseline in zip(*found, strict=True):
        np.testing.assert_array_equal(wide, narrow)
        np.testing.assert_allclose(wide, baseline, atol=100 * float(np.finfo(dtype).eps))


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_bit_of_the_result(threads: int) -> None:
    case = Case(17, 3)
    one, many = case.made(np.float32), case.made(np.float32, threads)
    first = one.gradient_each(*adjoints(one), case.phases, case.turns)
    second = many.gradient_each(*adjoints(many), case.phases, case.turns)
    assert first[0] == second[0]
    assert first[1].tobytes() == second[1].tobytes()
    assert first[2].tobytes() == second[2].tobytes()
    assert one.correlations().tobytes() == many.correlations().tobytes()


def test_single_precision_agrees_with_double() -> None:
    case = Case(14, 5, layers=4)
    rough, exact = (
        state.gradient_each(*adjoints(state), case.phases, case.turns)
        for state in (case.made(np.float32), case.made(np.float64))
    )
    a: Any
    b: Any
    for a, b in zip(rough, exact, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


@pytest.mark.parametrize("n", [1, 2, 4, 8, 13])
def test_correlations_match_their_definition(n: int) -> None:
    case = Case(n, 11)
    state = case.made()
    state.evolve_each(case.phases, case.turns)
    weights = (state.re**2 + state.im**2)[: 2**n]
    means = oracle.terms(case.ends, n).T @ weights
    found = state.correlations()
    np.testing.assert_allclose(found[case.ends[:, 0], case.ends[:, 1]], means, atol=1e-13)
    assert not np.tril(found, -1).any()


def test_draw_finds_the_state_where_the_summed_probability_passes() -> None:
    case = Case(10, 6)
    state = case.made()
    state.evolve_each(case.phases, case.turns)
    sums = np.cumsum((state.re**2 + state.im**2)[: 2**10])
    levels = np.sort(np.random.default_rng(3).random(300))
    expected = np.searchsorted(sums / sums[-1], levels, side="right")
    np.testing.assert_array_equal(state.draw(levels), expected)


@settings(max_examples=20)
@given(st.integers(0, 14), st.booleans())
def test_a_walsh_hadamard_transform_is_its_own_inverse(bits: int, whole: bool) -> None:
    rng = np.random.default_rng(bits)
    values: Any = rng.normal(size=2**bits)
    if not whole:
        values = values + 1j * rng.normal(size=2**bits)
    once = mixers.walsh_hadamard(values)
    np.testing.assert_allclose(mixers.walsh_hadamard(once) / 2**bits, values, atol=1e-12)
    k = int(rng.integers(0, 2**bits))
    signs = 1 - 2.0 * (np.bitwise_count(np.arange(2**bits) & k) & 1)
    assert once[k] == pytest.approx(signs @ values, abs=1e-10)


@pytest.mark.parametrize(
    ("axes", "ends", "weights", "message"),
    [
        (np.zeros(0), [], [], "1 to 32"),
        (np.zeros(33), [], [], "1 to 32"),
        (np.zeros(3), [(0, 3)], [1.0], "of 3"),
    ],
)
def test_what_does_not_fit_is_refused(
    axes: np.ndarray, ends: list[Any], weights: list[float], message: str
) -> None:
    pairs = np.array(ends, np.int32).reshape(-1, 2)
    with pytest.raises(InputError, match=message):
        mixers.tilted_state(axes, np.float64, ends=pairs, weights=np.array(weights))


def test_a_plane_of_costs_must_fit() -> None:
    with pytest.raises(InputError, match="8 numbers of float32"):
        mixers.tilted_state(np.zeros(3), np.float32, cost=np.zeros(8))
    with pytest.raises(InputError, match="64 numbers"):
        mixers.tilted_state(np.zeros(6), np.float64, cost=np.zeros(16))


def test_angles_and_adjoint_planes_must_fit() -> None:
    case = Case(6, 0)
    state = case.made()
    short = qaoa.plane(16, np.float64)
    with pytest.raises(InputError, match="adjoint planes"):
        state.gradient_each(short, short, case.phases, case.turns)
    with pytest.raises(InputError, match="phases and turns"):
        state.evolve_each(np.zeros((1, 3)), case.turns[:1])


def test_a_transform_of_another_length_is_refused() -> None:
    with pytest.raises(InputError, match="2\\*\\*n"):
        mixers.walsh_hadamard(np.zeros(6))
