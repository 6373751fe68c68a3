from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.model import Circuit, Gate, PauliSum
from qupel.simulators import StateVector
from tests.model.circuits import random_circuit
from tests.oracles import circuits as oracle


def fourier(n: int) -> Circuit:
    gates = []
    for q in reversed(range(n)):
        gates.append(Gate("h", (q,)))
        gates += [Gate("cp", (j, q), (np.pi / 2 ** (q - j),)) for j in range(q)]
    gates += [Gate("swap", (q, n - 1 - q)) for q in range(n // 2)]
    return Circuit(n, gates)


def test_bell_pairs_agree() -> None:
    bell = Circuit(2).h(0).cx(0, 1)
    np.testing.assert_allclose(StateVector().run(bell), np.array([1, 0, 0, 1]) / np.sqrt(2))


@pytest.mark.parametrize("n", [3, 10, 17])
def test_ghz_states_are_all_zeros_or_all_ones(n: int) -> None:
    ghz = Circuit(n, [Gate("h", (0,)), *(Gate("cx", (q, q + 1)) for q in range(n - 1))])
    weights = StateVector().probabilities(ghz)
    assert weights[0] == pytest.approx(0.5)
    assert weights[-1] == pytest.approx(0.5)
    parity = PauliSum.of({"X" * n: 1.0})
    assert StateVector().expectation(ghz, parity) == pytest.approx(1.0)


@pytest.mark.parametrize("n", [2, 5, 13])
def test_the_fourier_transform_of_one_basis_state_is_a_wave(n: int) -> None:
    k = 3 % 2**n
    initial = np.zeros(2**n)
    initial[k] = 1
    found = StateVector().run(fourier(n), initial=initial)
    wave = np.exp(2j * np.pi * k * np.arange(2**n) / 2**n) / 2 ** (n / 2)
    np.testing.assert_allclose(found, wave, atol=1e-13)


@pytest.mark.parametrize("n", range(1, 21))
def test_x_on_qubit_k_sets_bit_k(n: int) -> None:
    for k in range(n):
        state = StateVector("single").run(Circuit(n).x(k))
        assert state[1 << k] == 1
        assert np.count_nonzero(state) == 1


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_random_circuits_agree_with_dense_matrices(seed: int) -> None:
    circuit = random_circuit(seed, qubits=seed % 6 + 1, gates=20)
    expected = oracle.state(circuit)
    np.testing.assert_allclose(StateVector().run(circuit), expected, atol=1e-13)
    np.testing.assert_allclose(StateVector("single").run(circuit), expected, atol=3e-6)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_expectations_agree_with_dense_matrices(seed: int) -> None:
    rng = np.random.default_rng(seed)
    circuit = random_circuit(seed, qubits=seed % 5 + 1, gates=12)
    terms = [("".join(rng.choice(list("IXYZ"), circuit.qubits)), rng.normal()) for _ in range(9)]
    dense = oracle.observable(terms)
    found = StateVector().expectation(circuit, PauliSum.of(terms))
    assert found == pytest.approx(oracle.expectation(oracle.state(circuit), dense), abs=1e-12)


def test_an_initial_state_is_not_changed() -> None:
    initial = np.array([0, 1], np.complex128)
    StateVector().run(Circuit(1).x(0), initial=initial)
    np.testing.assert_array_equal(initial, [0, 1])


def test_probabilities_follow_the_order_of_measurement() -> None:
    circuit = Circuit(3).x(0).ry(1.0, 2).measure(2, 0)
    chance = np.sin(0.5) ** 2
    found = StateVector().probabilities(circuit)
    np.testing.assert_allclose(found, [0, 0, 1 - chance, chance], atol=1e-14)


def test_shots_follow_the_order_of_measurement() -> None:
    circuit = Circuit(3).x(0).measure(2, 0)
    counts = StateVector().sample(circuit, 10, np.random.default_rng(0))
    assert counts.to_dict() == {"10": 10}


def test_shots_spread_as_the_probabilities_say() -> None:
    circuit = random_circuit(5, qubits=4, gates=30)
    weights = StateVector().probabilities(circuit)
    counts = StateVector().sample(circuit, 20_000, np.random.default_rng(1))
    share = np.zeros(16)
    share[counts.outcomes] = counts.occurrences / 20_000
    assert np.abs(share - weights).max() < 4 * np.sqrt(0.25 / 20_000)


def test_equal_generators_give_equal_shots_on_any_number_of_threads() -> None:
    circuit = random_circuit(6, qubits=16, gates=60)
    one, two = (
        StateVector("single", threads).sample(circuit, 500, np.random.default_rng(2))
        for threads in (1, 2)
    )
    assert one.to_dict() == two.to_dict()


def test_a_state_too_large_is_refused_with_its_size() -> None:
    with pytest.raises(
        InputError, match=r"45 qubits in double precision need 524,288.0 GiB, and .* free"
    ):
        StateVector().run(Circuit(45))


def test_an_observable_on_other_qubits_is_refused() -> None:
    with pytest.raises(InputError, match="on 1 qubits and the circuit on 2"):
        StateVector().expectation(Circuit(2), PauliSum.of({"Z": 1.0}))


def test_an_observable_that_is_not_hermitian_is_refused() -> None:
    with pytest.raises(InputError, match="real coefficients"):
        StateVector().expectation(Circuit(1), PauliSum.of({"Z": 1j}))


def test_imaginary_parts_that_cancel_are_no_matter() -> None:
    both = PauliSum(1, [[0], [0], [0]], [[1], [1], [1]], [1j, -1j, 2.0])
    assert StateVector().expectation(Circuit(1), both) == pytest.approx(2.0)


@pytest.mark.parametrize(
    "make",
    [lambda: StateVector("half"), lambda: StateVector(threads=0)],  # type: ignore[arg-type]
)
def test_settings_that_cannot_be_are_refused(make: object) -> None:
    with pytest.raises(InputError, match="must be"):
        make()  # type: ignore[operator]


def test_no_shots_are_refused() -> None:
    with pytest.raises(InputError, match="at least 1"):
        StateVector().sample(Circuit(1), 0, np.random.default_rng(0))


def test_an_initial_state_of_another_size_is_refused() -> None:
    with pytest.raises(InputError, match="4 amplitudes"):
        StateVector().run(Circuit(2), initial=[1, 0])


@pytest.mark.parametrize("initial", [[1.0, 1.0], [np.nan, 0.0]])
def test_an_initial_state_that_is_not_normalised_is_refused(initial: list[float]) -> None:
    with pytest.raises(InputError, match="an initial state has norm 1"):
        StateVector().run(Circuit(1).x(0), initial=initial)
