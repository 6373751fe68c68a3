"""Prospects: the documented formulas, by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from qupel.backends.advice.need import Need
from qupel.backends.advice.prospect import chance_text, prospect, seconds_text
from qupel.backends.catalogue.figures import Coherence, Fidelities, GateTimes
from qupel.backends.catalogue.lattices import Connectivity, Lattice
from qupel.backends.catalogue.listing import profile_named
from qupel.backends.compiling import compile_circuit
from qupel.model.circuit import Circuit
from tests.backends.profiles import CHIP

PLAIN = replace(
    CHIP,
    connectivity=Connectivity(Lattice.ALL),
    fidelities=Fidelities(0.99, 0.9, false_one=0.0, false_zero=0.02, preparation=0.98),
    coherence=None,
    times=GateTimes(one_qubit=1.0, two_qubit=10.0, readout=5.0, reset=20.0, job=3.0),
)
NEED = Need(
    4, depth=7, two_qubit_gates=4, one_qubit_gates=6, two_qubit_depth=3, pairs=3, measured=2,
    shots=100,
)  # fmt: skip


def test_success_is_the_product_of_the_fidelities() -> None:
    expected = 0.99**6 * 0.9**4 * (0.98 * 0.99) ** 2
    assert prospect(PLAIN, NEED).success == pytest.approx(expected)


def test_a_shot_takes_its_layers_the_readout_and_the_reset() -> None:
    found = prospect(PLAIN, NEED)
    assert found.shot_seconds == pytest.approx(3 * 10 + 4 * 1 + 5 + 20)
    assert found.run_seconds == pytest.approx(3 + 100 * 59)


def test_gates_that_cannot_run_at_once_queue() -> None:
    assert PLAIN.times is not None
    serial = replace(PLAIN, times=replace(PLAIN.times, parallel=1))
    assert prospect(serial, NEED).shot_seconds == pytest.approx(4 * 10 + 4 * 1 + 5 + 20)


def test_idle_qubits_decay() -> None:
    waiting = replace(PLAIN, coherence=Coherence(t1=50.0, t2=40.0))
    each = 34 - (6 * 1 + 2 * 4 * 10) / 4
    idle = 0.5 + math.exp(-each / 50) / 6 + math.exp(-each / 40) / 3
    ratio = prospect(waiting, NEED).success / prospect(PLAIN, NEED).success  # type: ignore[operator]
    assert ratio == pytest.approx(idle**4)


def test_lost_shots_cost_time_and_no_success() -> None:
    assert PLAIN.fidelities is not None
    lossy = replace(PLAIN, fidelities=replace(PLAIN.fidelities, survival=0.5, two_qubit_yield=0.25))
    found, plain = prospect(lossy, NEED), prospect(PLAIN, NEED)
    assert found.success == plain.success
    assert found.shot_seconds == pytest.approx(plain.shot_seconds * 2**4 * 4**4)


def test_a_signal_takes_the_shots_over_the_square_of_success() -> None:
    found = prospect(PLAIN, NEED)
    assert found.success is not None
    assert found.signal_seconds == pytest.approx(3 + 100 * 59 / found.success**2)


def test_a_turn_takes_two_gates_where_none_turns() -> None:
    turning = replace(NEED, rotations=4)
    assert prospect(PLAIN, turning).two_qubit_gates == 8
    free = replace(PLAIN, native_gates=("rx", "rzz"))
    assert prospect(free, turning).two_qubit_gates == 4


def test_an_iswap_device_takes_two_gates_for_a_cx() -> None:
    assert prospect(replace(PLAIN, native_gates=("rx", "iswap")), NEED).two_qubit_gates == 8


def test_routing_costs_nothing_where_all_are_coupled_and_something_on_a_line() -> None:
    need = Need(8, depth=40, two_qubit_gates=56, pairs=28)
    assert prospect(PLAIN, need).routing_gates == 0
    assert prospect(CHIP, need).routing_gates > 0


def test_a_program_that_is_a_tree_needs_no_routing() -> None:
    assert prospect(CHIP, Need(8, depth=20, two_qubit_gates=28, pairs=7)).routing_gates == 0


def test_a_layer_that_commutes_needs_no_more_than_a_swap_network() -> None:
    need = Need.of_couplings(8, 28)
    found = prospect(CHIP, need)
    assert found.two_qubit_gates <= 3 * 28


def test_a_hopeless_program_has_a_logarithm_and_no_end() -> None:
    found = prospect(PLAIN, Need(4, depth=100_000, two_qubit_gates=200_000))
    assert found.success == 0.0
    assert found.ln_success is not None
    assert found.ln_success < -10_000
    assert found.signal_seconds == math.inf


def test_an_annealer_takes_its_programming_and_its_reads() -> None:
    device = profile_named("dwave-advantage")
    found = prospect(device, Need.of_couplings(20, 190, shots=1000))
    assert found.run_seconds == pytest.approx(14.1e-3 + 1000 * (20e-6 + 80e-6 + 20.5e-6))
    assert found.success is None
    assert (found.qubits, found.embedding and found.embedding.chain) == (80, 4)


def test_a_simulator_takes_time_by_gates_and_amplitudes() -> None:
    found = prospect(profile_named("local-statevector"), Need(20, depth=10, two_qubit_gates=50))
    assert found.run_seconds == pytest.approx(0.01 + 150 * 2**20 * 1e-9 + 1000 * 1e-6)
    assert found.success == 1.0


def random_circuit(qubits: int, gates: int, seed: int) -> Circuit:
    rng = np.random.default_rng(seed)
    circuit = Circuit(qubits)
    for _ in range(gates):
        a, b = rng.choice(qubits, 2, replace=False).tolist()
        circuit = circuit.cx(a, b).ry(float(rng.random()), a).rx(float(rng.random()), b)
    return circuit


@pytest.mark.parametrize("device", ["ibm-heron-r2", "google-willow", "iqm-garnet"])
@pytest.mark.parametrize(("qubits", "gates"), [(6, 60), (12, 60), (20, 80)])
def test_the_closed_form_is_within_half_and_double_of_what_is_compiled(
    device: str, qubits: int, gates: int
) -> None:
    profile, circuit = profile_named(device), random_circuit(qubits, gates, seed=5)
    compiled = compile_circuit(circuit, profile, trials=1).compiled.two_qubit_gates
    assert 0.5 < prospect(profile, Need.of_circuit(circuit)).two_qubit_gates / compiled < 2


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"), (3.2e-8, "32 ns"), (1.5e-6, "1.5 µs"), (0.02, "20 ms"), (90, "90 s"),
        (600, "10 min"), (9000, "2.5 h"), (864000, "10 days"), (3.15576e9, "100 years"),
        (math.inf, "for ever"),
    ],
)  # fmt: skip
def test_a_duration_has_a_unit_that_suits_it(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


@pytest.mark.parametrize(
    ("ln", "text"),
    [(None, "unknown"), (0.0, "1"), (math.log(0.25), "0.25"), (-230.2585, "10^-100")],
)
def test_a_chance_is_a_power_of_ten_where_it_is_tiny(ln: float | None, text: str) -> None:
    assert chance_text(ln) == text
