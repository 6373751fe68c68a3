"""Estimates: counted gates, schedules by hand, refusals with numbers."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from qupel.backends.advice.estimate import estimate, estimate_order
from qupel.backends.advice.placement import embedding
from qupel.backends.advice.schedule import schedule
from qupel.backends.catalogue.figures import GateTimes
from qupel.backends.catalogue.lattices import Connectivity, Lattice
from qupel.backends.catalogue.listing import profile_named
from qupel.backends.catalogue.prices import PerGateShot, PerShot
from qupel.backends.compiling import compile_circuit
from qupel.backends.contract import Annealing, Order
from qupel.errors import InputError, RefusedError
from qupel.model import Angle, Circuit, Gate, Ising
from qupel.model.money import Money
from tests.backends.profiles import CHIP

BELL = Circuit(2).h(0).cx(0, 1).measure()
TIMES = GateTimes(one_qubit=1.0, two_qubit=10.0, readout=5.0, reset=7.0)


def ring(variables: int) -> Ising:
    couplings = np.zeros((variables, variables))
    for k in range(variables - 1):
        couplings[k, k + 1] = 1.0
    return Ising(np.zeros(variables), couplings)


def test_an_estimate_of_a_known_circuit_equals_its_counted_gates() -> None:
    found = estimate(BELL, CHIP, 100)
    # h is rz sx rz; cx is cz between two h on the target, of which the first acts on zero.
    assert found.compiled is not None
    counts = found.compiled.circuit.counts()
    assert counts["cz"] == found.estimate.two_qubit_gates == 1
    assert counts["sx"] == 3
    assert found.estimate.qubits == 2
    assert found.estimate.depth == found.compiled.circuit.depth()
    assert found.estimate.shots == 100


def test_success_is_the_product_of_published_fidelities() -> None:
    found = estimate(BELL, CHIP, 100)
    read = 1 - (0.01 + 0.02) / 2
    assert found.ln_parts["gates"] == pytest.approx(3 * math.log(0.9995) + math.log(0.994))
    assert found.ln_parts["readout"] == pytest.approx(2 * math.log(read))
    assert found.ln_success == pytest.approx(sum(found.ln_parts.values()))
    assert found.success == pytest.approx(math.exp(sum(found.ln_parts.values())))


def test_a_shot_takes_the_schedule_the_readout_and_the_reset() -> None:
    found = estimate(BELL, CHIP, 100)
    # The first qubit turns for one gate; the second for one before and one after the cz.
    assert found.shot_seconds == pytest.approx(40e-9 + 100e-9 + 40e-9 + 1e-6 + 100e-6)
    assert found.estimate.run_seconds == pytest.approx(100 * found.shot_seconds)
    assert found.estimate.queue_seconds is None


def test_a_schedule_starts_gates_as_soon_as_it_can() -> None:
    circuit = Circuit(3).x(0).cz(0, 1).rz(0.3, 1).x(2).x(1)
    found = schedule(circuit, TIMES)
    assert found.seconds == 12.0
    assert found.idle == {0: 1.0, 1: 0.0, 2: 11.0}


def test_gates_wait_for_a_place_where_few_run_at_once() -> None:
    circuit = Circuit(4).cz(0, 1).cz(2, 3)
    assert schedule(circuit, TIMES).seconds == 10.0
    assert schedule(circuit, replace(TIMES, parallel=1)).seconds == 20.0


def test_a_bill_covers_gates_as_given_and_as_compiled() -> None:
    by_gates = PerGateShot(Decimal("0.01"), Decimal("0.1"))
    many = Circuit(2, [Gate("h", (0,))] * 20 + [Gate("cx", (0, 1))] * 4).measure()
    found = estimate(many, replace(CHIP, price=by_gates), 10)
    assert found.estimate.cost == Money.of("6.0")  # 10 (20 * 0.01 + 4 * 0.1), though all cancels


def test_a_bill_by_the_shot_is_exact() -> None:
    priced = replace(CHIP, price=PerShot(Decimal("0.3"), Decimal("0.00145")))
    assert estimate(BELL, priced, 1000).estimate.cost == Money.of("1.75")


def test_an_order_sums_time_and_money_and_takes_the_largest_size() -> None:
    priced = replace(CHIP, price=PerShot(Decimal("0.3"), Decimal("0.00145")))
    larger = Circuit(3).h(0).cx(0, 1).cx(1, 2).measure()
    order = Order((BELL, larger), 1000, "key", "tag")
    found = estimate_order(order, priced)
    parts = [estimate(program, priced, 1000).estimate for program in order.programs]
    assert found.qubits == 3
    assert found.shots == 2000
    assert found.two_qubit_gates == parts[1].two_qubit_gates
    assert found.run_seconds == pytest.approx(sum(part.run_seconds or 0 for part in parts))
    assert found.cost == Money.of("3.5")


def test_a_large_deep_job_is_refused_on_a_small_device_with_numbers() -> None:
    small = replace(CHIP, qubits=32, connectivity=Connectivity(Lattice.LINE, (32,)))
    layer = [Gate("cx", (q, q + 1)) for q in range(0, 199, 2)]
    job = Circuit(200, layer[:1] * 10_000)
    with pytest.raises(RefusedError, match=r"200 qubits at depth 10000 are needed, chip has 32"):
        estimate(job, small)


def test_a_long_circuit_on_one_pair_is_one_unitary_and_fits() -> None:
    turns = [Gate("ry", (0,), (0.1 + k,)) for k in range(1000)]
    gates = [g for turn in turns for g in (turn, Gate("cx", (0, 1)), Gate("rx", (1,), (0.2,)))]
    assert estimate(Circuit(2, gates), CHIP).estimate.two_qubit_gates <= 3


def test_what_leaves_no_signal_is_refused_with_numbers() -> None:
    pairs = [(k % 8, (3 * k + 1) % 8) for k in range(3000) if k % 8 != (3 * k + 1) % 8]
    gates = [g for a, b in pairs for g in (Gate("cx", (a, b)), Gate("ry", (a,), (0.3,)))]
    why = r"of 1000 shots .* are expected without an error on chip: .* without any swap"
    with pytest.raises(RefusedError, match=why):
        estimate(Circuit(8, gates), CHIP)


def test_an_annealing_is_bounded_by_its_embedding() -> None:
    advantage, form = profile_named("dwave-advantage"), ring(40)
    found = estimate(form, advantage, 500)
    bounds = embedding(advantage, 40, 39)
    assert found.embedding == bounds
    assert found.estimate.qubits == bounds.most
    assert (found.estimate.depth, found.estimate.two_qubit_gates) == (0, 0)
    times = advantage.anneal
    assert times is not None
    per_read = times.anneal + times.readout + times.delay
    assert found.estimate.run_seconds == pytest.approx(times.programming + 500 * per_read)
    assert found.success is None


def test_an_anneal_may_be_longer_but_not_than_the_device_allows() -> None:
    advantage = profile_named("dwave-advantage")
    usual = estimate(ring(5), advantage)
    longer = estimate(Annealing(ring(5), microseconds=100.0), advantage)
    assert longer.shot_seconds > usual.shot_seconds
    with pytest.raises(RefusedError, match=r"an anneal of 10 s is needed"):
        estimate(Annealing(ring(5), microseconds=1e7), advantage)


@pytest.mark.parametrize(
    ("program", "device", "why"),
    [
        (BELL, "dwave-advantage", "runs annealing programs"),
        (ring(4), "ibm-heron-r2", "runs circuit programs"),
        (BELL, "microsoft-majorana-1", "nobody can run programs there"),
        (BELL, "quera-aquila", "runs analogue programs"),
    ],
)
def test_the_wrong_kind_of_device_is_refused(
    program: Circuit | Ising, device: str, why: str
) -> None:
    with pytest.raises(RefusedError, match=why):
        estimate(program, profile_named(device))


def test_too_many_shots_are_refused_with_numbers() -> None:
    with pytest.raises(RefusedError, match=r"200000 shots are needed, chip takes 100000"):
        estimate(BELL, CHIP, 200_000)


def test_bad_input_is_told() -> None:
    with pytest.raises(InputError, match="shots must be a whole number from 1"):
        estimate(BELL, CHIP, 0)
    with pytest.raises(InputError, match="bind them"):
        estimate(Circuit(1, parameter_names=("a",)).rx(Angle(0), 0), CHIP)


def test_the_same_seed_gives_the_same_estimate() -> None:
    heron = profile_named("ibm-heron-r2")
    rng = np.random.default_rng(1)
    pairs = [rng.permutation(6)[:2].tolist() for _ in range(20)]
    circuit = Circuit(6, [Gate("cx", (a, b)) for a, b in pairs])
    first, second = (estimate(circuit, heron, seed=3) for _ in range(2))
    assert first.estimate == second.estimate
    compiled = compile_circuit(circuit, heron, seed=3)
    assert first.estimate.two_qubit_gates == compiled.compiled.two_qubit_gates


def test_couplings_too_dense_for_any_embedding_are_refused_as_the_advice_refuses_them() -> None:
    complete = Ising(np.zeros(200), np.triu(np.ones((200, 200)), 1))
    with pytest.raises(RefusedError, match="at most 182 can all be coupled on dwave-advantage"):
        estimate(complete, profile_named("dwave-advantage"))
