from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qupel.backends.catalogue.figures import Fidelities
from qupel.backends.mitigation import Cost
from qupel.backends.noise import noise_model
from qupel.backends.zero_noise import FITS, ZeroNoise, factor_of, folded
from qupel.errors import InputError, ResultError
from qupel.model import Circuit
from qupel.model.pauli import PauliSum
from qupel.simulators import DensityMatrix, StateVector
from qupel.solvers.quantum.hosted import HostedQaoa
from qupel.solvers.quantum.qaoa_circuit import qaoa_circuit
from tests.backends.profiles import CHIP
from tests.solvers.quantum.test_qaoa import spin_glass

FORM = spin_glass(6, 2)
CIRCUIT = qaoa_circuit(FORM, *HostedQaoa(layers=2).found_angles(FORM))
ERRORS = [0.05, 0.05, 0.05]


def observable() -> PauliSum:
    terms = {}
    for k, field in enumerate(FORM.fields.tolist()):
        terms["".join("Z" if q == k else "I" for q in reversed(range(6)))] = field
    pairs = FORM.couplings.tocoo()
    for i, j, weight in zip(pairs.row, pairs.col, pairs.data, strict=True):
        terms["".join("Z" if q in (i, j) else "I" for q in reversed(range(6)))] = float(weight)
    return PauliSum.of(terms)


def means(factors: tuple[float, ...]) -> list[float]:
    noise = noise_model(replace(CHIP, fidelities=Fidelities(0.9995, 0.994, 0.0, 0.0)))
    return [
        DensityMatrix(noise).expectation(folded(CIRCUIT, factor), observable())
        for factor in factors
    ]


@given(st.floats(1, 6), st.integers(0, 2**32 - 1))
def test_a_folded_circuit_does_the_same(factor: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    circuit = Circuit(3)
    for _ in range(8):
        a, b = rng.permutation(3)[:2].tolist()
        theta, phi, lam = rng.uniform(-3, 3, 3).tolist()
        circuit = circuit.u(theta, phi, lam, a).iswap(a, b).rz(0.3, b).ecr(b, a)
    there = StateVector().run(folded(circuit, factor))
    overlap = abs(np.vdot(StateVector().run(circuit), there))
    assert overlap == pytest.approx(1)


@pytest.mark.parametrize("factor", [1.0, 1.5, 2.0, 3.0, 5.0])
def test_the_factor_is_reached_as_nearly_as_pairs_allow(factor: float) -> None:
    gates = 6 + 2 * (15 + 6)
    assert abs(factor_of(CIRCUIT, folded(CIRCUIT, factor)) - factor) <= 1 / gates


@pytest.mark.parametrize("fit", FITS)
def test_extrapolation_helps_on_a_noisy_device(fit: str) -> None:
    ideal = StateVector().expectation(CIRCUIT, observable())
    measured = means((1.0, 3.0, 5.0))
    found = ZeroNoise(fit).value(measured, ERRORS, shots=1000)  # type: ignore[arg-type]
    assert abs(found.value - ideal) < abs(measured[0] - ideal) / 2


@pytest.mark.parametrize("fit", FITS)
def test_the_variance_grows_and_is_told(fit: str) -> None:
    rng = np.random.default_rng(0)
    exact = np.array(means((1.0, 3.0, 5.0)))
    solver = ZeroNoise(fit)  # type: ignore[arg-type]
    found = [
        solver.value((exact + rng.normal(0, 0.05, 3)).tolist(), ERRORS, shots=1000)
        for _ in range(400)
    ]
    spread = np.std([one.value for one in found], ddof=1)
    assert np.mean([one.error for one in found]) == pytest.approx(spread, rel=0.15)
    assert min(one.overhead for one in found) > 1


def test_a_straight_line_is_extrapolated_exactly_by_all_but_the_exponential() -> None:
    for fit in ("linear", "richardson"):
        found = ZeroNoise(fit).value([-9.0, -7.0, -5.0], ERRORS, shots=1)
        assert found.value == pytest.approx(-10)


def test_a_decay_is_extrapolated_exactly_by_the_exponential() -> None:
    y = [3 - 8 * np.exp(-0.2 * factor) for factor in (1, 3, 5)]
    found = ZeroNoise("exponential", limit=3.0).value(y, ERRORS, shots=1)
    assert found.value == pytest.approx(-5)


def test_additional_circuits_and_shots_are_counted() -> None:
    solver = ZeroNoise(factors=(1.0, 2.0, 3.0, 4.0))
    assert len(solver.programs(CIRCUIT)) == 4
    found = solver.value([1.0] * 4, [0.1] * 4, shots=250)
    assert found.cost == Cost(circuits=3, shots=750)


def test_a_mean_drowned_in_noise_has_no_exponential() -> None:
    with pytest.raises(ResultError, match="no decay towards 0"):
        ZeroNoise("exponential").value([1.0, 0.05, 0.01], ERRORS, shots=1)


@pytest.mark.parametrize(
    "factors", [(1.0,), (3.0, 5.0), (1.0, 5.0, 3.0), (1.0, math.inf), (1.0, math.nan)]
)
def test_factors_ascend_from_one(factors: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="ascending from 1"):
        ZeroNoise(factors=factors)


@pytest.mark.parametrize("means", [[math.nan, 1.0, 1.0], [1.0, math.inf, 1.0]])
def test_means_that_are_no_numbers_are_refused(means: list[float]) -> None:
    with pytest.raises(InputError, match="a finite mean"):
        ZeroNoise().value(means, ERRORS, shots=1)
    with pytest.raises(InputError, match="limit must be finite"):
        ZeroNoise(limit=math.nan)
    with pytest.raises(InputError, match="reached must be finite and ascend"):
        ZeroNoise().value([1.0, 2.0, 3.0], ERRORS, shots=1, factors=[1.0, 1.0, 3.0])


def test_factors_that_few_gates_cannot_reach_are_told() -> None:
    bell = Circuit(2).h(0).cx(0, 1)
    with pytest.raises(InputError, match=r"2 noisy gates cannot .* they reach \(1\.0, 1\.0\)"):
        ZeroNoise(factors=(1.0, 1.5)).programs(bell)
    assert ZeroNoise(factors=(1.0, 2.0, 3.5)).reached(bell) == (1.0, 2.0, 3.0)
