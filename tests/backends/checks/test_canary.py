from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from qupel.backends import (
    Annealing,
    Capabilities,
    Estimate,
    Kind,
    ManualClock,
    Order,
    Program,
    Reading,
    Result,
)
from qupel.backends.checks.canary import SIZES, Canary, CanaryReport, check_canary
from qupel.backends.checks.findings import Fault
from qupel.backends.checks.probes import probes_of
from qupel.backends.local import Local
from qupel.backends.local import open as open_device
from qupel.backends.machines import Noisy
from qupel.errors import BudgetError, InputError, RefusedError, ResultError
from qupel.model import Circuit, Ising
from qupel.model.gate import Gate
from qupel.model.money import Money
from tests.backends.faulty import Before, Change, Changed, each, reversed_bits
from tests.backends.profiles import CHIP


def only_batches(change: Callable[[Reading], Reading]) -> Change:
    return lambda order, result: each(change)(order, result) if len(order.programs) > 1 else result


def from_five_bits(reading: Reading) -> Reading:
    return reversed_bits(reading) if reading.bits.shape[1] >= 5 else reading


def inverted(reading: Reading) -> Reading:
    return replace(reading, bits=(1 - reading.bits).astype(np.uint8))


def rotated(reading: Reading) -> Reading:
    return replace(reading, bits=np.roll(reading.bits, int(reading.bits.shape[1] > 3), axis=1))


def short(reading: Reading) -> Reading:
    return replace(reading, occurrences=reading.occurrences - 1)


def narrow(reading: Reading) -> Reading:
    return replace(reading, bits=reading.bits[:, 1:])


def uniform(reading: Reading) -> Reading:
    n = reading.bits.shape[1]
    rows = np.array([[0] * n, [1] * n], np.uint8)
    return Reading(rows, np.array([50, 50], np.int64))


def spins(reading: Reading) -> Reading:
    return replace(reading, bits=(1 - 2 * reading.bits.astype(np.int16)).astype(np.uint8))


def backwards(order: Order, result: Result) -> Result:
    return replace(result, readings=result.readings[::-1])


def first_only(order: Order, result: Result) -> Result:
    return replace(result, readings=result.readings[:1])


def failing(order: Order, result: Result) -> Result:
    raise ResultError("the result was never written")


@pytest.mark.parametrize("device", ["statevector", "annealer"])
def test_a_correct_backend_passes_every_size_alone_and_in_a_batch(device: str) -> None:
    report = check_canary(open_device(device))
    assert report.passed
    assert report.sizes == SIZES == tuple(range(1, 21))
    assert report.skipped == ()


def test_a_noisy_backend_passes() -> None:
    assert check_canary(Local("noisy", Noisy.of(CHIP, scale=3.0))).passed


@pytest.mark.parametrize(
    ("change", "fault", "program", "batch"),
    [
        (each(reversed_bits), Fault.REVERSED, "x on qubit 0 of 2", False),
        (only_batches(reversed_bits), Fault.REVERSED, "x on qubit 0 of 2", True),
        (each(from_five_bits), Fault.REVERSED, "x on qubit 1 of 5", False),
        (each(inverted), Fault.INVERTED, "x on qubit 0 of 1", False),
        (each(rotated), Fault.MOVED, "x on qubit 0 of 4", False),
        (backwards, Fault.ORDER, "a batch of", True),
        (first_only, Fault.READINGS, "a batch of", True),
        (each(short), Fault.SHOTS, "x on qubit 0 of 1", False),
        (each(narrow), Fault.WIDTH, "x on qubit 0 of 1", False),
        (each(uniform), Fault.UNCLEAR, "x on qubit 0 of 1", False),
        (each(spins), Fault.VALUES, "x on qubit 0 of 1", False),
        (failing, Fault.FAILED, "x on qubit 0 of 1", False),
    ],
)
def test_a_wrong_backend_is_told_what_is_wrong(
    change: Change, fault: Fault, program: str, batch: bool
) -> None:
    first = check_canary(Changed(change)).first
    assert first is not None
    assert (first.fault, first.batch) == (fault, batch)
    assert first.program.startswith(program)


def test_an_annealer_that_drops_the_offset_is_found() -> None:
    def without(reading: Reading) -> Reading:
        assert reading.energies is not None
        return replace(reading, energies=reading.energies - 2.5)

    first = check_canary(Changed(each(without), "annealer")).first
    assert first is not None
    assert first.fault is Fault.ENERGIES


def test_no_probe_is_its_own_mirror_image() -> None:
    for kind in Kind:
        for probe in probes_of(kind, SIZES):
            in_the_middle = probe.expected == probe.expected[::-1]
            assert not in_the_middle or len(probe.expected) in (1, 3)


def test_every_qubit_has_its_turn_in_small_programs() -> None:
    expected = {probe.expected for probe in probes_of(Kind.CIRCUIT, [4])}
    assert expected == {(1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)}


