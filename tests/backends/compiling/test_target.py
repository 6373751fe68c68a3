"""Targets: which gate sets and maps can be compiled to."""

from __future__ import annotations

import pytest

from qupel.backends.catalogue.listing import profile_named
from qupel.backends.compiling import Target, compile_circuit
from qupel.backends.compiling.target import largest_part
from qupel.errors import InputError
from qupel.model import Circuit, Gate
from tests.oracles import circuits as oracle


def test_a_fixed_gate_is_preferred_unless_fractional_ones_are_asked_for() -> None:
    heron = profile_named("ibm-heron-r2")
    assert Target.of(heron).entangler == "cz"
    assert Target.of(heron, fractional=True).entangler == "rzz"


def test_rx_is_written_beside_sx_where_gates_of_any_angle_are_asked_for() -> None:
    circuit = Circuit(1, [Gate("u", (0,), (0.3, 0.4, 0.5))])
    gates = frozenset({"rz", "sx", "rx"})
    fixed, free = (
        compile_circuit(circuit, Target(1, gates, fractional=fractional)).circuit
        for fractional in (False, True)
    )
    assert fixed.counts() == {"rz": 3, "sx": 2}
    assert free.counts() == {"rz": 2, "rx": 1}
    assert oracle.same_up_to_phase(oracle.unitary(free), oracle.unitary(circuit), 1e-12)


def test_ways_of_turning_are_found_in_the_gate_set() -> None:
    assert Target(1, frozenset({"rz", "sx", "rx"})).turns == "sx"
    assert Target(1, frozenset({"rz", "rx", "u"})).turns == "rx"
    assert Target(1, frozenset({"u"})).turns == "u"


@pytest.mark.parametrize(
    ("gates", "need"),
    [({"rz", "sx", "swap"}, "one of cz, cx"), ({"cz", "h", "t"}, "rz with sx, rx or ry, or u")],
)
def test_gate_sets_that_do_not_suffice_are_refused(gates: set[str], need: str) -> None:
    with pytest.raises(InputError, match=need):
        Target(2, frozenset(gates))


def test_edges_join_qubits_that_are_there() -> None:
    with pytest.raises(InputError, match=r"edge \(1, 2\) does not join two of 2 qubits"):
        Target(2, frozenset({"u", "cz"}), ((0, 1), (1, 2)))


def test_a_device_without_gates_is_refused() -> None:
    with pytest.raises(InputError, match=r"'dwave-advantage' has no native gates"):
        Target.of(profile_named("dwave-advantage"))


@pytest.mark.parametrize(
    ("edges", "part"),
    [
        ([(0, 1), (4, 3), (2, 3), (4, 5)], (2, 3, 4, 5)),
        ([(3, 2), (0, 1)], (0, 1)),
        ([], (0,)),
    ],
)
def test_the_largest_part_hangs_together(
    edges: list[tuple[int, int]], part: tuple[int, ...]
) -> None:
    assert largest_part(6, edges) == part
