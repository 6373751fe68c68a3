"""Counting native gates beside writing them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.backends.compiling.counting import gates_needed
from qupel.backends.compiling.pairs import Joint, pieces
from qupel.model.gates import GATES, SWAP, matrix

PAIRS = [name for name, kind in GATES.items() if kind.qubits == 2]
NATIVES = ("cz", "cx", "ecr", "iswap", "rzz", "rxx")


def turned(seed: int, inner: np.ndarray) -> np.ndarray:
    """A unitary between random turns, at a random phase."""
    rng = np.random.default_rng(seed)
    turns = [
        np.linalg.qr(rng.normal(size=(2, 2)) + 1j * rng.normal(size=(2, 2)))[0] for _ in "1234"
    ]
    phase = np.exp(1j * rng.uniform(0, 7))
    return np.asarray(phase * np.kron(turns[0], turns[1]) @ inner @ np.kron(turns[2], turns[3]))


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(PAIRS),
    st.sampled_from((0.3, 1e-3, 1e-6, np.pi / 2, np.pi)),
    st.booleans(),
    st.sampled_from(NATIVES),
)
def test_as_many_gates_are_counted_as_are_written(
    seed: int, name: str, angle: float, swapped: bool, native: str
) -> None:
    inner = matrix(name, [angle] * GATES[name].angles)
    unitary = turned(seed, SWAP @ inner if swapped else inner)
    written = sum(isinstance(piece, Joint) for piece in pieces(unitary, native))
    assert gates_needed(unitary[None], native).tolist() == [written]


@pytest.mark.parametrize("native", NATIVES)
def test_any_unitary_takes_three(native: str) -> None:
    rng = np.random.default_rng(1)
    unitary, _ = np.linalg.qr(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))
    assert gates_needed(unitary[None], native).tolist() == [3]


def test_nothing_is_counted_in_nothing() -> None:
    assert gates_needed(np.zeros((0, 4, 4), np.complex128), "cz").tolist() == []
