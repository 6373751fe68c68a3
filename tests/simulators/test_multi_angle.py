from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from qupel.errors import InputError
from qupel.model import Ising, Outcome, Qubo
from qupel.simulators import Qaoa
from qupel.simulators.multi_angle import MultiAngleQaoa
from qupel.simulators.warm import axes_of
from tests.oracles import mixers as oracle
from tests.oracles import qaoa as plain
from tests.simulators.test_qaoa import random_ising, random_qubo


def angles_of(circuit: MultiAngleQaoa, layers: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    n = circuit.form.variables
    return rng.normal(size=(layers, len(circuit.terms))), rng.normal(size=(layers, n))


@settings(max_examples=20)
@given(st.integers(1, 6), st.integers(0, 2), st.integers(0, 2**32 - 1), st.booleans())
def test_energy_and_probabilities_match_the_definition(
    n: int, layers: int, seed: int, spins: bool
) -> None:
    form = random_ising(n, seed) if spins else random_qubo(n, seed)
    start = np.random.default_rng(seed).uniform(0, 1, n)
    circuit = MultiAngleQaoa(form, precision="double", start=start)
    gammas, betas = angles_of(circuit, layers, seed)
    values = oracle.terms(circuit.terms, n)
    psi = oracle.state(values, axes_of(start, n), gammas * circuit.weights, betas)
    np.testing.assert_allclose(circuit.probabilities(gammas, betas), abs(psi) ** 2, atol=1e-12)
    expected = plain.energy(plain.costs(form), psi)
    assert circuit.energy(gammas, betas) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("spins", [True, False])
def test_equal_angles_in_a_layer_are_the_usual_circuit(spins: bool) -> None:
    form = random_ising(9, 1) if spins else random_qubo(9, 1)
    every = MultiAngleQaoa(form, precision="double").energy_and_gradient([0.3, 0.1], [-0.4, -0.2])
    shared = Qaoa(form, precision="double").energy_and_gradient([0.3, 0.1], [-0.4, -0.2])
    assert every[0] == pytest.approx(shared[0], abs=1e-10)
    np.testing.assert_allclose(every[1], shared[1], atol=1e-10)
    np.testing.assert_allclose(every[2], shared[2], atol=1e-10)


@pytest.mark.parametrize("reach", [0.7, 3.0])
def test_twenty_qubits_in_three_groups_are_the_usual_circuit(reach: float) -> None:
    form = random_ising(20, 1)
    rng = np.random.default_rng(0)
    gammas, betas = rng.normal(size=2) / 5, rng.uniform(-reach, reach, 2)
    every = MultiAngleQaoa(form, precision="double").energy_and_gradient(gammas, betas)
    shared = Qaoa(form, precision="double").energy_and_gradient(gammas, betas)
    assert every[0] == pytest.approx(shared[0], abs=1e-9)
    np.testing.assert_allclose(every[1], shared[1], atol=1e-9)
    np.testing.assert_allclose(every[2], shared[2], atol=1e-9)


@pytest.mark.parametrize("warm", [False, True])
def test_gradient_is_the_slope_of_the_energy(warm: bool) -> None:
    start = np.linspace(0.1, 0.9, 6) if warm else None
    circuit = MultiAngleQaoa(random_qubo(6, 4), precision="double", start=start)
    angles = angles_of(circuit, 2, 0)
    _, *slopes = circuit.energy_and_gradient(*angles)
    for row, found in zip(angles, slopes, strict=True):
        for at in [(0, 0), (1, 3), (0, 5)]:
            ends = []
            for step in (1e-6, -2e-6):
                row[at] += step
                ends.append(circuit.energy(*angles))
            row[at] += 1e-6
            assert found[at] == pytest.approx((ends[0] - ends[1]) / 2e-6, abs=1e-7)


def test_terms_are_the_fields_and_then_the_couplings() -> None:
    couplings = np.zeros((3, 3))
    couplings[0, 2], couplings[0, 1] = 2.0, -1.0
    circuit = MultiAngleQaoa(Ising([0.0, 0.5, 0.0], couplings))
    np.testing.assert_array_equal(circuit.terms, [[1, 1], [0, 1], [0, 2]])
    np.testing.assert_array_equal(circuit.weights, [0.5, -1.0, 2.0])


def test_the_spread_is_that_of_all_costs() -> None:
    form = random_qubo(8, 3)
    assert MultiAngleQaoa(form).spread == pytest.approx(plain.costs(form).std())


def test_one_layer_cuts_every_edge_of_a_star() -> None:
    leaves = 8
    couplings = np.zeros((leaves + 1, leaves + 1))
    couplings[0, 1:] = 0.5
    circuit = MultiAngleQaoa(
        Ising(np.zeros(leaves + 1), couplings, -leaves / 2), precision="double"
    )

    def descend(flat: np.ndarray) -> tuple[float, np.ndarray]:
        rows = flat[None, :leaves], flat[None, leaves:]
        energy, by_gamma, by_beta = circuit.energy_and_gradient(*rows)
        return energy, np.concatenate([by_gamma[0], by_beta[0]])

    start = np.random.default_rng(0).uniform(0.2, 0.8, 2 * leaves + 1)
    found: Any = minimize(descend, start, jac=True, method="L-BFGS-B")
    assert found.fun == pytest.approx(-leaves, abs=1e-6)
    shared = min(
        circuit.energy([gamma], [beta])
        for gamma in np.linspace(0, np.pi, 40)
        for beta in np.linspace(-np.pi / 2, 0, 40)
    )
    assert shared > -0.9 * leaves


def test_correlations_are_those_of_the_probabilities() -> None:
    circuit = MultiAngleQaoa(random_ising(7, 2), precision="double")
    found = circuit.correlations([0.3], [-0.5])
    weights = circuit.probabilities([0.3], [-0.5])
    spins = 1 - 2 * ((np.arange(128)[:, None] >> np.arange(7)) & 1)
    np.testing.assert_allclose(found.diagonal(), weights @ spins, atol=1e-13)
    assert found[1, 4] == pytest.approx(weights @ (spins[:, 1] * spins[:, 4]), abs=1e-13)


@pytest.mark.parametrize("alpha", [1.0, 0.4, 0.01])
def test_cvar_is_the_mean_of_the_best_outcomes(alpha: float) -> None:
    form = random_qubo(5, 2)
    circuit = MultiAngleQaoa(form, precision="double", start=np.linspace(0.2, 0.8, 5))
    left, mean = alpha, 0.0
    weights = circuit.probabilities([0.3], [-0.5])
    for cost, weight in sorted(zip(plain.costs(form), weights, strict=True)):
        mean += cost * min(weight, left) / alpha
        left = max(left - weight, 0.0)
    assert circuit.cvar([0.3], [-0.5], alpha) == pytest.approx(mean, abs=1e-10)


def test_a_share_of_none_is_refused() -> None:
    with pytest.raises(InputError, match="alpha"):
        MultiAngleQaoa(random_qubo(3, 0)).cvar([0.1], [0.1], 0.0)


@pytest.mark.parametrize("form", [random_ising(6, 1), random_qubo(6, 1)], ids=["ising", "qubo"])
def test_samples_follow_the_probabilities_and_carry_true_energies(form: Ising | Qubo) -> None:
    circuit = MultiAngleQaoa(form, precision="double")
    samples = circuit.sample([0.3], [-0.4], shots=20_000, rng=np.random.default_rng(2))
    assert samples.outcome is Outcome.SAMPLED
    np.testing.assert_allclose(samples.energies, form.energies(samples.values), atol=1e-12)
    assert (np.diff(samples.energies) >= 0).all()
    bits = (1 - samples.values) // 2 if isinstance(form, Ising) else samples.values
    counts = np.zeros(64)
    counts[bits.astype(np.int64) @ (1 << np.arange(6))] = samples.occurrences
    expected = circuit.probabilities([0.3], [-0.4]) * 20_000
    assert (np.abs(counts - expected) < 5 * np.sqrt(expected) + 5).all()


def test_threads_change_no_bit_of_the_result() -> None:
    form = random_ising(15, 0)
    one, two = MultiAngleQaoa(form), MultiAngleQaoa(form, threads=2)
    angles = angles_of(one, 2, 1)
    for a, b in zip(
        one.energy_and_gradient(*angles), two.energy_and_gradient(*angles), strict=True
    ):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


@pytest.mark.parametrize(
    ("gammas", "betas", "message"),
    [
        ([0.1, 0.2], [0.1], "layers of gammas"),
        (np.zeros((1, 2)), [0.1], "one a term"),
        ([np.inf], [0.1], "finite"),
        ([0.1], np.zeros((1, 2)), "one a qubit"),
    ],
)
def test_angles_that_do_not_fit_are_refused(gammas: Any, betas: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        MultiAngleQaoa(random_qubo(3, 0)).energy(gammas, betas)


@pytest.mark.parametrize("settings", [{"precision": "half"}, {"threads": 0}, {"start": [0.5]}])
def test_settings_are_checked(settings: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"must be|one probability"):
        MultiAngleQaoa(random_qubo(3, 0), **settings)


def test_costs_and_angles_beyond_single_precision_are_refused() -> None:
    with pytest.raises(InputError, match="do not fit single precision"):
        MultiAngleQaoa(Ising([1e39], np.zeros((1, 1))))
    with pytest.raises(InputError, match="too large for single precision"):
        MultiAngleQaoa(Ising([1.0], np.zeros((1, 1)))).energy([1e31], [0.1])
