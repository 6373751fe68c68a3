from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from qupel.errors import InputError
from qupel.model import Ising
from qupel.simulators.multi_angle import MultiAngleQaoa
from qupel.simulators.warm import WarmState, axes_of, softened
from tests.oracles import qaoa as plain
from tests.simulators.test_qaoa import random_ising, random_qubo

START = np.array([0.25, 0.75, 0.5, 0.1, 0.9])


def test_a_qubit_starts_with_its_probability_of_one() -> None:
    circuit = MultiAngleQaoa(random_ising(5, 0), precision="double", start=START)
    found = circuit.probabilities([], [])
    bits = (np.arange(32)[:, None] >> np.arange(5)) & 1
    np.testing.assert_allclose(found @ bits, START, atol=1e-14)


def test_without_a_phase_the_mixer_leaves_the_start_as_it_is() -> None:
    circuit = MultiAngleQaoa(random_ising(5, 0), precision="double", start=START)
    np.testing.assert_allclose(
        circuit.probabilities([0.0, 0.0], [0.7, -1.3]), circuit.probabilities([], []), atol=1e-14
    )


def test_the_start_is_the_highest_state_of_the_mixer() -> None:
    for theta in axes_of(START, 5):
        x, z = np.sin(theta), np.cos(theta)
        qubit = np.array([np.cos(theta / 2), np.sin(theta / 2)])
        np.testing.assert_allclose(np.array([[z, x], [x, -z]]) @ qubit, qubit, atol=1e-15)


def test_a_sure_start_never_moves() -> None:
    form = Ising(np.ones(3), np.ones((3, 3)) - np.tri(3), 0.0)
    circuit = MultiAngleQaoa(form, precision="double", start=[1.0, 0.0, 1.0])
    assert circuit.energy([0.4], [0.3]) == pytest.approx(form.energies(np.array([[-1, 1, -1]]))[0])


def test_one_half_is_exactly_the_usual_axis() -> None:
    np.testing.assert_array_equal(axes_of(np.full(4, 0.5), 4), np.pi / 2)


def test_values_are_kept_off_zero_and_one() -> None:
    np.testing.assert_array_equal(softened([0, 1, 0.4]), [0.25, 0.75, 0.4])
    np.testing.assert_array_equal(softened([0, 1], 0.1), [0.1, 0.9])


@pytest.mark.parametrize("kind", ["ising", "qubo", "costs"])
def test_a_warm_state_does_what_the_multi_angle_circuit_does(kind: str) -> None:
    form: Any = random_ising(5, 3) if kind == "ising" else random_qubo(5, 3)
    circuit = MultiAngleQaoa(form, precision="double", start=START)
    angles = np.array([0.3, -0.2]), np.array([-0.5, 0.9])
    state = WarmState(plain.costs(form) if kind == "costs" else form, START, np.float64, threads=1)
    found: Any
    expected: Any
    for found, expected in zip(
        state.gradient(*angles), circuit.energy_and_gradient(*angles), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=1e-10)
    assert state.energy(*angles) == pytest.approx(circuit.energy(*angles), abs=1e-10)
    np.testing.assert_allclose(
        state.probabilities(*angles), circuit.probabilities(*angles), atol=1e-13
    )
    np.testing.assert_allclose(state.costs(), plain.costs(form), atol=1e-12)
    assert state.spread == pytest.approx(plain.costs(form).std())
    shares = np.linspace(0.01, 0.99, 7)
    sums = np.cumsum(state.probabilities(*angles))
    np.testing.assert_array_equal(state.draw(*angles, shares), np.searchsorted(sums, shares))


@pytest.mark.parametrize(
    ("start", "message"),
    [([0.5], "one probability a variable"), ([0.5, 1.5], "0 to 1"), ([0.5, np.nan], "0 to 1")],
)
def test_starts_that_cannot_be_are_refused(start: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        axes_of(start, 2)


def test_an_epsilon_above_one_half_is_refused() -> None:
    with pytest.raises(InputError, match="epsilon"):
        softened([0.5], 0.6)
