from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from qupel.errors import InputError
from qupel.model import Ising, Outcome, Qubo, Quota
from qupel.model.quota import keep_quotas
from qupel.simulators import Mixer, Qaoa
from tests.oracles import qaoa as oracle

MIXERS: tuple[Mixer, ...] = ("xy-ring", "xy-complete")


def random_qubo(n: int, seed: int, quotas: tuple[Quota, ...] = ()) -> Qubo:
    rng = np.random.default_rng(seed)
    return Qubo(np.triu(rng.normal(size=(n, n))), rng.normal(), quotas)


def random_ising(n: int, seed: int, quotas: tuple[Quota, ...] = ()) -> Ising:
    rng = np.random.default_rng(seed)
    couplings = np.triu(rng.normal(size=(n, n)), 1)
    return Ising(rng.normal(size=n), couplings, rng.normal(), quotas)


def random_quotas(n: int, rng: np.random.Generator) -> tuple[Quota, ...]:
    """One or two disjoint quotas over scattered variables, some variables left free."""
    order = rng.permutation(n)
    first = int(rng.integers(1, n + 1))
    second = int(rng.integers(0, n - first + 1))
    parts = [order[:first], order[first : first + second]]
    return tuple(
        Quota(tuple(sorted(part.tolist())), int(rng.integers(0, part.size + 1)))
        for part in parts
        if part.size
    )


def regular(n: int, seed: int) -> Ising:
    """Cut edges of a random 3-regular graph, to be made many: energy is minus the cut."""
    rng = np.random.default_rng(seed)
    while True:
        ends = rng.permutation(np.repeat(np.arange(n), 3)).reshape(-1, 2)
        edges = {(min(a, b), max(a, b)) for a, b in ends.tolist()}
        if len(edges) == 3 * n // 2 and all(a != b for a, b in edges):
            break
    couplings = np.zeros((n, n))
    for a, b in edges:
        couplings[a, b] = 0.5
    return Ising(np.zeros(n), couplings, -len(edges) / 2)


def heawood() -> Ising:
    """Cut edges of the Heawood graph: vertex i meets i+1, and even i meets i+5, modulo 14."""
    couplings = np.zeros((14, 14))
    for i in range(14):
        for j in [(i + 1) % 14, *([(i + 5) % 14] if i % 2 == 0 else [])]:
            couplings[min(i, j), max(i, j)] = -0.5
    return Ising(np.zeros(14), couplings, 21 / 2)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 6), st.integers(1, 3), st.integers(0, 2**32 - 1), st.booleans())
