from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.kernels import _gates
from qupel.kernels import gates as kernel
from qupel.kernels.gates import GateList, Kind
from tests.oracles import circuits as oracle

Listed = list[tuple[Sequence[int], Any]]
ACCURACY = {np.complex64: 3e-6, np.complex128: 1e-13}
H = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
CX = np.eye(4)[[0, 3, 2, 1]]
SWAP = np.eye(4)[[0, 2, 1, 3]]


@pytest.fixture
def instructions() -> Iterator[None]:
    yield
    _gates.limit(2)


def haar(rng: np.random.Generator, qubits: int, *, real: bool = False) -> np.ndarray:
    side = 2**qubits
    start = rng.normal(size=(side, side))
    return np.linalg.qr(start if real else start + 1j * rng.normal(size=(side, side)))[0]


def phases(rng: np.random.Generator, qubits: int) -> np.ndarray:
    return np.diag(np.exp(1j * rng.normal(size=2**qubits)))


def listed(rng: np.random.Generator, n: int, size: int) -> Listed:
    """Gates of every structure that the kernel tells apart."""
    out: Listed = []
    for _ in range(size):
        k = int(rng.integers(1, min(n, 4) + 1))
        on = rng.permutation(n)[:k].tolist()
        pair = rng.permutation(n)[:2].tolist()
        kind = rng.integers(8) if n >= 2 else rng.integers(4)
        made: list[tuple[Sequence[int], Any]] = [
            (on, haar(rng, k)),
            (on, haar(rng, k, real=True)),
            (on, phases(rng, k)),
            (on[:1], haar(rng, 1, real=True)),
            (pair, CX),
            (pair, np.diag([1, 1, 1, np.exp(1j * rng.normal())])),
            (pair, SWAP),
            (pair, np.diag([1, 0.5, 0, 2])),
        ]
        out.append(made[kind])
    return out


def state(rng: np.random.Generator, n: int) -> np.ndarray:
    psi = rng.normal(size=2**n) + 1j * rng.normal(size=2**n)
    return psi / np.linalg.norm(psi)


def stepwise(psi: np.ndarray, gates: Listed) -> np.ndarray:
    """One gate after another, by moving its axes to the front."""
    n = psi.size.bit_length() - 1
    for qubits, matrix in gates:
        axes = [n - 1 - q for q in reversed(qubits)]
        front = np.moveaxis(psi.reshape((2,) * n), axes, range(len(axes)))
        done = (matrix @ front.reshape(len(matrix), -1)).reshape(front.shape)
        psi = np.moveaxis(done, range(len(axes)), axes).reshape(-1)
    return psi


