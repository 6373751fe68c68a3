"""Targets: which gate sets and maps can be compiled to."""

from __future__ import annotations

import numpy as np
import pytest

from qupel.backends.catalogue.listing import profile_named
from qupel.backends.compiling import Target
from qupel.backends.compiling.target import distances
from qupel.errors import InputError


def test_a_fixed_gate_is_preferred_unless_fractional_ones_are_asked_for() -> None:
    heron = profile_named("ibm-heron-r2")
    assert Target.of(heron).entangler == "cz"
    assert Target.of(heron, fractional=True).entangler == "rzz"


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


def test_distances_are_steps_along_edges() -> None:
    expected = [[0, 1, 2, 4], [1, 0, 1, 4], [2, 1, 0, 4], [4, 4, 4, 0]]
    np.testing.assert_array_equal(distances(4, [(0, 1), (2, 1)]), expected)