def test_the_canary_of_annealing_has_one_known_ground_state() -> None:
    for probe in probes_of(Kind.ANNEALING, [1, 4, 10]):
        form = probe.program.form  # type: ignore[union-attr]
        n = form.variables
        codes = (np.arange(1 << n)[:, None] >> np.arange(n) & 1).astype(np.int8)
        energies = np.sort(form.energies(1 - 2 * codes))
        assert form.energies(1 - 2 * np.array([probe.expected], np.int8))[0] == energies[0]
        assert energies[1] - energies[0] > 1


def test_sizes_stop_where_the_device_does() -> None:
    report = check_canary(Local("noisy", Noisy.of(CHIP)), shots=50)
    assert report.sizes == tuple(range(1, 9))


class Priced(Changed):
    """A device that bills a cent a shot."""

    def __init__(self) -> None:
        super().__init__(lambda _, result: replace(result, billed=Money.of(1)))

    def estimate(self, order: Order) -> Estimate:
        told = self.inner.estimate(order)
        return replace(told, cost=Money.of("0.01") * told.shots)


def test_an_expensive_canary_tells_its_price_and_orders_nothing() -> None:
    backend = Priced()
    with pytest.raises(BudgetError, match=r"4 orders for 0\.70 USD at most, and nothing may be"):
        check_canary(backend, sizes=[2, 5], shots=10)
    assert backend.submitted == 0


def test_a_canary_within_its_cap_is_paid_and_says_what_it_cost() -> None:
    report = check_canary(Priced(), sizes=[2, 5], shots=10, most=Money.of(1))
    assert report.passed
    assert report.billed == Money.of(4)


def test_the_estimate_counts_all_orders_and_the_gates_in_the_batch() -> None:
    cost = Canary.of(Priced(), 0.0, [5], 10).cost()
    assert (cost.orders, cost.shots, cost.cost) == (1 + 1, 30, Money.of("0.30"))


@pytest.mark.parametrize("most", [1, 1000])
def test_gates_are_seen_once_with_batches_and_without(most: int) -> None:
    class Small(Changed):
        def capabilities(self) -> Capabilities:
            return replace(self.inner.capabilities(), max_programs=most)

    orders = Canary.of(Small(lambda _, result: result), 0.0, [2]).orders
    programs = [program for _, order in orders for program in order.programs]
    assert sum(isinstance(one, Circuit) and "cx" in one.counts() for one in programs) == 1


def test_an_annealer_that_negates_couplings_is_found() -> None:
    class Negating(Before):
        def changed(self, program: Program) -> Program:
            assert isinstance(program, Annealing)
            form = program.form
            return Annealing(Ising(form.fields, -form.couplings, form.offset))

        def result(self, job: str, order: Order) -> Result:
            return each(lambda one: replace(one, energies=None))(order, super().result(job, order))

    first = check_canary(Negating("annealer"), sizes=[2]).first
    assert first is not None
    assert first.fault is Fault.FORM
    assert first.text.endswith("look at coupling 0-1")


def test_an_adapter_that_exchanges_control_and_target_stays_locked() -> None:
    class Exchanging(Before):
        def changed(self, program: Program) -> Program:
            assert isinstance(program, Circuit)
            gates = [Gate(one.name, one.qubits[::-1], one.angles) for one in program.gates]
            return Circuit(program.qubits, gates, program.measured)

    first = check_canary(Exchanging(), sizes=[2]).first
    assert first is not None
    assert first.fault is Fault.GATE


def test_a_noiseless_device_gives_the_same_in_every_shot() -> None:
    def flipped(reading: Reading) -> Reading:
        bits = np.vstack([reading.bits, 1 - reading.bits[:1]]).astype(np.uint8)
        return Reading(bits, np.append(reading.occurrences - 1, 1))

    first = check_canary(Changed(each(flipped)), sizes=[2]).first
    assert first is not None
    assert first.fault is Fault.INEXACT


def test_programs_that_a_device_refuses_are_named_as_unknown() -> None:
    class Whole(Changed):
        def estimate(self, order: Order) -> Estimate:
            for program in order.programs:
                if isinstance(program, Circuit) and program.measured is not None:
                    raise RefusedError("all qubits are measured, in order")
            return self.inner.estimate(order)

    report = check_canary(Whole(lambda _, result: result), sizes=[3])
    assert report.passed
    assert len(report.skipped) == 2


def test_a_report_survives_a_round_trip() -> None:
    report = check_canary(Changed(each(reversed_bits)), sizes=[2], clock=ManualClock())
    assert CanaryReport.of_plain(report.plain()) == report


def test_sizes_that_fit_no_device_are_refused() -> None:
    with pytest.raises(InputError, match="sizes must name numbers from 1 to 28"):
        check_canary(open_device("statevector"), sizes=[40])


def test_two_canaries_place_different_orders() -> None:
    backend: Any = open_device("statevector")
    keys = [order.key for now in (0.0, 1.0) for _, order in Canary.of(backend, now, [2]).orders]
    assert len(set(keys)) == len(keys)
