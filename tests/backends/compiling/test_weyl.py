"""Weyl coordinates: the decomposition multiplies back, also where coordinates coincide."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.backends.compiling.weyl import Weyl, weyl
from qupel.model.gates import GATES, matrix
from tests.oracles import circuits as oracle

SEEDS = st.integers(0, 2**32 - 1)
PAIRS = [name for name, kind in GATES.items() if kind.qubits == 2]


def unitary(rng: np.random.Generator, side: int) -> np.ndarray:
    out, _ = np.linalg.qr(rng.normal(size=(side, side)) + 1j * rng.normal(size=(side, side)))
    return np.asarray(out)


def rebuilt(split: Weyl) -> np.ndarray:
    """From the definition, by the exponential of each Pauli product."""
    out = np.kron(split.before[1], split.before[0])
    for value, pauli in zip(split.coordinates, (oracle.X, oracle.Y, oracle.Z), strict=True):
        out = oracle.exponential(np.kron(pauli, pauli), value) @ out
    return np.asarray(np.kron(split.after[1], split.after[0]) @ out)


def check(u: np.ndarray) -> tuple[float, float, float]:
    split = weyl(u)
    assert oracle.same_up_to_phase(rebuilt(split), u, 1e-11)
    a, b, c = split.coordinates
    assert math.pi / 4 + 1e-9 >= a >= b - 1e-12
    assert b >= abs(c) - 1e-12
    return a, b, c


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_any_unitary_multiplies_back_from_its_parts(seed: int) -> None:
    check(unitary(np.random.default_rng(seed), 4))


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.sampled_from(PAIRS), st.floats(-14, 0.5))
def test_coordinates_that_nearly_coincide_do_no_harm(seed: int, name: str, power: float) -> None:
    rng = np.random.default_rng(seed)
    u = matrix(name, [10**power] * GATES[name].angles)
    turned = np.kron(unitary(rng, 2), unitary(rng, 2)) @ u @ np.kron(unitary(rng, 2), np.eye(2))
    check(turned)


@pytest.mark.parametrize(
    ("name", "angles", "expected"),
    [
        ("cx", (), (1, 0, 0)),
        ("cz", (), (1, 0, 0)),
        ("ecr", (), (1, 0, 0)),
        ("iswap", (), (1, 1, 0)),
        ("swap", (), (1, 1, 1)),
        ("rzz", (math.pi / 4,), (0.5, 0, 0)),
        ("cp", (math.pi / 2,), (0.5, 0, 0)),
    ],
)
def test_known_gates_have_their_known_coordinates(
    name: str, angles: tuple[float, ...], expected: tuple[float, ...]
) -> None:
    found = np.abs(check(matrix(name, angles))) / (math.pi / 4)
    np.testing.assert_allclose(found, expected, atol=1e-9)
