"""The compiler: the same unitary, in native gates, on coupled pairs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.backends.catalogue.lattices import heavy_hex
from qupel.backends.catalogue.listing import profile_named
from qupel.backends.compiling import Compiled, Target, compile_circuit
from qupel.errors import InputError
from qupel.model import Angle, Circuit, Gate
from tests.model.circuits import random_circuit
from tests.oracles import circuits as oracle
from tests.oracles.compiling import deviation, faults

SEEDS = st.integers(0, 2**32 - 1)
Edges = tuple[tuple[int, int], ...]
LINE = ((0, 1), (1, 2), (2, 3), (3, 4))
STAR = ((0, 1), (0, 2), (0, 3), (0, 4))
RING = (*LINE, (0, 4))
TURNS = (("rz", "sx"), ("rz", "sx", "x"), ("rz", "sx", "rx"), ("rz", "rx"), ("rz", "ry"), ("u",))
ENTANGLERS = ("cz", "cx", "ecr", "iswap", "rzz", "rxx")
CZ = frozenset({"rz", "sx", "x", "cz"})


def check(circuit: Circuit, out: Compiled, target: Target) -> None:
    assert faults(out.circuit, target.gates, target.edges) == []
    assert deviation(circuit, out.circuit, out.start, out.end) < 1e-9


@settings(max_examples=80, deadline=None)
@given(
    SEEDS,
    st.sampled_from((None, LINE, STAR, RING)),
    st.sampled_from(TURNS),
    st.sampled_from(ENTANGLERS),
    st.integers(1, 5),
    st.integers(1, 13),
)
def test_a_compiled_circuit_is_the_same_unitary_in_native_gates_on_coupled_pairs(
    seed: int,
    edges: Edges | None,
    turns: tuple[str, ...],
    entangler: str,
    qubits: int,
    trials: int,
) -> None:
    target = Target(5, frozenset({*turns, entangler}), edges, fractional=bool(seed % 2))
    circuit = random_circuit(seed, qubits=qubits, gates=16)
    check(circuit, compile_circuit(circuit, target, seed=seed, trials=trials), target)


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.sampled_from((LINE, STAR, RING)))
def test_qubits_that_no_gate_touched_stay_zero_and_readings_keep_their_order(
    seed: int, edges: Edges
) -> None:
    circuit = random_circuit(seed, qubits=4, gates=14)
    measured = np.random.default_rng(seed).permutation(4)[:3].tolist()
    circuit = circuit.measure(*measured)
    out = compile_circuit(circuit, Target(5, CZ, edges), seed=seed, trials=1)
    chances = marginal(oracle.state(Circuit(4, circuit.gates)), measured)
    assert out.circuit.measured is not None
    found = marginal(oracle.state(Circuit(5, out.circuit.gates)), out.circuit.measured)
    np.testing.assert_allclose(found, chances, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.sampled_from(("cx", "ecr", "cz")))
def test_gates_act_in_the_one_direction_that_a_device_has(seed: int, entangler: str) -> None:
    edges = ((1, 0), (1, 2), (3, 2), (3, 4))
    target = Target(5, frozenset({"rz", "sx", entangler}), edges, directed=True)
    circuit = random_circuit(seed, qubits=4, gates=14)
    out = compile_circuit(circuit, target, seed=seed, trials=1)
    check(circuit, out, target)
    if entangler != "cz":
        assert {g.qubits for g in out.circuit.gates if len(g.qubits) == 2} <= set(edges)


def marginal(state: np.ndarray, measured: tuple[int, ...] | list[int]) -> np.ndarray:
    """Chances of readings, the first measured qubit the lowest bit."""
    out = np.zeros(2 ** len(measured))
    for index, amplitude in enumerate(state):
        out[sum((index >> q & 1) << k for k, q in enumerate(measured))] += abs(amplitude) ** 2
    return out


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_a_disconnected_device_is_used_where_it_hangs_together(seed: int) -> None:
    target = Target(7, CZ, ((0, 1), (2, 3), (3, 4), (4, 5), (5, 6)))
    circuit = random_circuit(seed, qubits=4, gates=14)
    check(circuit, compile_circuit(circuit, target, seed=seed, trials=1), target)


@pytest.mark.parametrize(
    "name",
    ["ibm-heron-r2", "ibm-eagle-r3", "google-willow", "iqm-garnet", "rigetti-ankaa-3",
     "ionq-aria-1", "ionq-forte-1", "quantinuum-h2-1", "quera-gemini", "quandela-ascella"],
)  # fmt: skip
def test_every_gate_device_of_the_catalogue_is_compiled_for(name: str) -> None:
    profile = profile_named(name)
    circuit = random_circuit(7, qubits=4, gates=20)
    out = compile_circuit(circuit, profile, trials=1)
    assert faults(out.circuit, frozenset(profile.native_gates), profile.coupling()) == []
    assert deviation(circuit, out.circuit, out.start, out.end) < 1e-9


def test_equal_arguments_give_equal_circuits() -> None:
    target = Target.of(profile_named("ibm-eagle-r3"))
    circuit = random_circuit(3, qubits=9, gates=60)
    first, second = (compile_circuit(circuit, target, seed=4, trials=2) for _ in range(2))
    assert first.circuit == second.circuit
    assert (first.start, first.end) == (second.start, second.end)


def test_gates_that_undo_each_other_vanish() -> None:
    circuit = random_circuit(11, qubits=2, gates=12)
    back = circuit.compose(circuit.inverse())
    assert len(compile_circuit(back, Target(2, CZ)).circuit) == 0


@pytest.mark.parametrize(
    ("circuit", "native", "needed"),
    [
        (Circuit(2).cx(0, 1).cx(0, 1), "cz", 0),
        (Circuit(2).cx(0, 1), "cz", 1),
        (Circuit(2).h(1).cz(0, 1).h(1), "ecr", 1),
        (Circuit(2).cx(0, 1).rz(0.3, 1).cx(0, 1), "cz", 2),
        (Circuit(2).cx(0, 1).rz(0.3, 1).cx(0, 1), "rzz", 1),
        (Circuit(2).rzz(0.4, 0, 1).rxx(0.3, 0, 1), "cx", 2),
        (Circuit(2).rzz(0.4, 0, 1).rxx(0.3, 0, 1).ryy(0.2, 0, 1), "cx", 3),
        (Circuit(2).rzz(0.4, 0, 1).rxx(0.3, 0, 1).ryy(0.2, 0, 1), "rxx", 3),
        (Circuit(2).swap(0, 1), "cz", 0),
        (Circuit(2).iswap(0, 1), "iswap", 1),
        (Circuit(2).cx(0, 1), "iswap", 2),
        (Circuit(2).rzz(0.4, 0, 1), "iswap", 2),
        (Circuit(2).rzz(0.4, 0, 1).rxx(0.3, 0, 1).ryy(0.2, 0, 1), "iswap", 3),
        (Circuit(3).ccx(0, 1, 2), "cz", 6),
        (Circuit(2).rzz(math.pi / 2, 0, 1), "cz", 1),
    ],
)
def test_as_few_two_qubit_gates_are_written_as_the_unitary_needs(
    circuit: Circuit, native: str, needed: int
) -> None:
    target = Target(circuit.qubits, frozenset({"rz", "sx", native}))
    assert compile_circuit(circuit, target).compiled.two_qubit_gates == needed


def test_a_gate_moves_past_those_it_commutes_with_to_join_its_pair() -> None:
    circuit = Circuit(3).rzz(0.3, 0, 1).rzz(0.5, 1, 2).cz(0, 2).rzz(0.4, 0, 1)
    out = compile_circuit(circuit, Target(3, frozenset({"rz", "sx", "rzz"})))
    assert out.circuit.counts()["rzz"] == 3


def test_turns_between_diagonal_gates_are_merged_into_one() -> None:
    circuit = Circuit(3).h(0).rz(0.2, 0).cz(0, 1).rz(0.3, 0).cz(0, 2).rz(-0.5, 0).h(0)
    out = compile_circuit(circuit, Target(3, frozenset({"rz", "rx", "cz"})))
    assert out.circuit.counts() == {"rz": 3, "rx": 2, "cz": 2}


@pytest.mark.parametrize(("qubits", "rows"), [(12, (3, 9, 0, 2)), (20, (5, 11, 0, 2))])
def test_a_chain_that_fits_on_the_lattice_needs_no_swap(
    qubits: int, rows: tuple[int, int, int, int]
) -> None:
    n, edges = heavy_hex(*rows)
    order = np.random.default_rng(qubits).permutation(qubits).tolist()
    gates = [Gate("cz", (order[k], order[k + 1])) for k in range(qubits - 1)]
    gates = [g for gate in gates for g in (gate, Gate("h", (gate.qubits[0],)))]
    out = compile_circuit(Circuit(qubits, gates), Target(n, CZ, tuple(edges)))
    assert out.routing_gates == 0


def test_sizes_tell_what_was_added() -> None:
    circuit = Circuit(3).h(0).cx(0, 1).cx(1, 2).cx(0, 2).rx(0.3, 2).cx(0, 1)
    out = compile_circuit(circuit, Target(3, CZ, ((0, 1), (1, 2))))
    assert out.given.two_qubit_gates == 4
    assert out.unrouted.two_qubit_gates == 4
    assert out.compiled.two_qubit_gates == out.circuit.two_qubit_gates()
    assert out.routing_gates == out.compiled.two_qubit_gates - 4 > 0
    assert out.added_depth == out.circuit.depth() - circuit.depth()
    counts = out.circuit.counts()
    assert out.added_gates == {
        "cx": -4, "cz": counts["cz"], "h": -1, "rx": -1, "rz": counts["rz"], "sx": counts["sx"],
        **({"x": counts["x"]} if "x" in counts else {}),
    }  # fmt: skip


def test_a_compact_circuit_has_only_the_qubits_it_touches() -> None:
    target = Target.of(profile_named("ibm-heron-r2"))
    circuit = random_circuit(5, qubits=3, gates=12).measure()
    out = compile_circuit(circuit, target, trials=1)
    small, places = out.compact()
    assert small.qubits == len(places) <= 6
    assert small.measured is not None
    assert tuple(places[q] for q in small.measured) == out.circuit.measured
    assert small.counts() == out.circuit.counts()


def test_a_circuit_without_gates_measures_its_qubits() -> None:
    out = compile_circuit(Circuit(2), Target(4, CZ, LINE[:3]))
    assert len(out.circuit) == 0
    assert out.circuit.measured == out.end == out.start


def test_free_parameters_are_refused() -> None:
    circuit = Circuit(1, parameter_names=("a",)).rx(Angle(0), 0)
    with pytest.raises(InputError, match=r"free parameters a; bind them"):
        compile_circuit(circuit, Target(1, CZ))


@pytest.mark.parametrize("name", ["trials", "threads"])
def test_counts_are_at_least_one(name: str) -> None:
    with pytest.raises(InputError, match=rf"{name} must be at least 1, got 0"):
        compile_circuit(Circuit(2).cx(0, 1), Target(2, CZ, ((0, 1),)), **{name: 0})


def test_a_circuit_that_is_too_large_is_refused_with_numbers() -> None:
    with pytest.raises(InputError, match=r"has 5 qubits, the device 4"):
        compile_circuit(Circuit(5).h(0), Target(4, CZ, LINE[:3]))
    with pytest.raises(InputError, match=r"5 qubits, the largest connected part of the device 4"):
        compile_circuit(Circuit(5).h(0), Target(6, CZ, LINE[:3]))


@pytest.mark.slow
def test_a_thousand_qubits_are_routed() -> None:
    n, edges = heavy_hex(21, 43, 0, 2)
    assert n >= 1121
    rng = np.random.default_rng(0)
    gates = [Gate("rzz", (k, k + 1), (0.3,)) for k in range(0, 1000, 2)]
    gates += [Gate("h", (q,)) for q in range(1001)]
    gates += [Gate("cx", (k, k + int(rng.integers(1, 4)))) for k in range(0, 990, 5)]
    target = Target(n, CZ, tuple(edges))
    out = compile_circuit(Circuit(1001, gates), target, trials=1)
    assert faults(out.circuit, CZ, edges) == []


def test_a_device_of_one_qubit_needs_no_gate_on_two() -> None:
    target = Target(1, frozenset({"rz", "sx", "x"}), ())
    assert compile_circuit(Circuit(1).h(0), target).circuit.qubits == 1