def test_probabilities_and_energy_match_the_definition(
    n: int, layers: int, seed: int, spins: bool
) -> None:
    form = random_ising(n, seed) if spins else random_qubo(n, seed)
    gammas, betas = np.random.default_rng(seed).uniform(-7, 7, (2, layers))
    cost = oracle.costs(form)
    psi = oracle.state(cost, gammas, betas)
    double, single = Qaoa(form, precision="double"), Qaoa(form)
    np.testing.assert_allclose(double.probabilities(gammas, betas), abs(psi) ** 2, atol=1e-12)
    assert double.energy(gammas, betas) == pytest.approx(oracle.energy(cost, psi), abs=1e-10)
    assert single.energy(gammas, betas) == pytest.approx(
        oracle.energy(cost, psi), abs=1e-4 * max(1.0, np.ptp(cost))
    )


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 5), st.integers(1, 3), st.sampled_from(MIXERS), st.integers(0, 2**32 - 1))
def test_xy_evolution_matches_rotations_on_the_full_space(
    n: int, layers: int, mixer: Mixer, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    quotas = random_quotas(n, rng)
    form = random_qubo(n, seed, quotas)
    gammas, betas = rng.uniform(-4, 4, (2, layers))
    cost = oracle.costs(form)
    psi = oracle.state(cost, gammas, betas, quotas=quotas, ring=mixer == "xy-ring")
    simulator = Qaoa(form, precision="double", mixer=mixer)
    where = simulator.subspace.masks().astype(np.int64)
    np.testing.assert_allclose(
        simulator.probabilities(gammas, betas), abs(psi[where]) ** 2, atol=1e-12
    )
    assert simulator.energy(gammas, betas) == pytest.approx(oracle.energy(cost, psi), abs=1e-10)
    bits = simulator.subspace.bits(np.arange(simulator.subspace.size))
    assert keep_quotas(bits, quotas).all()
    np.testing.assert_array_equal(bits @ (1 << np.arange(n)), where)


def test_eight_qubits_and_three_layers_match_the_definition() -> None:
    form = random_ising(8, 8)
    angles = np.random.default_rng(8).uniform(-2, 2, (2, 3))
    psi = oracle.state(oracle.costs(form), *angles)
    found = Qaoa(form, precision="double").probabilities(*angles)
    np.testing.assert_allclose(found, abs(psi) ** 2, atol=1e-12)


def gradient_by_differences(simulator: Qaoa, angles: np.ndarray, step: float = 1e-5) -> np.ndarray:
    layers = angles.size // 2
    slopes = np.zeros_like(angles)
    for k in range(angles.size):
        ends = []
        for sign in (1, -1):
            moved = angles.copy()
            moved[k] += sign * step
            ends.append(simulator.energy(moved[:layers], moved[layers:]))
        slopes[k] = (ends[0] - ends[1]) / (2 * step)
    return slopes


@pytest.mark.parametrize("n", [1, 2, 4, 5, 9, 14])
def test_gradient_is_the_slope_of_the_energy(n: int) -> None:
    simulator = Qaoa(random_qubo(n, n), precision="double")
    angles = np.random.default_rng(n).uniform(-2, 2, 6)
    _, by_gamma, by_beta = simulator.energy_and_gradient(angles[:3], angles[3:])
    expected = gradient_by_differences(simulator, angles)
    np.testing.assert_allclose([*by_gamma, *by_beta], expected, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("mixer", MIXERS)
@pytest.mark.parametrize("seed", range(4))
def test_gradient_is_the_slope_of_the_energy_under_quotas(mixer: Mixer, seed: int) -> None:
    rng = np.random.default_rng(seed)
    form = random_qubo(9, seed, random_quotas(9, rng))
    simulator = Qaoa(form, precision="double", mixer=mixer)
    angles = rng.uniform(-2, 2, 6)
    _, by_gamma, by_beta = simulator.energy_and_gradient(angles[:3], angles[3:])
    expected = gradient_by_differences(simulator, angles)
    np.testing.assert_allclose([*by_gamma, *by_beta], expected, rtol=2e-6, atol=1e-6)


def test_single_precision_gradient_agrees_with_double() -> None:
    form = random_ising(13, 7)
    angles = np.random.default_rng(1).uniform(-1, 1, (2, 5))
    rough = Qaoa(form).energy_and_gradient(*angles)
    exact = Qaoa(form, precision="double").energy_and_gradient(*angles)
    assert rough[0] == pytest.approx(exact[0], abs=5e-4)
    for a, b in zip(rough[1:], exact[1:], strict=True):
        np.testing.assert_allclose(a, b, atol=5e-4)


@pytest.mark.parametrize(("layers", "expected"), [(1, 0.692450), (2, 0.755906)])
def test_the_heawood_graph_has_its_known_cut_per_edge(layers: int, expected: float) -> None:
    simulator = Qaoa(heawood(), precision="double")

    def descend(angles: np.ndarray) -> tuple[float, np.ndarray]:
        energy, by_gamma, by_beta = simulator.energy_and_gradient(angles[:layers], angles[layers:])
        return -energy, -np.concatenate([by_gamma, by_beta])

    start = np.array([[0.6, 0.4], [0.4, 0.8, 0.6, 0.3]][layers - 1])
    found: Any = minimize(descend, start, jac=True, method="L-BFGS-B")
    assert -found.fun / 21 == pytest.approx(expected, abs=1e-6)


def test_spins_that_do_not_meet_add_up_over_every_pass() -> None:
    rng = np.random.default_rng(0)
    fields, angles = rng.normal(size=23), rng.uniform(-1, 1, (2, 2))
    whole = Qaoa(Ising(fields, np.zeros((23, 23))), threads=2).energy_and_gradient(*angles)
    alone = [
        Qaoa(Ising(fields[i : i + 1], np.zeros((1, 1))), precision="double") for i in range(23)
    ]
    each = [circuit.energy_and_gradient(*angles) for circuit in alone]
    for k in range(3):
        summed = np.sum([np.asarray(part[k]) for part in each], axis=0)
        np.testing.assert_allclose(whole[k], summed, atol=1e-3)


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_bit_of_the_result(threads: int) -> None:
    form = random_ising(17, 0)
    angles = np.random.default_rng(0).uniform(-1, 1, (2, 3))
    one, many = Qaoa(form), Qaoa(form, threads=threads)
    for a, b in zip(
        one.energy_and_gradient(*angles), many.energy_and_gradient(*angles), strict=True
    ):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
    drawn = [q.sample(*angles, shots=300, rng=np.random.default_rng(4)) for q in (one, many)]
    assert drawn[0].values.tobytes() == drawn[1].values.tobytes()


@pytest.mark.parametrize("form", [random_ising(6, 1), random_qubo(6, 1)], ids=["ising", "qubo"])
def test_samples_follow_the_probabilities_and_carry_true_energies(form: Ising | Qubo) -> None:
    simulator = Qaoa(form, precision="double")
    shots = 40_000
    samples = simulator.sample([0.3], [-0.4], shots=shots, rng=np.random.default_rng(2))
    assert samples.outcome is Outcome.SAMPLED
    assert samples.occurrences.sum() == shots
    np.testing.assert_allclose(
        samples.energies, form.energies(samples.values), rtol=1e-12, atol=1e-12
    )
    bits = (1 - samples.values) // 2 if isinstance(form, Ising) else samples.values
    counts = np.zeros(64)
    counts[bits.astype(np.int64) @ (1 << np.arange(6))] = samples.occurrences
    expected = simulator.probabilities([0.3], [-0.4]) * shots
    assert (np.abs(counts - expected) < 5 * np.sqrt(expected) + 5).all()


def test_a_vector_of_costs_is_a_form() -> None:
    form = random_qubo(5, 3)
    costs = oracle.costs(form)
    by_costs = Qaoa(costs, precision="double")
    by_form = Qaoa(form, precision="double")
    assert by_costs.energy([0.5], [0.2]) == pytest.approx(by_form.energy([0.5], [0.2]), abs=1e-12)
    samples = by_costs.sample([0.5], [0.2], shots=50, rng=np.random.default_rng(0))
    np.testing.assert_allclose(samples.energies, form.energies(samples.values), atol=1e-12)


def sherrington(n: int, seed: int) -> Ising:
    """Normal couplings between all spins, and no fields."""
    couplings = np.triu(np.random.default_rng(seed).normal(size=(n, n)), 1)
    return Ising(np.zeros(n), couplings, 0.5)


@pytest.mark.parametrize("form", [regular(16, 3), sherrington(15, 1)], ids=["regular", "dense"])
def test_half_of_a_symmetric_form_stands_for_the_whole(form: Ising) -> None:
    whole = Qaoa(form.energies(every_state(form.variables)) + 1e-9 * np.arange(2**form.variables))
    half = Qaoa(form, precision="double")
    angles = np.random.default_rng(5).uniform(-1, 1, (2, 3))
    np.testing.assert_allclose(half.probabilities(*angles), whole.probabilities(*angles), atol=1e-6)
    for a, b in zip(
        half.energy_and_gradient(*angles), whole.energy_and_gradient(*angles), strict=True
    ):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), atol=2e-3)
    drawn = half.sample(*angles, shots=2000, rng=np.random.default_rng(1))
    upper = drawn.occurrences[drawn.values[:, -1] < 0].sum()
    assert 850 < upper < 1150


