"""Circuits: what they hold, what they refuse, how they grow, turn back and join."""

from __future__ import annotations

import inspect
import math
import operator
import pickle
from dataclasses import FrozenInstanceError
from time import process_time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.model import Angle, Circuit, Gate
from qupel.model.gates import GATES
from tests.model.circuits import random_circuit
from tests.oracles import circuits as oracle

FEW = settings(max_examples=40, deadline=None)
SEEDS = st.integers(0, 2**32 - 1)


def test_every_gate_of_the_table_has_its_method() -> None:
    for name, kind in GATES.items():
        angles = [0.1 * (k + 1) for k in range(kind.angles)]
        built = getattr(Circuit(3), name)(*angles, *range(kind.qubits))
        assert built.gates == (Gate(name, tuple(range(kind.qubits)), tuple(angles)),)


def test_every_gate_method_says_what_it_does() -> None:
    assert all(inspect.getdoc(getattr(Circuit, name)) for name in GATES)


def test_a_chain_of_methods_equals_a_list_of_gates() -> None:
    chained = Circuit(3).h(0).cx(0, 1).rz(0.3, 2)
    listed = Circuit(3, [Gate("h", (0,)), Gate("cx", (0, 1)), Gate("rz", (2,), (0.3,))])
    assert chained == listed
    assert hash(chained) == hash(listed)


def test_bell_and_ghz_are_what_theory_says() -> None:
    bell = oracle.state(Circuit(2).h(0).cx(0, 1))
    np.testing.assert_allclose(bell, [math.sqrt(0.5), 0, 0, math.sqrt(0.5)], atol=1e-12)
    ghz = oracle.state(Circuit(4).h(0).cx(0, 1).cx(1, 2).cx(2, 3))
    np.testing.assert_allclose(np.flatnonzero(abs(ghz) > 1e-9), [0, 15])


