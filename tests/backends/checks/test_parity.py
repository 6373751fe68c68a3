from __future__ import annotations

import numpy as np
import pytest

from qupel.backends import Reading
from qupel.backends.checks.parity import Agreement, check_parity, parity
from qupel.backends.local import Local
from qupel.backends.local import open as open_device
from qupel.backends.machines import Noisy
from qupel.errors import InputError
from qupel.model import Circuit
from qupel.simulators import DensityMatrix, StateVector
from tests.backends.profiles import CHIP

GHZ = Circuit(4).h(0).cx(0, 1).cx(1, 2).cx(2, 3)


def device(scale: float) -> Local:
    return Local(f"noisy-{scale:g}", Noisy.of(CHIP, scale=scale))


def drawn(chances: np.ndarray, shots: int, rng: np.random.Generator) -> Reading:
    counts = rng.multinomial(shots, chances)
    n = chances.size.bit_length() - 1
    seen = np.flatnonzero(counts)
    return Reading((seen[:, None] >> np.arange(n) & 1).astype(np.uint8), counts[seen])


def test_the_distance_is_half_the_sum_of_differences() -> None:
    first = Reading(np.array([[0], [1]], np.uint8), np.array([75, 25], np.int64))
    second = Reading(np.array([[1]], np.uint8), np.array([100], np.int64))
    found = parity(first, second, limit=0.1, rng=np.random.default_rng(0))
    assert found.distance == 0.75
    assert found.flagged


def test_a_model_of_the_same_noise_agrees() -> None:
    found = check_parity(GHZ, device(2.0), device(2.0), limit=0.05)
    assert found.agreement is Agreement.WITHIN


def test_a_noisier_device_is_flagged() -> None:
    found = check_parity(GHZ, device(1.0), device(6.0), limit=0.05)
    assert found.flagged
    assert "diverge beyond the limit" in str(found)


def test_the_distance_is_that_of_the_distributions_within_the_floor() -> None:
    exact = np.abs(
        StateVector().probabilities(GHZ)
        - DensityMatrix(Noisy.of(CHIP, scale=6.0).noise).probabilities(GHZ)
    )
    model = Local("noisy", Noisy(Noisy.of(CHIP, scale=6.0).noise))
    found = check_parity(GHZ, open_device("statevector"), model, shots=20_000)
    assert abs(found.distance - exact.sum() / 2) < found.slack


def test_few_shots_leave_it_unclear_instead_of_flagging() -> None:
    found = check_parity(GHZ, device(1.0), device(1.0), limit=0.01, shots=50)
    assert found.agreement is Agreement.UNCLEAR


def test_the_floor_is_the_distance_of_equal_distributions() -> None:
    rng = np.random.default_rng(0)
    chances = rng.dirichlet(np.ones(16))
    found = [
        parity(drawn(chances, 500, rng), drawn(chances, 800, rng), limit=0.5, rng=rng)
        for _ in range(200)
    ]
    distances = np.array([one.distance for one in found])
    assert np.mean([one.floor for one in found]) == pytest.approx(distances.mean(), rel=0.05)
    assert np.mean([one.distance > one.slack for one in found]) < 0.05


def test_readings_of_other_qubits_are_refused() -> None:
    one, two = (Reading(np.zeros((1, n), np.uint8), np.array([1], np.int64)) for n in (1, 2))
    with pytest.raises(InputError, match="readings of 1 and 2 qubits cannot be compared"):
        parity(one, two, limit=0.1, rng=np.random.default_rng(0))


def test_a_limit_is_a_distance() -> None:
    with pytest.raises(InputError, match="limit must be above 0"):
        check_parity(GHZ, device(1.0), device(1.0), limit=0.0)
