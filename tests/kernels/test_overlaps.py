from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.kernels import _overlaps, feature_states
from qupel.kernels.feature_states import Held, Panels, Real
from qupel.kernels.overlaps import fidelities


@pytest.fixture
def instructions() -> Iterator[None]:
    yield
    _overlaps.limit(2)


def panels(samples: int, states: int, dtype: Real, seed: int = 0, parts: int = 2) -> Panels:
    """Random states of norm one, of any number of amplitudes; unused lanes hold rubbish."""
    rng = np.random.default_rng(seed)
    wide = feature_states.lanes(dtype)
    data = rng.normal(size=(-(-samples // wide), parts, states, wide))
    data /= np.sqrt((data**2).sum(axis=(1, 2), keepdims=True))
    return Panels(cast(Held, data.astype(dtype)), samples)


def expected(rows: Panels, columns: Panels) -> np.ndarray:
    a, b = (x.amplitudes().astype(np.complex128) for x in (rows, columns))
    return np.abs(a.conj() @ b.T) ** 2


@settings(max_examples=60)
@given(
    st.integers(1, 70),
    st.integers(1, 70),
    st.sampled_from([1, 2, 16, 255, 256, 257, 700]),
    st.sampled_from([1, 2]),
    st.sampled_from([np.float32, np.float64]),
)
def test_fidelities_match_their_definition(
    rows: int, columns: int, states: int, parts: int, dtype: Real
) -> None:
    a, b = panels(rows, states, dtype, 1, parts), panels(columns, states, dtype, 2, parts)
    atol = 2e-6 if dtype == np.float32 else 1e-14
    np.testing.assert_allclose(fidelities(a, b), np.minimum(expected(a, b), 1), atol=atol)
    np.testing.assert_allclose(fidelities(a), np.minimum(expected(a, a), 1), atol=atol)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("parts", [1, 2])
def test_avx512_and_avx2_give_the_same_bits_and_the_baseline_nearly(
    parts: int, dtype: Real, instructions: None
) -> None:
    a, b = panels(37, 300, dtype, 1, parts), panels(50, 300, dtype, 2, parts)
    found = []
    for level in (2, 1, 0):
        _overlaps.limit(level)
        found.append((fidelities(a, b), fidelities(b)))
    for wide, narrow, baseline in zip(*found, strict=True):
        np.testing.assert_array_equal(wide, narrow)
        np.testing.assert_allclose(wide, baseline, atol=50 * float(np.finfo(dtype).eps))


@pytest.mark.parametrize("threads", [2, 3, 16])
def test_threads_change_no_bit(threads: int) -> None:
    a, b = panels(700, 64, np.float32, 1), panels(130, 64, np.float32, 2)
    assert fidelities(a).tobytes() == fidelities(a, threads=threads).tobytes()
    assert fidelities(a, b).tobytes() == fidelities(a, b, threads).tobytes()


def test_an_entry_depends_on_its_two_samples_and_their_order_alone() -> None:
    """Also where a set of samples takes several blocks."""
    all_of_them = panels(1100, 32, np.float32)
    some = Panels(all_of_them.data[34:36], 32)
    whole = fidelities(all_of_them)
    np.testing.assert_array_equal(whole, whole.T)
    np.testing.assert_array_equal(whole[544:576, 544:576], fidelities(some))
    before = Panels(all_of_them.data[:34], 544)
    np.testing.assert_array_equal(whole[:544, 544:576], fidelities(before, some))
    np.testing.assert_allclose(whole, expected(all_of_them, all_of_them), atol=2e-6)


def test_no_fidelity_exceeds_one() -> None:
    assert fidelities(panels(40, 512, np.float32)).max() <= 1
