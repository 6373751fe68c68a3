from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.model import Circuit, PauliSum
from qupel.simulators import (
    DensityMatrix,
    Estimate,
    NoiseModel,
    StateVector,
    estimate,
    estimation,
    noise,
)
from qupel.simulators.estimation import Allocation
from tests.model.circuits import random_circuit

ALLOCATIONS: tuple[Allocation, ...] = ("weighted", "uniform", "variance")


def observable(seed: int, n: int, terms: int) -> PauliSum:
    rng = np.random.default_rng(seed)
    names = ["".join(rng.choice(list("IXYZ"), n)) for _ in range(terms)]
    return PauliSum.of(list(zip(names, rng.normal(size=terms).tolist(), strict=True)))


@pytest.mark.parametrize("allocation", ALLOCATIONS)
def test_intervals_of_95_percent_hold_the_truth_95_times_in_100(allocation: Allocation) -> None:
    circuit, sum_ = random_circuit(1, qubits=4, gates=40), observable(1, 4, 8)
    exact = StateVector().expectation(circuit, sum_)
    held = 0
    for seed in range(200):
        found = estimate(circuit, sum_, 800, allocation, np.random.default_rng(seed))
        held += found.low <= exact <= found.high
    # 200 repeats of 0.95: 190, give or take 3.1; 181 and 198 are about three of these away.
    assert 181 <= held <= 198


@pytest.mark.parametrize("allocation", ALLOCATIONS)
def test_all_shots_are_taken(allocation: Allocation) -> None:
    circuit, sum_ = random_circuit(2, qubits=3, gates=20), observable(2, 3, 9)
    found = estimate(circuit, sum_, 501, allocation, np.random.default_rng(0))
    assert found.shots == 501


def test_shots_by_weight_beat_even_shots_where_weights_differ() -> None:
    circuit = Circuit(2).ry(0.8, 0).ry(1.1, 1)
    sum_ = PauliSum.of({"ZI": 5.0, "XI": 0.1, "YY": 0.1})
    by_weight, evenly = (
        estimate(circuit, sum_, 3000, how, np.random.default_rng(1)).standard_error
        for how in ("weighted", "uniform")
    )
    assert by_weight < 0.7 * evenly  # three groups, all but one of little weight


def test_shots_by_variance_beat_shots_by_weight_where_the_heavy_term_is_certain() -> None:
    circuit = Circuit(2).h(1)
    sum_ = PauliSum.of({"XI": 5.0, "ZI": 1.0})  # X is certain here, Z is not
    by_variance, by_weight = (
        estimate(circuit, sum_, 3000, how, np.random.default_rng(2)).standard_error
        for how in ("variance", "weighted")
    )
    assert by_variance < 0.7 * by_weight


def test_terms_measured_together_share_their_shots() -> None:
    # ZZ and ZI of a Bell pair: ZZ is certain, and their sum's spread is that of ZI alone.
    circuit = Circuit(2).h(0).cx(0, 1)
    found = estimate(
        circuit, PauliSum.of({"ZZ": 1.0, "ZI": 1.0}), 4000, "weighted", np.random.default_rng(3)
    )
    assert found.standard_error == pytest.approx(1 / math.sqrt(4000), rel=0.05)
    assert abs(found.value - 1) < 4 * found.standard_error


def test_the_constant_is_exact() -> None:
    found = estimate(Circuit(2), PauliSum.of({"II": 2.5}), 10)
    assert found == Estimate(2.5, 0.0, 2.5, 2.5, 0.95, 0)


def test_noisy_samplers_are_measured_alike() -> None:
    circuit, sum_ = random_circuit(4, qubits=3, gates=15), observable(4, 3, 6)
    noisy = DensityMatrix(NoiseModel.of(after={"*": noise.depolarising(0.1)}))
    found = estimate(circuit, sum_, 4000, "weighted", np.random.default_rng(4), sampler=noisy)
    assert abs(found.value - noisy.expectation(circuit, sum_)) < 4 * found.standard_error


def test_a_measurement_of_the_circuits_own_does_not_matter() -> None:
    circuit, sum_ = random_circuit(5, qubits=3, gates=15), observable(5, 3, 6)
    plain, measured = (
        estimate(c, sum_, 500, "weighted", np.random.default_rng(5))
        for c in (circuit, circuit.measure(1))
    )
    assert plain == measured


def test_a_wider_confidence_gives_a_wider_interval() -> None:
    circuit, sum_ = random_circuit(6, qubits=3, gates=15), observable(6, 3, 6)
    narrow, wide = (
        estimate(circuit, sum_, 500, "weighted", np.random.default_rng(6), confidence=c)
        for c in (0.8, 0.99)
    )
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


@given(st.lists(st.floats(0, 10), min_size=1, max_size=9), st.integers(0, 500))
def test_shares_are_whole_and_add_up(sizes: list[float], more: int) -> None:
    shots = 2 * len(sizes) + more
    found = estimation.share(shots, np.array(sizes), least=2)
    assert found.sum() == shots
    assert found.min() >= 2


@pytest.mark.parametrize(
    ("shots", "allocation", "confidence", "words"),
    [
        (3, "weighted", 0.95, "at least"),
        (99, "best", 0.95, "allocation"),
        (99, "uniform", 1.0, "between"),
    ],
)
def test_what_cannot_be_is_refused(
    shots: int, allocation: Allocation, confidence: float, words: str
) -> None:
    sum_ = PauliSum.of({"XX": 1.0, "ZZ": 1.0, "YZ": 1.0})
    with pytest.raises(InputError, match=words):
        estimate(Circuit(2), sum_, shots, allocation, confidence=confidence)
