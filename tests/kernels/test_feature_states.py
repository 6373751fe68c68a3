from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from qupel.kernels import _feature_states, feature_states
from qupel.kernels.feature_states import Panels, Real


@pytest.fixture
def instructions() -> Iterator[None]:
    yield
    _feature_states.limit(2)


def phased(qubits: int, dtype: Real, threads: int = 1, samples: int = 21) -> Panels:
    terms = qubits * (qubits + 1) // 2 + 1
    phases = np.random.default_rng(qubits).normal(0, 20, (samples, terms))
    return feature_states.phased(phases, qubits, 3, dtype, threads)


def layered(
    qubits: int, dtype: Real, threads: int = 1, samples: int = 21, *, real: bool = False
) -> Panels:
    rng = np.random.default_rng(qubits)
    gates = rng.normal(size=(samples, 3, qubits, 2)) + 0j
    if not real:
        gates += 1j * rng.normal(size=gates.shape)
    gates /= np.linalg.norm(gates, axis=-1, keepdims=True)
    sources = rng.permutation(2**qubits).astype(np.uint32)
    sources |= rng.integers(0, 2, 2**qubits).astype(np.uint32) << np.uint32(31)
    return feature_states.layered(
        gates, sources, closed=True, real=real, dtype=dtype, threads=threads
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("qubits", [1, 3, 7, 8, 11, 13])
def test_avx512_and_avx2_give_the_same_bits_and_the_baseline_nearly(
    qubits: int, dtype: Real, instructions: None
) -> None:
    found = []
    for level in (2, 1, 0):
        _feature_states.limit(level)
        states = (phased(qubits, dtype), layered(qubits, dtype), layered(qubits, dtype, real=True))
        found.append([array for x in states for array in (x.amplitudes(), x.bloch())])
    for wide, narrow, baseline in zip(*found, strict=True):
        np.testing.assert_array_equal(wide, narrow)
        np.testing.assert_allclose(wide, baseline, atol=50 * float(np.finfo(dtype).eps))


@pytest.mark.parametrize("make", [phased, layered])
@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_bit(make: type, threads: int) -> None:
    one, many = make(9, np.float32), make(9, np.float32, threads)
    assert one.amplitudes().tobytes() == many.amplitudes().tobytes()
    assert one.bloch().tobytes() == many.bloch(threads).tobytes()


@pytest.mark.parametrize("make", [phased, layered])
def test_a_state_does_not_depend_on_its_neighbours(make: type) -> None:
    many = make(8, np.float64).amplitudes()
    for samples in (1, 8, 9):
        few = make(8, np.float64, samples=samples)
        assert few.samples == samples
        assert few.amplitudes().shape == (samples, 256)
    assert many[:3].tobytes() == make(8, np.float64, 2).amplitudes()[:3].tobytes()


def test_single_precision_keeps_phases_of_many_turns() -> None:
    """Where the phases themselves, as floats, would be off by 1e-4."""
    single, double = phased(13, np.float32), phased(13, np.float64)
    scale = 2 ** (13 / 2)  # of one amplitude
    assert np.abs(single.amplitudes() - double.amplitudes()).max() * scale < 1e-5


@pytest.mark.parametrize("make", [phased, layered])
def test_states_have_norm_one(make: type) -> None:
    norms = np.linalg.norm(make(12, np.float64).amplitudes(), axis=1)
    np.testing.assert_allclose(norms, 1, atol=1e-13)


@pytest.mark.parametrize("real", [False, True])
def test_bloch_vectors_match_their_definition(real: bool) -> None:
    states = layered(9, np.float64, real=real)
    psi = states.amplitudes()
    index = np.arange(512)
    for q in range(9):
        flipped = psi[:, index ^ (1 << q)]
        bit = (index >> q) & 1
        x = (psi.conj() * flipped).sum(1)
        y = (psi.conj() * flipped * np.where(bit, 1j, -1j)).sum(1)
        z = (np.abs(psi) ** 2 * (1 - 2 * bit)).sum(1)
        expected = np.stack((x, y, z), axis=-1).real
        np.testing.assert_allclose(states.bloch()[:, q], expected, atol=1e-13)


def test_the_last_permutation_is_left_out_when_open() -> None:
    gates = np.full((1, 1, 2, 2), 0.6 + 0j)
    gates[..., 1] = 0.8
    swapped = np.array([0, 2, 1, 3], np.uint32)
    swapped[3] |= 1 << 31
    psi = feature_states.layered(gates, swapped, closed=False, real=True, dtype=np.float64)
    np.testing.assert_allclose(psi.amplitudes(), [[0.36, 0.48, 0.48, 0.64]])
    psi = feature_states.layered(gates, swapped, closed=True, real=True, dtype=np.float64)
    np.testing.assert_allclose(psi.amplitudes(), [[0.36, 0.48, 0.48, -0.64]])
