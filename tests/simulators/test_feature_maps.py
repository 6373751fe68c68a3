from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.simulators import AngleMap, FeatureMap, HardwareEfficientMap, IqpMap, ZZMap
from tests.oracles import feature_maps as oracle

#: The maps, for arguments that mypy would refuse.
ZZ: Any = ZZMap
ANGLE: Any = AngleMap
HARDWARE: Any = HardwareEfficientMap

ENTANGLEMENTS = ("full", "linear", "ring", ((2, 0), (0, 1), (0, 2)))


def pairs(n: int, entanglement: Any) -> list[tuple[int, int]]:
    if entanglement == "full":
        return [(i, j) for i in range(n) for j in range(i + 1, n)]
    neighbours = [(i, i + 1) for i in range(n - 1)]
    if entanglement == "linear":
        return neighbours
    if entanglement == "ring":
        return ([(n - 1, 0)] if n > 2 else []) + neighbours
    return list(entanglement)


def samples(n: int, seed: int, rows: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-4, 4, (rows, n))


@settings(max_examples=25)
@given(
    st.integers(3, 5), st.integers(1, 3), st.sampled_from(ENTANGLEMENTS), st.integers(0, 2**32 - 1)
)
def test_the_zz_map_matches_its_gates(n: int, layers: int, entanglement: Any, seed: int) -> None:
    x = samples(n, seed)
    found = ZZMap(n, layers, entanglement, scaling=0.7).states(x)
    expected = [oracle.zz(0.7 * row, layers, pairs(n, entanglement)) for row in x]
    np.testing.assert_allclose(found, expected, atol=1e-12)


@settings(max_examples=25)
@given(
    st.integers(3, 5), st.integers(1, 3), st.sampled_from(ENTANGLEMENTS), st.integers(0, 2**32 - 1)
)
def test_the_iqp_map_matches_its_gates(n: int, layers: int, entanglement: Any, seed: int) -> None:
    x = samples(n, seed)
    found = IqpMap(n, layers, entanglement, scaling=1.3).states(x)
    expected = [oracle.iqp(1.3 * row, layers, pairs(n, entanglement)) for row in x]
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("axis", ["x", "y", "z"])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_the_angle_map_matches_its_gates(n: int, axis: Any) -> None:
    x = samples(n, n)
    found = AngleMap(n, axis, scaling=0.5).states(x)
    expected = [oracle.angle(0.5 * row, axis) for row in x]
    np.testing.assert_allclose(found, expected, atol=1e-14)


@settings(max_examples=40)
@given(
    st.integers(3, 5),
    st.integers(1, 3),
    st.lists(st.sampled_from(["rx", "ry", "rz"]), min_size=1, max_size=3),
    st.sampled_from(["cx", "cz"]),
    st.sampled_from(ENTANGLEMENTS),
    st.integers(0, 2**32 - 1),
)
def test_the_hardware_efficient_map_matches_its_gates(
    n: int, layers: int, rotations: list[Any], entangler: Any, entanglement: Any, seed: int
) -> None:
    x = samples(n, seed)
    made = HardwareEfficientMap(n, layers, tuple(rotations), entangler, entanglement, 0.9)
    expected = [
        oracle.hardware_efficient(0.9 * row, layers, rotations, entangler, pairs(n, entanglement))
        for row in x
    ]
    np.testing.assert_allclose(made.states(x), expected, atol=1e-12)


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("entanglement", ["full", "linear", "ring"])
def test_few_qubits_have_few_pairs(n: int, entanglement: Any) -> None:
    x = samples(n, 5)
    expected = [oracle.zz(row, 2, pairs(n, entanglement)) for row in x]
    np.testing.assert_allclose(ZZMap(n, 2, entanglement).states(x), expected, atol=1e-13)
    hardware = HardwareEfficientMap(n, 2, entanglement=entanglement).states(x)
    expected = [
        oracle.hardware_efficient(row, 2, ("ry", "rz"), "cx", pairs(n, entanglement)) for row in x
    ]
    np.testing.assert_allclose(hardware, expected, atol=1e-13)


@pytest.mark.parametrize("n", [7, 8, 9, 11])
def test_maps_beyond_one_block_match_their_phases(n: int) -> None:
    """From the phase as one number, by dense Hadamards."""
    x = samples(n, n, rows=2)
    bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    hadamards = oracle.on(n, dict.fromkeys(range(n), oracle.HADAMARD))
    for row, found in zip(x, ZZMap(n).states(x), strict=True):
        angles = 2 * bits @ row
        for i, j in pairs(n, "full"):
            angles += 2 * (np.pi - row[i]) * (np.pi - row[j]) * (bits[:, i] ^ bits[:, j])
        psi = np.exp(1j * angles) / 2 ** (n / 2)
        np.testing.assert_allclose(found, np.exp(1j * angles) * (hadamards @ psi), atol=1e-12)


@pytest.mark.parametrize("n", [8, 9])
def test_layers_beyond_one_block_match_their_gates(n: int) -> None:
    x = samples(n, n, rows=1)
    ring = pairs(n, "ring")
    found = HardwareEfficientMap(n, 2, ("rx", "rz"), "cx", "ring").states(x)
    expected = oracle.hardware_efficient(x[0], 2, ("rx", "rz"), "cx", ring)
    np.testing.assert_allclose(found[0], expected, atol=1e-12)


@pytest.mark.parametrize(
    "make", [ZZMap, IqpMap, AngleMap, HardwareEfficientMap], ids=lambda m: m.__name__
)
def test_feature_maps_are_values_that_fulfil_the_protocol(make: Any) -> None:
    assert isinstance(make(3), FeatureMap)
    assert make(3) == make(3)
    assert hash(make(3)) == hash(make(3))


def test_pairs_in_lists_are_kept_as_tuples() -> None:
    assert ZZ(3, entanglement=[[0, 1]]) == ZZMap(3, entanglement=((0, 1),))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: ZZ(0), "features must be a whole number of at least 1"),
        (lambda: ZZ(2, repetitions=0), "repetitions must be a whole number of at least 1"),
        (lambda: ZZ(2, scaling=float("nan")), "scaling must be finite"),
        (lambda: ZZ(2, entanglement="star"), "'full', 'linear', 'ring' or pairs"),
        (lambda: ZZ(2, entanglement=((0, 2),)), "two different qubits below 2"),
        (lambda: ZZ(2, entanglement=((1, 1),)), "two different qubits"),
        (lambda: ZZ(2, entanglement=5), "a name or pairs"),
        (lambda: ANGLE(2, axis="w"), "axis must be one of"),
        (lambda: HARDWARE(2, rotations=()), "rotations are of"),
        (lambda: HARDWARE(2, rotations=("rw",)), "rotations are of"),
        (lambda: HARDWARE(2, entangler="ccx"), "entangler is one of"),
        (lambda: ZZ(2).states([[1.0, 2.0, 3.0]]), "rows of 2 features"),
        (lambda: ZZ(2).states([[1.0, np.inf]]), "finite"),
        (lambda: ZZ(2).states([[1.0, 1e200]]), "1e100"),
        (lambda: ZZ(26).states(np.zeros((1, 26))), "at most 25 qubits"),
    ],
)
def test_what_cannot_be_meant_is_refused(wrong: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        wrong()