def every_state(n: int) -> np.ndarray:
    return 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1).astype(np.int8)


@pytest.mark.parametrize("scale", [1.0, 0.3, 1 / 7])
def test_weights_on_a_lattice_cost_the_same_as_in_full(scale: float) -> None:
    rng = np.random.default_rng(2)
    couplings = np.triu(rng.integers(-1, 2, (14, 14)) * (rng.random((14, 14)) < 0.3), 1)
    form = Ising(rng.integers(-1, 2, 14) * scale, couplings * scale, 0.1)
    costs = form.energies(every_state(14)) * (1 + 1e-9 * rng.random(2**14))
    angles = rng.uniform(-2, 2, (2, 4))
    tabled, full = Qaoa(form, precision="double"), Qaoa(costs, precision="double")
    for a, b in zip(
        tabled.energy_and_gradient(*angles), full.energy_and_gradient(*angles), strict=True
    ):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), atol=1e-6)


@pytest.mark.parametrize("mixer", ["x", "xy-ring"])
def test_cvar_is_the_mean_of_the_best_share(mixer: Mixer) -> None:
    quotas = () if mixer == "x" else (Quota(tuple(range(8)), 3),)
    form = random_ising(8, 4, quotas)
    simulator = Qaoa(form, precision="double", mixer=mixer)
    angles = [0.3, -0.2], [0.4, 0.1]
    weights = simulator.probabilities(*angles)
    costs = form.energies(1 - 2 * simulator.subspace.bits(np.arange(weights.size)).astype(np.int8))
    order = np.argsort(costs)
    rest, total = 0.2, 0.0
    for index in order:
        total += costs[index] * min(rest, weights[index])
        rest -= min(rest, weights[index])
    assert simulator.cvar(*angles, 0.2) == pytest.approx(total / 0.2, abs=1e-9)
    assert simulator.cvar(*angles, 1.0) == pytest.approx(simulator.energy(*angles), abs=1e-9)
    with pytest.raises(InputError, match="alpha"):
        simulator.cvar(*angles, 0.0)


