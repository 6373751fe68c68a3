"""Compiling with Qiskit: the same result as ours, and the same proofs."""

from __future__ import annotations

import builtins
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.backends.catalogue.listing import profile_named
from qupel.backends.compiling import Target, compile_with_qiskit
from qupel.errors import InputError
from qupel.model import Circuit
from tests.model.circuits import random_circuit
from tests.oracles.compiling import deviation, faults

pytest.importorskip("qiskit")
LINE = ((0, 1), (1, 2), (2, 3), (3, 4))
GATES = frozenset({"rz", "sx", "x", "cz"})


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from((None, LINE)), st.integers(0, 3))
def test_qiskit_compiles_to_the_same_unitary(
    seed: int, edges: tuple[tuple[int, int], ...] | None, level: int
) -> None:
    circuit = random_circuit(seed, qubits=4, gates=10)
    target = Target(5, GATES, edges)
    out = compile_with_qiskit(circuit, target, level=level, seed=1)
    assert faults(out.circuit, target.gates, edges) == []
    assert deviation(circuit, out.circuit, out.start, out.end) < 1e-9


def test_readings_keep_their_order() -> None:
    circuit = Circuit(3).h(0).cx(0, 1).cx(0, 2).cx(1, 2).measure(2, 0)
    out = compile_with_qiskit(circuit, profile_named("ibm-eagle-r3"), level=1)
    assert out.circuit.measured == (out.end[2], out.end[0])
    assert out.circuit.qubits == 127


def test_levels_are_qiskits() -> None:
    with pytest.raises(InputError, match=r"level must be 0, 1, 2 or 3, got 4"):
        compile_with_qiskit(Circuit(1).h(0), Target(1, GATES), level=4)


def test_without_qiskit_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.split(".")[0] == "qiskit":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r'pip install "qupel\[qiskit\]"'):
        compile_with_qiskit(Circuit(1).h(0), Target(1, GATES))
