"""Closed forms of the surface code, beside values worked out by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qupel.backends.advice.fault_tolerant import fault_tolerant
from qupel.backends.advice.logical import LogicalCounts
from qupel.backends.advice.surface_code import Factory, SurfaceCode
from qupel.backends.catalogue.listing import profile_named
from qupel.errors import InputError, RefusedError
from qupel.model import Angle, Circuit

#: 100 qubits, 10,000 T gates, 1,000 rotations in 500 layers, 200 Toffolis, 100 readings.
COUNTS = LogicalCounts(100, 10_000, 1000, 500, 200, 100)
CODE = SurfaceCode(error=1e-3, cycle_seconds=400e-9)
ERRORS = st.floats(1e-6, 5e-3)


def test_an_estimate_follows_the_equations_by_hand() -> None:
    found = fault_tolerant(COUNTS, CODE, budget=1e-3)
    assert found.logical_qubits == 230  # 2 * 100 + ceil(sqrt(800)) + 1
    assert found.t_per_rotation == 17  # ceil(0.53 * log2(1000 / (1e-3 / 3)) + 5.3)
    assert found.t_states == 27_800  # 10,000 + 4 * 200 + 17 * 1000
    assert found.steps == 20_200  # 100 + 1000 + 10,000 + 3 * 200 + 17 * 500
    # 0.03 * 0.1^((d + 1) / 2) <= 1e-3 / 3 / (230 * 20,200) = 7.17e-11 first at d = 17
    assert found.distance == 17
    assert found.data_qubits == 230 * 2 * 17**2
    assert found.seconds == pytest.approx(20_200 * 17 * 400e-9)


def test_a_factory_follows_its_rule_by_hand() -> None:
    found = Factory.of(CODE, 1.2e-8)
    # Last round: 0.03 * 0.1^((d + 1) / 2) <= 1.2e-8 / 2 / 121 first at d = 17; the round before
    # may err by (1.2e-8 / 2 / 35)^(1/3) = 5.6e-4, less than 1e-3, and is at d = 9.
    assert found.distances == (9, 17)
    assert found.units == (8, 1)  # ceil(15 * 9 / 17)
    assert found.qubits == 8 * 11 * 2 * 81 + 11 * 2 * 289
    assert found.cycles == 11 * 17
    first = 35 * 1e-9 + 121 * 0.03 * 0.1**5
    assert found.error == pytest.approx(35 * first**3 + 121 * 0.03 * 0.1**9)


def test_raw_states_that_are_good_enough_need_no_factory() -> None:
    assert Factory.of(CODE, 2e-3).qubits == 0


def test_a_circuit_of_clifford_gates_needs_no_t_states() -> None:
    found = fault_tolerant(Circuit(3).h(0).cx(0, 1).s(1).cz(1, 2).measure(), CODE)
    assert (found.t_states, found.factories, found.factory_qubits) == (0, 0, 0)
    assert found.steps == 3


@pytest.mark.parametrize(
    ("circuit", "t_gates", "rotations", "depth", "toffolis"),
    [
        (Circuit(1).t(0).tdg(0), 2, 0, 0, 0),
        (Circuit(1).rz(math.pi / 4, 0).p(-3 * math.pi / 4, 0), 2, 0, 0, 0),
        (Circuit(1).rx(math.pi, 0).ry(-math.pi / 2, 0), 0, 0, 0, 0),
        (Circuit(1).rz(0.1, 0).rx(0.2, 0), 0, 2, 2, 0),
        (Circuit(2).rz(0.1, 0).rx(0.2, 1), 0, 2, 1, 0),
        (Circuit(2).rzz(0.1, 0, 1).rz(0.2, 1), 0, 2, 2, 0),
        (Circuit(2).cp(0.3, 0, 1), 0, 3, 1, 0),
        (Circuit(2).cp(math.pi / 2, 0, 1), 3, 0, 0, 0),
        (Circuit(2).cp(math.pi, 0, 1), 0, 0, 0, 0),
        (Circuit(2).ch(0, 1), 2, 0, 0, 0),
        (Circuit(1).u(0.1, 0.2, 0.3, 0), 0, 3, 3, 0),
        (Circuit(2).crz(0.3, 0, 1), 0, 2, 1, 0),
        (Circuit(3).ccx(0, 1, 2).ccz(0, 1, 2).cswap(0, 1, 2), 0, 0, 0, 3),
    ],
)
def test_operations_of_a_circuit_are_counted(
    circuit: Circuit, t_gates: int, rotations: int, depth: int, toffolis: int
) -> None:
    found = LogicalCounts.of(circuit)
    assert (found.t_gates, found.rotations, found.rotation_depth, found.toffolis) == (
        t_gates, rotations, depth, toffolis,
    )  # fmt: skip


@given(ERRORS, st.floats(1e-18, 1e-4))
def test_the_distance_is_the_smallest_that_does(error: float, wanted: float) -> None:
    code = SurfaceCode(error)
    distance = code.distance(wanted)
    assert distance % 2 == 1
    assert 0.03 * (error / 0.01) ** ((distance + 1) / 2) <= wanted
    assert distance == 3 or 0.03 * (error / 0.01) ** ((distance - 1) / 2) > wanted


@given(ERRORS, st.floats(1e-9, 0.1), st.floats(1.5, 1000))
def test_a_smaller_budget_never_takes_less(error: float, budget: float, factor: float) -> None:
    more = fault_tolerant(COUNTS, SurfaceCode(error), budget=budget)
    less = fault_tolerant(COUNTS, SurfaceCode(error), budget=budget / factor)
    assert less.distance >= more.distance
    assert less.t_states >= more.t_states
    assert less.seconds >= more.seconds


@given(st.floats(1e-5, 4e-3), st.floats(1.1, 2.0))
def test_better_qubits_never_take_a_greater_distance(error: float, factor: float) -> None:
    worse = fault_tolerant(COUNTS, SurfaceCode(error * factor))
    better = fault_tolerant(COUNTS, SurfaceCode(error))
    assert better.distance <= worse.distance


@given(ERRORS, st.floats(1e-15, 1e-4))
def test_t_states_are_as_good_as_asked(error: float, wanted: float) -> None:
    assert Factory.of(SurfaceCode(error), wanted).error <= wanted


@given(ERRORS, st.integers(1, 10**6), st.integers(1, 300))
def test_the_budget_is_kept(error: float, t_gates: int, qubits: int) -> None:
    found = fault_tolerant(LogicalCounts(qubits, t_gates), SurfaceCode(error), budget=1e-2)
    assert found.logical_qubits * found.steps * found.logical_error <= 1e-2 / 3 * (1 + 1e-9)
    assert found.t_states * found.factory.error <= 1e-2 / 3 * (1 + 1e-9)
    made = found.factories * found.steps * found.distance
    assert made >= found.t_states * found.factory.cycles


def test_errors_above_the_threshold_are_refused_with_numbers() -> None:
    with pytest.raises(RefusedError, match=r"err with chance 0\.013.*less than 0\.01"):
        fault_tolerant(COUNTS, SurfaceCode.of(profile_named("ibm-heron-r2")))


def test_a_device_gives_its_times_and_its_worst_error() -> None:
    heron = profile_named("ibm-heron-r2")
    code = SurfaceCode.of(heron)
    assert heron.times is not None
    assert heron.fidelities is not None
    assert code.cycle_seconds == 4 * heron.times.two_qubit + 2 * heron.times.readout
    assert code.error == pytest.approx(1 - heron.fidelities.readout)
    assert SurfaceCode.of(heron, 1e-4).error == 1e-4


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(InputError, match="budget must lie between 0 and 1"):
        fault_tolerant(COUNTS, CODE, budget=0.0)
    with pytest.raises(InputError, match="bind them"):
        LogicalCounts.of(Circuit(1, parameter_names=("a",)).rx(Angle(0), 0))
    with pytest.raises(InputError, match="error must lie between 0 and 1"):
        SurfaceCode(error=0.0)
    with pytest.raises(InputError, match="no published figures"):
        SurfaceCode.of(profile_named("dwave-advantage"))
    with pytest.raises(InputError, match="layers"):
        LogicalCounts(1, rotations=2)
