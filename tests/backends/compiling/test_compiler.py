"""The compiler: the same unitary, in native gates, on coupled pairs."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.backends.compiling import Compiled, Target, compile_circuit
from qupel.model import Circuit
from tests.model.circuits import random_circuit
from tests.oracles.compiling import deviation, faults

SEEDS = st.integers(0, 2**32 - 1)
LINE = ((0, 1), (1, 2), (2, 3), (3, 4))
STAR = ((0, 1), (0, 2), (0, 3), (0, 4))
RING = (*LINE, (0, 4))
TURNS = (("rz", "sx"), ("rz", "sx", "x"), ("rz", "rx"), ("rz", "ry"), ("u",))
ENTANGLERS = ("cz", "cx", "ecr", "iswap", "rzz", "rxx")


def check(circuit: Circuit, out: Compiled, target: Target) -> None:
    assert faults(out.circuit, target.gates, target.edges) == []
    assert deviation(circuit, out.circuit, out.start, out.end) < 1e-9


@settings(max_examples=60, deadline=None)
@given(
    SEEDS,
    st.sampled_from((None, LINE, STAR, RING)),
    st.sampled_from(TURNS),
    st.sampled_from(ENTANGLERS),
    st.integers(1, 5),
)
def test_a_compiled_circuit_is_the_same_unitary_in_native_gates_on_coupled_pairs(
    seed: int,
    edges: tuple[tuple[int, int], ...] | None,
    turns: tuple[str, ...],
    entangler: str,
    qubits: int,
) -> None:
    target = Target(5, frozenset({*turns, entangler}), edges)
    circuit = random_circuit(seed, qubits=qubits, gates=16)
    check(circuit, compile_circuit(circuit, target, seed=seed, trials=1), target)
