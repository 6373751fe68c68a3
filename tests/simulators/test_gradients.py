from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.model import Angle, Circuit, Gate, PauliSum
from qupel.model.gates import GATES
from qupel.simulators import (
    StateVector,
    adjoint_gradient,
    estimate,
    gradients,
    parameter_shift,
)
from tests.model.circuits import random_circuit

TURNING = sorted(name for name, kind in GATES.items() if kind.angles)


def observable(seed: int, n: int, terms: int = 8) -> PauliSum:
    rng = np.random.default_rng(seed)
    names = ["".join(rng.choice(list("IXYZ"), n)) for _ in range(terms)]
    return PauliSum.of(list(zip(names, rng.normal(size=terms).tolist(), strict=True)))


def differences(value: Callable[[np.ndarray], float], at: np.ndarray) -> np.ndarray:
    """Central differences of eighth order, good to 1e-11."""
    weights, step = (4 / 5, -1 / 5, 4 / 105, -1 / 280), 0.02
    out = np.zeros(at.size)
    for i in range(at.size):
        for k, weight in enumerate(weights, 1):
            shift = np.zeros(at.size)
            shift[i] = k * step
            out[i] += weight * (value(at + shift) - value(at - shift)) / step
    return out


def two_qubit(name: str) -> Circuit:
    """The gate between others, every angle following a parameter of its own."""
    kind = GATES[name]
    names = tuple(f"a{k}" for k in range(kind.angles))
    circuit = Circuit(2, parameter_names=names).h(0).ry(0.4, 1).cx(0, 1).t(0).rx(0.3, 0)
    angles = tuple(Angle(k, 1.5, 0.2) for k in range(kind.angles))
    return circuit.then(Gate(name, (1, 0)[: kind.qubits], angles)).ry(0.7, 0).cx(1, 0)


@pytest.mark.parametrize("name", TURNING)
def test_every_gate_with_angles_has_its_slopes_right(name: str) -> None:
    circuit, sum_ = two_qubit(name), observable(1, 2)
    at = np.linspace(0.3, 1.1, GATES[name].angles)
    expected = differences(lambda p: StateVector().expectation(circuit, sum_, p), at)
    value, slopes = adjoint_gradient(circuit, sum_, at)
    assert value == pytest.approx(StateVector().expectation(circuit, sum_, at), abs=1e-13)
    np.testing.assert_allclose(slopes, expected, atol=1e-9)
    shifted = parameter_shift(circuit, at, lambda bound: StateVector().expectation(bound, sum_))
    np.testing.assert_allclose(slopes, shifted.values, atol=1e-10)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_the_adjoint_gradient_agrees_with_shifted_angles_to_1e_10(seed: int) -> None:
    n = seed % 5 + 1
    circuit = random_circuit(seed, qubits=n, gates=25, parameters=4)
    sum_, at = observable(seed, n), np.random.default_rng(seed).normal(size=4)
    _, slopes = adjoint_gradient(circuit, sum_, at)
    exact = parameter_shift(circuit, at, lambda bound: StateVector().expectation(bound, sum_))
    np.testing.assert_allclose(slopes, exact.values, atol=1e-10)


def test_angles_of_zero_have_slopes() -> None:
    circuit = Circuit(2, parameter_names=("a", "b")).h(0).rx(Angle(0), 1).crx(Angle(1), 0, 1)
    sum_ = PauliSum.of({"YI": 1.0, "YZ": 0.5})
    _, slopes = adjoint_gradient(circuit, sum_, [0.0, 0.0])
    expected = differences(lambda p: StateVector().expectation(circuit, sum_, p), np.zeros(2))
    np.testing.assert_allclose(slopes, expected, atol=1e-10)
    assert np.abs(slopes).min() > 0.1


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_bit_of_a_gradient(threads: int) -> None:
    circuit = random_circuit(3, qubits=15, gates=120, parameters=6)
    sum_, at = observable(3, 15, 20), np.linspace(-1, 1, 6)
    one = adjoint_gradient(circuit, sum_, at, simulator=StateVector(threads=1))
    many = adjoint_gradient(circuit, sum_, at, simulator=StateVector(threads=threads))
    assert one[0] == many[0]
    assert one[1].tobytes() == many[1].tobytes()


def test_single_precision_is_good_to_1e_5() -> None:
    circuit = random_circuit(4, qubits=12, gates=100, parameters=5)
    sum_, at = observable(4, 12, 20), np.linspace(-1, 1, 5)
    value, slopes = adjoint_gradient(circuit, sum_, at)
    rough, rough_slopes = adjoint_gradient(circuit, sum_, at, simulator=StateVector("single"))
    assert rough == pytest.approx(value, abs=1e-5)
    np.testing.assert_allclose(rough_slopes, slopes, atol=1e-5)


def test_large_states_agree_with_differences() -> None:
    circuit = random_circuit(5, qubits=16, gates=80, parameters=2)
    sum_, at = observable(5, 16), np.array([0.3, -0.4])
    _, slopes = adjoint_gradient(circuit, sum_, at)
    expected = differences(lambda p: StateVector().expectation(circuit, sum_, p), at)
    np.testing.assert_allclose(slopes, expected, atol=1e-8)


def test_a_circuit_whose_parameters_turn_nothing_has_slopes_of_zero() -> None:
    _, slopes = adjoint_gradient(Circuit(1, parameter_names=("a",)).h(0), observable(1, 1), [0.4])
    np.testing.assert_array_equal(slopes, [0.0])


def test_shots_carry_their_error_into_the_gradient() -> None:
    circuit = two_qubit("crx")
    sum_, at = observable(2, 2), np.array([0.6])
    rng = np.random.default_rng(5)
    exact = adjoint_gradient(circuit, sum_, at)[1]
    found = parameter_shift(circuit, at, lambda bound: estimate(bound, sum_, 4000, rng=rng))
    assert found.evaluations == 4
    assert 0 < found.standard_errors[0] < 0.2
    assert abs(found.values[0] - exact[0]) < 4 * found.standard_errors[0]


def test_a_gate_without_a_rule_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = {name: rule for name, rule in gradients.RULES.items() if name != "crx"}
    monkeypatch.setattr(gradients, "RULES", rules)
    with pytest.raises(InputError, match="'crx' at place 5 has no parameter-shift rule"):
        parameter_shift(two_qubit("crx"), [0.1], lambda bound: 0.0)


def test_a_gate_without_a_rule_may_stay_as_long_as_it_follows_no_parameter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gradients, "RULES", {"rx": gradients.RULES["rx"]})
    circuit = Circuit(2, parameter_names=("a",)).rx(Angle(0), 0).crx(0.3, 0, 1)
    assert parameter_shift(circuit, [0.1], lambda bound: 0.0).evaluations == 2