@pytest.mark.parametrize(
    ("qubits", "gate", "said"),
    [
        (2, Gate("hadamard", (0,)), "unknown gate 'hadamard'"),
        (2, Gate("h", (2,)), r"gate 1 \('h'\): there is no qubit 2; there are qubits 0 to 1"),
        (2, Gate("h", (-1,)), "there is no qubit -1"),
        (2, Gate("h", (0.0,)), "there is no qubit 0.0"),  # type: ignore[arg-type]
        (2, Gate("h", (True,)), "there is no qubit True"),
        (2, Gate("cx", (0,)), r"acts on 2 qubits, got \(0\)"),
        (2, Gate("cx", (1, 1)), "needs different qubits"),
        (2, Gate("rx", (0,)), "takes 1 angles, got 0"),
        (2, Gate("h", (0,), (0.5,)), "takes 0 angles, got 1"),
        (2, Gate("rx", (0,), (math.nan,)), "finite number of radians, got nan"),
        (2, Gate("rx", (0,), ("pi",)), "finite number of radians, got 'pi'"),  # type: ignore[arg-type]
        (2, Gate("rx", (0,), (Angle(0),)), "parameter 0, but the circuit names 0"),
    ],
)
def test_a_gate_that_does_not_fit_is_refused_by_place(qubits: int, gate: Gate, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Circuit(qubits, [Gate("x", (0,)), gate])
    with pytest.raises(InputError, match=said):
        Circuit(qubits).x(0).then(gate)


def test_lists_become_tuples_so_that_circuits_can_be_hashed() -> None:
    listed = Gate("rx", [1], [0.5])  # type: ignore[arg-type]
    assert hash(Circuit(2, [listed])) == hash(Circuit(2).rx(0.5, 1))


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        (("h", 0), r"gate 0 is \('h', 0\); write Gate"),
        (Gate("h", 0), "qubits and angles are tuples, got 0"),  # type: ignore[arg-type]
        (Gate("rx", (0,), 0.5), "qubits and angles are tuples, got 0.5"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_gate_is_refused_with_an_example(gate: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Circuit(2, [gate])


def test_sizes_and_single_names_may_be_given_loosely() -> None:
    assert Circuit(np.int64(2)) == Circuit(2)  # type: ignore[arg-type]
    assert Circuit(1, parameter_names="theta").parameter_names == ("theta",)


@pytest.mark.parametrize("qubits", [0, -1, 2.0, True, "3"])
def test_a_circuit_needs_a_whole_number_of_qubits(qubits: int) -> None:
    with pytest.raises(InputError, match="qubits must be a whole number of at least 1"):
        Circuit(qubits)


def test_numpy_numbers_become_plain_ones() -> None:
    [gate] = Circuit(3).rx(np.float32(0.5), np.int64(2)).gates  # type: ignore[arg-type]
    assert (type(gate.qubits[0]), type(gate.angles[0])) == (int, float)


@pytest.mark.parametrize(
    ("measured", "said"),
    [((0, 0), "measured once"), ((5,), "no qubit 5"), ((), "at least one")],
)
def test_a_measurement_that_does_not_fit_is_refused(measured: tuple[int, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Circuit(2, measured=measured)


def test_measuring_none_by_name_measures_all() -> None:
    assert Circuit(3).h(0).measure().measured == (0, 1, 2)
    assert Circuit(3).measure(2, 0).measured == (2, 0)


def test_no_gate_follows_a_measurement() -> None:
    with pytest.raises(InputError, match="measure last"):
        Circuit(2).measure(0).h(0)
    with pytest.raises(InputError, match="measure last"):
        Circuit(2).measure(0).compose(Circuit(2))


def test_a_circuit_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Circuit(2).qubits = 3  # type: ignore[misc]


@FEW
@given(SEEDS)
def test_a_circuit_survives_pickling(seed: int) -> None:
    circuit = random_circuit(seed, parameters=2)
    assert pickle.loads(pickle.dumps(circuit)) == circuit  # noqa: S301


@FEW
@given(SEEDS)
def test_the_inverse_undoes_the_circuit(seed: int) -> None:
    circuit = random_circuit(seed)
    back = oracle.unitary(circuit.compose(circuit.inverse()))
    np.testing.assert_allclose(back, np.eye(2**circuit.qubits), atol=1e-9)


def test_a_measured_circuit_has_no_inverse() -> None:
    with pytest.raises(InputError, match="cannot be undone"):
        Circuit(1).measure().inverse()


@FEW
@given(SEEDS, st.lists(st.floats(-3, 3), min_size=3, max_size=3))
def test_binding_puts_every_angle_on_its_line(seed: int, values: list[float]) -> None:
    circuit = random_circuit(seed, parameters=3)
    bound = circuit.bind(values)
    assert bound.parameter_names == ()
    for before, after in zip(circuit.gates, bound.gates, strict=True):
        for old, new in zip(before.angles, after.angles, strict=True):
            if isinstance(old, Angle):
                assert new == old.factor * values[old.parameter] + old.shift
            else:
                assert new == old


@pytest.mark.parametrize("values", [[], [1.0, 2.0], [math.inf]])
def test_binding_needs_one_finite_value_a_parameter(values: list[float]) -> None:
    with pytest.raises(InputError, match=r"2 values|0 values|finite"):
        Circuit(1, parameter_names=["a"]).rx(Angle(0), 0).bind(values)


def test_angles_of_a_parameter_are_moved_and_scaled() -> None:
    a = Angle(0)
    assert (2 * a + 0.5) / 2 - 1 == Angle(0, 1.0, -0.75)
    assert 1 + -a == Angle(0, -1.0, 1.0)


def test_two_parameters_cannot_share_a_name() -> None:
    with pytest.raises(InputError, match="2 parameters are called 'a'"):
        Circuit(1, parameter_names=["a", "a"])


@FEW
@given(SEEDS, SEEDS)
def test_composing_multiplies_unitaries(first: int, second: int) -> None:
    a, b = random_circuit(first, qubits=3), random_circuit(second, qubits=3)
    expected = oracle.unitary(b) @ oracle.unitary(a)
    np.testing.assert_allclose(oracle.unitary(a.compose(b)), expected, atol=1e-10)


def test_composing_moves_qubits_measurements_and_parameters() -> None:
    outer = Circuit(3, parameter_names=["a"]).rx(Angle(0), 0)
    inner = Circuit(2, parameter_names=["b", "a"]).ry(Angle(0), 0).rz(Angle(1), 1).measure(1)
    joined = outer.compose(inner, qubits=[2, 1])
    assert joined.gates[1:] == (Gate("ry", (2,), (Angle(1),)), Gate("rz", (1,), (Angle(0),)))
    assert (joined.measured, joined.parameter_names) == ((1,), ("a", "b"))


def test_a_circuit_goes_onto_as_many_different_qubits() -> None:
    for onto in ([0], [0, 0]):
        with pytest.raises(InputError, match="onto as many different ones"):
            Circuit(3).compose(Circuit(2), onto)
    with pytest.raises(InputError, match="no qubit 7"):
        Circuit(3).compose(Circuit(1).h(0), [7])


def test_depth_and_counts() -> None:
    circuit = Circuit(4).h(0).h(3).cx(0, 1).ccx(0, 1, 2).rz(0.1, 3)
    assert circuit.depth() == 3
    assert circuit.counts() == {"h": 2, "cx": 1, "ccx": 1, "rz": 1}
    assert circuit.two_qubit_gates() == 1
    assert (len(circuit), Circuit(2).depth()) == (5, 0)


def test_building_gate_by_gate_takes_time_linear_in_the_gates() -> None:
    def seconds(size: int) -> float:
        start, circuit = process_time(), Circuit(2)
        for _ in range(size):
            circuit = circuit.cx(0, 1)
        assert len(circuit.gates) == size
        return process_time() - start

    # Quadratic work would take 256 times as long; this leaves room for a busy machine.
    assert seconds(160_000) < 120 * max(min(seconds(10_000) for _ in range(3)), 0.01)


@pytest.mark.parametrize("combine", [operator.mul, operator.truediv, operator.add, operator.sub])
def test_angles_that_would_follow_two_parameters_are_refused(combine: Any) -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        combine(Angle(0), Angle(1))
