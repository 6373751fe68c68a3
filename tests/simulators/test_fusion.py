from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.model import Angle, Circuit, Gate
from qupel.model.gates import GATES, matrix
from qupel.simulators import fusion

TURNING = sorted(name for name, kind in GATES.items() if kind.angles)


@given(st.sampled_from(TURNING), st.lists(st.floats(-20, 20), min_size=3, max_size=3))
def test_gates_filled_in_together_are_those_of_the_table(name: str, angles: list[float]) -> None:
    row = np.array([angles[: GATES[name].angles]])
    found = fusion.matrices(name, row)[0]
    np.testing.assert_allclose(found, matrix(name, row[0].tolist()).reshape(-1), atol=1e-14)


@given(st.sampled_from(TURNING), st.lists(st.floats(-7, 7), min_size=3, max_size=3), st.data())
def test_derivatives_are_limits_of_differences(
    name: str, angles: list[float], data: st.DataObject
) -> None:
    k = data.draw(st.integers(0, GATES[name].angles - 1))
    row = np.array([angles[: GATES[name].angles]])
    up, down = row.copy(), row.copy()
    up[0, k] += 1e-5
    down[0, k] -= 1e-5
    expected = (fusion.matrices(name, up) - fusion.matrices(name, down)) / 2e-5
    np.testing.assert_allclose(fusion.derivatives(name, row, k), expected, atol=1e-9)


def test_every_matrix_is_in_its_place() -> None:
    names = sorted(GATES)
    angles = {name: [0.3 + k for k in range(GATES[name].angles)] for name in names}
    circuit = Circuit(
        3, [Gate(name, (2, 0, 1)[: GATES[name].qubits], tuple(angles[name])) for name in names]
    )
    laid = fusion.gate_list(circuit)
    expected = np.concatenate([matrix(name, angles[name]).reshape(-1) for name in names])
    np.testing.assert_allclose(laid.matrices, expected, atol=1e-14)
    np.testing.assert_array_equal(np.diff(laid.starts), [GATES[name].qubits for name in names])


def test_parameters_turn_the_angles_that_follow_them() -> None:
    circuit = Circuit(1, parameter_names=("a", "b"))
    circuit = circuit.rx(Angle(1, 2.0, 0.5), 0).u(Angle(0), 0.1, Angle(1, -1.0), 0)
    found = fusion.gate_list(circuit, [0.3, 0.7]).matrices
    expected = [matrix("rx", [1.9]).reshape(-1), matrix("u", [0.3, 0.1, -0.7]).reshape(-1)]
    np.testing.assert_allclose(found, np.concatenate(expected), atol=1e-14)


def test_only_gates_that_are_diagonal_at_every_angle_count_as_diagonal() -> None:
    names = ("rx", "rz", "p", "cp", "crz", "cry", "rzz", "rxx", "z", "x")
    gates = [Gate(n, tuple(range(GATES[n].qubits)), (0.0,) * GATES[n].angles) for n in names]
    flags = fusion.laid_out(Circuit(2, gates)).diagonal
    assert flags.tolist() == [0, 1, 1, 1, 1, 0, 1, 0, 1, 0]


def test_exact_zeros_stay_exact_so_that_real_gates_are_known_as_real() -> None:
    circuit = Circuit(1).ry(0.3, 0).rx(0.4, 0)
    ry, rx = fusion.gate_list(circuit).matrices.reshape(2, 2, 2)
    assert not ry.imag.any()
    assert not rx.diagonal().imag.any()


@pytest.mark.parametrize("values", [[], [0.1, 0.2], [np.nan]])
def test_parameters_that_do_not_fit_are_refused(values: list[float]) -> None:
    circuit = Circuit(1, parameter_names=("a",)).rx(Angle(0), 0)
    with pytest.raises(InputError, match="1 parameters"):
        fusion.gate_list(circuit, values)


def test_passes_are_told() -> None:
    walks = fusion.passes(Circuit(2).h(0).cx(0, 1))
    assert len(walks) == 1