def test_cvar_of_a_symmetric_form_counts_both_halves() -> None:
    form = regular(10, 1)
    simulator = Qaoa(form, precision="double")
    weights = simulator.probabilities([0.4], [0.3])
    costs = form.energies(every_state(10))
    order = np.argsort(costs, kind="stable")
    taken = np.clip(0.1 - (np.cumsum(weights[order]) - weights[order]), 0, weights[order])
    assert simulator.cvar([0.4], [0.3], 0.1) == pytest.approx(costs[order] @ taken / 0.1)


@pytest.mark.slow
def test_twenty_six_qubits_in_three_groups_add_up() -> None:
    rng = np.random.default_rng(1)
    fields, angles = rng.integers(1, 3, 26) * 0.5, rng.uniform(-1, 1, (2, 2))
    found = Qaoa(Ising(fields, np.zeros((26, 26)))).energy_and_gradient(*angles)
    alone = [Qaoa(Ising(fields[i : i + 1], np.zeros((1, 1)))) for i in range(26)]
    each = [circuit.energy_and_gradient(*angles) for circuit in alone]
    for k in range(3):
        summed = np.sum([np.asarray(part[k]) for part in each], axis=0)
        np.testing.assert_allclose(found[k], summed, atol=1e-3)


def test_no_layers_leave_equal_amplitudes() -> None:
    simulator = Qaoa(random_qubo(3, 0), precision="double")
    np.testing.assert_allclose(simulator.probabilities([], []), 1 / 8)


def test_one_hot_codes_hold_only_their_own_states() -> None:
    quotas = tuple(Quota(tuple(range(5 * k, 5 * k + 5)), 1) for k in range(6))
    simulator = Qaoa(random_qubo(30, 2, quotas), mixer="xy-complete")
    assert simulator.subspace.size == 5**6
    assert simulator.probabilities([0.2, 0.1], [-0.3, -0.2]).sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("form", "settings", "message"),
    [
        (Ising(np.ones(41), np.zeros((41, 41))), {}, r"2\*\*40 amplitudes held.* need .* GiB"),
        (np.zeros(6), {}, "2\\*\\*n entries"),
        (np.array([1.0, np.nan]), {}, "finite"),
        (np.zeros(4), {"mixer": "xy-ring"}, "quotas"),
        (random_qubo(3, 0), {"mixer": "xy-complete"}, "needs a form with quotas"),
        (random_qubo(3, 0), {"mixer": "y"}, "mixer"),
        (random_qubo(3, 0), {"threads": 0}, "threads"),
        (Ising([1e39, 0.0], np.zeros((2, 2))), {}, "1e\\+39 do not fit single .* or double"),
        (Qubo([[1e-42]]), {}, "1e-42 do not fit single"),
        (np.array([-1e308, 1e308]), {"precision": "double"}, "do not fit double"),
        (random_qubo(3, 0), {"mixer": "warm"}, "needs a start"),
        (random_qubo(3, 0), {"start": [0.5] * 3}, "needs a start"),
    ],
)
def test_what_cannot_be_simulated_is_refused(
    form: Any, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        Qaoa(form, **settings)


def test_a_warm_start_of_halves_is_the_usual_circuit() -> None:
    form = random_ising(9, 3)
    angles = np.random.default_rng(1).uniform(-1, 1, (2, 2))
    warm = Qaoa(form, precision="double", mixer="warm", start=np.full(9, 0.5))
    usual = Qaoa(form, precision="double")
    assert warm.energy(*angles) == pytest.approx(usual.energy(*angles), abs=1e-10)
    gammas, betas = angles
    assert warm.cvar(gammas, betas, 0.3) == pytest.approx(usual.cvar(gammas, betas, 0.3), abs=1e-9)
    one, other = (q.sample(*angles, shots=50, rng=np.random.default_rng(1)) for q in (warm, usual))
    assert one.energies.tolist() == other.energies.tolist()


def test_angles_must_pair_up() -> None:
    with pytest.raises(InputError, match="one gamma and one beta"):
        Qaoa(random_qubo(3, 0)).energy([0.1, 0.2], [0.1])


@pytest.mark.parametrize("precision", ["single", "double"])
def test_angles_beyond_the_range_of_numbers_are_refused(precision: Any) -> None:
    with pytest.raises(InputError, match=r"angle of 1e\+300 is too large"):
        Qaoa(random_qubo(3, 0), precision=precision).energy([1e300], [0.1])
    with pytest.raises(InputError, match=r"angle of 1e\+300 is too large"):
        Qaoa(random_qubo(3, 0), precision=precision).probabilities([0.1], [1e300])