def fourier(n: int) -> Listed:
    """The quantum Fourier transform: Hadamards, controlled phases, and swaps at the end."""
    out: Listed = []
    for q in reversed(range(n)):
        out.append(([q], H))
        out += [([j, q], np.diag([1, 1, 1, np.exp(1j * np.pi / 2 ** (q - j))])) for j in range(q)]
    return out + [([q, n - 1 - q], SWAP) for q in range(n // 2)]


@given(st.integers(1, 5), st.integers(0, 12), st.integers(0, 2**32 - 1))
def test_gates_multiply_as_their_matrices_do(n: int, size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    gates = listed(rng, n, size)
    psi = state(rng, n)
    expected = psi
    for qubits, matrix in gates:
        expected = oracle.embedded(n, matrix, qubits) @ expected
    scale = max(1.0, float(np.abs(expected).max()))
    kernel.apply(psi, GateList.of(gates))
    np.testing.assert_allclose(psi, expected, atol=1e-13 * scale)


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
@pytest.mark.parametrize("tile", [0, 6, 8])
@pytest.mark.parametrize("seed", range(4))
def test_tiles_fusion_and_precision_change_nothing_but_rounding(
    dtype: Any, tile: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    gates = [gate for gate in listed(rng, 11, 80) if abs(np.linalg.det(gate[1])) > 0.9]
    psi = state(rng, 11)
    expected = stepwise(psi, gates)
    found = psi.astype(dtype)
    kernel.apply(found, GateList.of(gates), tile=tile, low=4)
    norm = float(np.linalg.norm(expected))
    np.testing.assert_allclose(found, expected, atol=ACCURACY[dtype] * norm)


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
@pytest.mark.parametrize("tile", [0, 7, 9])
def test_the_fourier_transform_is_that_of_numpy(dtype: Any, tile: int) -> None:
    psi = state(np.random.default_rng(1), 12)
    expected = np.fft.ifft(psi) * 2**6
    found = psi.astype(dtype)
    kernel.apply(found, GateList.of(fourier(12)), tile=tile, low=4)
    np.testing.assert_allclose(found, expected, atol=ACCURACY[dtype])


@pytest.mark.parametrize("level", [2, 1, 0])
@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_layers_of_phases_between_mixers_are_exact_on_every_instruction_set(
    level: int, dtype: Any, instructions: None
) -> None:
    rng = np.random.default_rng(7)
    n = 11
    gates: Listed = []
    for _ in range(3):
        for i in range(n):
            gates += [([i, j], phases(rng, 2)) for j in range(i) if rng.random() < 0.5]
        gates += [([i], phases(rng, 1)) for i in range(n)]
        gates += [([i], haar(rng, 1)) for i in range(n) if rng.random() < 0.7]
    psi = state(rng, n)
    expected = stepwise(psi, gates)
    _gates.limit(level)
    for tile in (0, 7):
        found = psi.astype(dtype)
        kernel.apply(found, GateList.of(gates), tile=tile, low=4)
        np.testing.assert_allclose(found, expected, atol=ACCURACY[dtype])


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_both_wide_instruction_sets_give_the_same_bits(dtype: Any, instructions: None) -> None:
    rng = np.random.default_rng(8)
    gates, psi = GateList.of(listed(rng, 9, 60)), state(rng, 9)
    found = []
    for level in (2, 1):
        _gates.limit(level)
        psi_again = psi.astype(dtype)
        kernel.apply(psi_again, gates)
        found.append(psi_again.tobytes())
    assert found[0] == found[1]


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_threads_change_no_bit(threads: int, dtype: Any) -> None:
    rng = np.random.default_rng(9)
    gates = GateList.of([g for g in listed(rng, 16, 60) if len(g[0]) < 4] + fourier(16))
    x, z = (rng.integers(0, 2**16, 20).astype(np.uint64) for _ in range(2))
    weights, levels = rng.normal(size=20), np.sort(rng.random(50))
    found = []
    for count in (1, threads):
        psi = np.zeros(2**16, dtype)
        psi[0] = 1
        kernel.apply(psi, gates, count)
        value = kernel.observe(psi, x, z, weights, count)
        drawn = kernel.draw(psi, levels, count)
        part = kernel.reduced(psi, [2, 9], count)
        found.append((psi.tobytes(), value, drawn.tobytes(), part.tobytes()))
    assert found[0] == found[1]


@given(st.integers(1, 8), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_pauli_sums_agree_with_their_matrices(n: int, terms: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    letters = ["".join(rng.choice(list("IXYZ"), n)) for _ in range(terms)]
    weights = rng.normal(size=terms)
    x = np.array([int(s.translate(str.maketrans("IXYZ", "0110")), 2) for s in letters], np.uint64)
    z = np.array([int(s.translate(str.maketrans("IXYZ", "0011")), 2) for s in letters], np.uint64)
    dense = oracle.observable(list(zip(letters, weights.tolist(), strict=True)))
    psi = state(rng, n)
    into = np.empty_like(psi)
    value = kernel.observe(psi, x, z, weights, into=into)
    assert value == pytest.approx(oracle.expectation(psi, dense), abs=1e-12)
    np.testing.assert_allclose(into, dense @ psi, atol=1e-12)


def test_pauli_sums_reach_across_blocks() -> None:
    rng = np.random.default_rng(3)
    n, psi = 13, state(rng, 13)
    x = np.array([0, 0, 1 << 12, 1 << 12, 5 << 10, 3, 2**13 - 1], np.uint64)
    z = np.array([1, 2**13 - 1, 0, 1 << 12, 1 << 11, 7 << 9, 2**13 - 1], np.uint64)
    weights = rng.normal(size=x.size)
    states = np.arange(2**n, dtype=np.uint64)
    expected = np.zeros(2**n, np.complex128)
    for flips, signs, weight in zip(x, z, weights, strict=True):
        turn = 1j ** int(np.bitwise_count(flips & signs))
        sign = 1 - 2 * (np.bitwise_count(states & signs) & 1).astype(float)
        expected[states ^ flips] += weight * turn * sign * psi
    into = np.empty_like(psi)
    value = kernel.observe(psi, x, z, weights, into=into)
    np.testing.assert_allclose(into, expected, atol=1e-12)
    assert value == pytest.approx(np.vdot(psi, expected).real, abs=1e-12)


@pytest.mark.parametrize("qubits", [[0], [5], [12], [0, 1], [2, 12], [1, 5, 11], [0, 1, 2]])
def test_reduced_matrices_are_partial_traces(qubits: list[int]) -> None:
    psi = state(np.random.default_rng(4), 13)
    front = np.moveaxis(
        psi.reshape((2,) * 13), [12 - q for q in reversed(qubits)], range(len(qubits))
    )
    rows = front.reshape(2 ** len(qubits), -1)
    np.testing.assert_allclose(kernel.reduced(psi, qubits), rows @ rows.conj().T, atol=1e-14)


def test_draw_finds_the_state_where_the_summed_probability_passes() -> None:
    rng = np.random.default_rng(3)
    psi, levels = state(rng, 13), np.sort(rng.random(500))
    sums = np.cumsum(np.abs(psi) ** 2)
    expected = np.searchsorted(sums / sums[-1], levels, side="right")
    np.testing.assert_array_equal(kernel.draw(psi, levels), expected)
    psi[2**12 :] = 0
    assert kernel.draw(psi, np.array([np.nextafter(1.0, 0.0)]))[0] < 2**12


def test_what_fuses_shows_in_the_plan() -> None:
    pair = [([0], H), ([1], H), ([0, 1], CX), ([0], H)]
    [only] = kernel.plan(2, GateList.of(pair), single=True)
    assert [cluster.kind for cluster in only.clusters] == [Kind.DENSE]
    walks = kernel.plan(22, GateList.of(fourier(22)), single=True)
    assert len(walks) <= 5
    for walk in walks:
        assert len(walk.window) <= 16
        for cluster in walk.clusters:
            assert set(cluster.changes) <= set(walk.window)


def test_controls_need_not_be_in_the_window() -> None:
    gates = [([q, 3], CX) for q in range(4, 22)]
    [walk] = kernel.plan(22, GateList.of(gates), single=True)
    watched = {q for cluster in walk.clusters for q in cluster.watches}
    assert watched - set(walk.window)


@settings(max_examples=20)
@given(st.integers(2, 9), st.integers(0, 2**32 - 1))
def test_the_order_of_gates_that_do_not_commute_is_kept(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    gates: Listed = []
    for _ in range(60):
        if rng.random() < 0.5:
            small = (H, phases(rng, 1), haar(rng, 1, real=True))[int(rng.integers(3))]
            gates.append(([int(rng.integers(n))], small))
        else:
            pair = rng.permutation(n)[:2].tolist()
            gates.append((pair, CX if rng.random() < 0.5 else np.diag([1, 1, 1, -1])))
    psi = state(rng, n)
    expected = stepwise(psi, gates)
    kernel.apply(psi, GateList.of(gates), tile=5, low=3)
    np.testing.assert_allclose(psi, expected, atol=1e-13)


@pytest.mark.parametrize(
    ("gates", "words"),
    [
        ([([0], np.eye(4))], "shape"),
        ([([0, 0], np.eye(4))], "different qubits"),
        ([([-1], np.eye(2))], "different qubits"),
        ([(range(5), np.eye(32))], "1 to 4"),
    ],
)
def test_gates_that_cannot_be_are_refused(gates: Listed, words: str) -> None:
    with pytest.raises(InputError, match=words):
        GateList.of(gates)


def test_a_gate_beyond_the_state_is_refused() -> None:
    with pytest.raises(InputError, match="qubit 3 of 3"):
        kernel.apply(np.zeros(8, np.complex128), GateList.of([([3], H)]))


def test_a_state_of_another_length_is_refused() -> None:
    with pytest.raises(InputError, match="2\\*\\*n"):
        kernel.apply(np.zeros(6, np.complex128), GateList.of([([0], H)]))
