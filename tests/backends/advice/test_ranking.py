"""Advice: computed from figures, with reasons; what cannot fit is refused with numbers."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from qupel.backends.advice.access import Access
from qupel.backends.advice.need import Need
from qupel.backends.advice.prospect import Prospect
from qupel.backends.advice.ranking import advise, compare
from qupel.backends.advice.recommendation import Advice, Aim, Refusal
from qupel.backends.catalogue.lattices import Connectivity, Lattice
from qupel.backends.catalogue.listing import profiles
from qupel.backends.catalogue.profile import DeviceProfile, Modality
from qupel.backends.catalogue.tiers import tiers
from qupel.errors import InputError
from qupel.model.circuit import Circuit
from qupel.model.ising import Ising
from qupel.model.money import Money
from tests.backends.profiles import CHIP

CATALOGUE = list(profiles().values())
DEEP_NARROW = Need(5, depth=300, two_qubit_gates=150)
LONG_DENSE = Need(40, depth=60, two_qubit_gates=780)
WIDE = Need(200, depth=10, two_qubit_gates=300, pairs=300)
N = 150
WIDE_DENSE = Need.of_form(Ising(np.zeros(N), np.triu(np.ones((N, N)), 1)))


def best(advice: Advice) -> Prospect:
    assert advice.best is not None
    return advice.best


def test_a_deep_narrow_circuit_goes_to_the_fast_device_and_the_reason_is_speed() -> None:
    advice = advise(DEEP_NARROW, CATALOGUE)
    assert best(advice).profile.modality is Modality.SUPERCONDUCTING
    assert any("trapped ion): speed, a shot takes" in reason for reason in advice.reasons)


def test_many_gates_between_all_qubits_go_to_ions() -> None:
    advice = advise(LONG_DENSE, CATALOGUE)
    assert best(advice).profile.modality is Modality.TRAPPED_ION


def test_a_wide_sparse_circuit_goes_to_neutral_atoms() -> None:
    assert best(advise(WIDE, CATALOGUE)).profile.modality is Modality.NEUTRAL_ATOM


def test_a_wide_dense_graph_goes_to_an_annealer() -> None:
    advice = advise(WIDE_DENSE, CATALOGUE)
    assert best(advice).profile.modality is Modality.ANNEALER
    assert "in chains of" in advice.reasons[0]


def test_success_as_the_aim_turns_a_deep_narrow_circuit_to_ions() -> None:
    advice = advise(DEEP_NARROW, CATALOGUE, Aim.SUCCESS)
    assert best(advice).profile.modality is Modality.TRAPPED_ION
    assert any("no error with chance" in reason for reason in advice.reasons[1:])


def test_price_as_the_aim_takes_the_cheapest() -> None:
    advice = advise(DEEP_NARROW, CATALOGUE, Aim.PRICE)
    costs = [found.cost.micros for found in advice.devices if found.cost is not None]
    assert costs == sorted(costs)
    assert "would cost" in advice.reasons[1]


def test_names_and_families_decide_nothing() -> None:
    """The same figures under other names and families give the same order."""
    swapped = [
        replace(
            profile,
            name=f"x{k}",
            modality=(
                Modality.SUPERCONDUCTING
                if profile.modality is Modality.TRAPPED_ION
                else Modality.TRAPPED_ION
                if profile.modality is Modality.SUPERCONDUCTING
                else profile.modality
            ),
        )
        for k, profile in enumerate(CATALOGUE)
    ]
    places = {profile.name: f"x{k}" for k, profile in enumerate(CATALOGUE)}
    for need in (DEEP_NARROW, LONG_DENSE, WIDE, WIDE_DENSE):
        before = [places[found.profile.name] for found in advise(need, CATALOGUE).devices]
        assert [found.profile.name for found in advise(need, swapped).devices] == before


def test_a_faster_device_is_preferred_until_its_errors_cost_more() -> None:
    assert CHIP.times is not None
    assert CHIP.fidelities is not None
    slow = replace(CHIP, name="slow", times=replace(CHIP.times, reset=CHIP.times.reset * 10))
    need = Need(4, depth=40, two_qubit_gates=30)
    assert best(advise(need, [slow, CHIP])).profile.name == "chip"
    bad = replace(CHIP, fidelities=replace(CHIP.fidelities, two_qubit=0.95))
    assert best(advise(need, [slow, bad])).profile.name == "slow"


def test_a_deep_wide_job_is_premature_with_numbers() -> None:
    advice = advise(Need(200, depth=10_000, two_qubit_gates=100_000), CATALOGUE)
    assert advice.premature
    assert advice.best is None
    assert advice.reasons[0] == (
        "premature: no device that can be hired holds 200 qubits, depth 10000 and 100000 two-qubit "
        "gates for 1000 shots"
    )
    assert any("200 qubits are needed" in reason for reason in advice.reasons)
    assert {refusal.profile.name for refusal in advice.refused} == {p.name for p in CATALOGUE}


def test_simulators_are_told_apart_from_devices() -> None:
    advice = advise(DEEP_NARROW, CATALOGUE)
    assert not any(found.profile.simulated for found in advice.devices)
    assert "local-statevector" in {found.profile.name for found in advice.simulators}


def test_what_only_a_simulator_holds_is_premature() -> None:
    statevector = [profile for profile in CATALOGUE if profile.name == "local-statevector"]
    advice = advise(Need(20, depth=100), [*statevector, replace(CHIP, qubits=8)])
    assert advice.premature
    assert len(advice.simulators) == 1


def test_a_comparison_has_four_families_with_success_and_time() -> None:
    circuit = Circuit(4).h(0).cx(0, 1).cx(1, 2).cx(2, 3)
    some = [p for p in CATALOGUE if p.runnable and not p.simulated]
    found = compare(Need.of_circuit(circuit), some, circuit)
    done = [each for each in found if isinstance(each, Prospect)]
    assert len({each.profile.modality for each in done}) >= 4
    assert all(each.success is not None and 0 < each.success < 1 for each in done)
    assert all(each.run_seconds > 0 for each in done)


def test_a_comparison_without_a_circuit_takes_the_closed_forms() -> None:
    [found] = compare(Need(4, depth=10, two_qubit_gates=5), [CHIP])
    assert isinstance(found, Prospect)


def test_a_comparison_tells_what_does_not_fit_last() -> None:
    larger = replace(CHIP, name="z", qubits=9, connectivity=Connectivity(Lattice.ALL))
    first, last = compare(Need(9), [CHIP, larger])
    assert isinstance(first, Prospect)
    assert isinstance(last, Refusal)


def test_expired_claims_are_told_with_the_advice() -> None:
    document = advise(Need(2), [CHIP]).document(date(2100, 1, 1))
    assert "expired on 2099-01-01" in document["devices"][0]["notice"]
    refused = advise(Need(20), [CHIP]).document(date(2100, 1, 1))
    assert "expired on 2099-01-01" in refused["refused"][0]["notice"]


def test_what_is_old_is_recommended_only_where_nothing_newer_fits_and_then_says_so() -> None:
    today = date(2030, 1, 1)
    assert CHIP.times is not None
    slow = replace(CHIP, name="slow", times=replace(CHIP.times, reset=CHIP.times.reset * 10))
    old = replace(CHIP, name="old", expires=date(2029, 1, 1))
    need = Need(4, depth=40, two_qubit_gates=30)
    assert best(advise(need, [slow, old])).profile.name == "old"
    newer = advise(need, [slow, old], today=today)
    assert best(newer).profile.name == "slow"
    assert newer.reasons[-1] == (
        "old would come first by its figures, but they were to be read again from 2029-01-01"
    )
    alone = advise(need, [old], today=today)
    assert best(alone).profile.name == "old"
    assert "claims about old expired on 2029-01-01" in alone.reasons[-1]


def test_a_tier_closes_what_is_above_it_and_says_on_what_terms_the_rest_is_open() -> None:
    sand = replace(CHIP, name="sand", tier="sandbox", max_shots=1_000_000)
    advice = advise(Need(4), [CHIP, sand], access=Access(tiers(), "sandbox"))
    assert best(advice).profile.name == "sand"
    assert advice.reasons[-1] == (
        "tier sandbox allows 20000 shots an order, 50.00 USD an order, 100 orders in all"
    )
    [refusal] = advice.refused
    assert refusal.by_tier
    assert refusal.reasons == (
        "the device is of tier hardware, the tier selected is sandbox; select hardware to use it",
    )
    many = advise(Need(4, shots=30_000), [sand], access=Access(tiers(), "hardware"))
    assert many.refused[0].reasons == ("tier sandbox allows 20000 shots, the order has 30000",)


def test_a_need_that_only_a_tier_keeps_out_is_not_premature() -> None:
    advice = advise(Need(4), [CHIP], access=Access(tiers(), "local simulator"))
    assert advice.best is None
    assert not advice.premature
    assert advice.reasons[0] == "tier local simulator opens none of the 1 devices that hold it"
    assert advise(Need(20), [CHIP], access=Access(tiers(), "local simulator")).premature


def test_approvals_are_a_condition_and_no_objection() -> None:
    advice = advise(Need(4), [CHIP], access=Access(tiers(), "hardware"))
    assert best(advice).profile.name == "chip"
    assert advice.reasons[-1].endswith("each order needs the approval of 1 person")


def test_a_device_of_a_tier_that_is_not_there_is_refused_with_those_that_are() -> None:
    odd = replace(CHIP, tier="moonbase")
    [refusal] = advise(Need(4), [odd], access=Access(tiers(), "hardware")).refused
    assert "tier moonbase, which is none of local simulator, cloud" in refusal.reasons[0]


def test_an_unknown_tier_is_told_with_those_that_are_there() -> None:
    with pytest.raises(InputError, match="unknown tier 'hardwar'; did you mean 'hardware'"):
        Access(tiers(), "hardwar")


def test_advice_without_profiles_is_refused() -> None:
    with pytest.raises(InputError, match="no device profiles"):
        advise(Need(2), list[DeviceProfile]())


def test_advice_on_a_circuit_that_is_compiled_takes_its_counts_and_keeps_its_limits() -> None:
    circuit = Circuit(4).h(0).cx(0, 1).cx(1, 2).cx(2, 3).cx(0, 3)
    need = Need.of_circuit(circuit)
    [found] = advise(need, [CHIP], circuit=circuit).devices
    [plain] = advise(need, [CHIP]).devices
    assert (
        found.two_qubit_gates - found.routing_gates == plain.two_qubit_gates - plain.routing_gates
    )
    late = advise(replace(need, deadline=1e-3), [CHIP], circuit=circuit)
    assert "the deadline is 1 ms" in late.refused[0].reasons[0]


def test_a_device_that_cannot_be_compiled_to_is_one_refusal_beside_the_others() -> None:
    odd = replace(CHIP, name="odd", native_gates=("h", "t", "cz"))
    split = Connectivity(Lattice.EDGES, edges=((0, 1), (2, 3), (4, 5), (6, 7)))
    apart = replace(CHIP, name="apart", connectivity=split)
    circuit = Circuit(3).h(0).cx(0, 1).cx(1, 2)
    found = compare(Need.of_circuit(circuit), [odd, CHIP, apart], circuit)
    assert [each.profile.name for each in found] == ["chip", "apart", "odd"]
    told = [each.reasons[0] for each in found if isinstance(each, Refusal)]
    assert "largest connected part of the device 2" in told[0]
    assert told[1].startswith("odd: the gate set cz, h, t cannot be compiled to")


@pytest.mark.parametrize(
    "limit", [{"budget": Money(0)}, {"shots": 10**9}, {"deadline": 1e-6}], ids=str
)
def test_what_only_a_limit_rules_out_is_not_premature(limit: dict[str, Any]) -> None:
    advice = advise(replace(Need(5), **limit), CATALOGUE)
    assert not advice.devices
    assert not advice.premature
    assert "would with other limits" in advice.reasons[0]
    first = advice.beyond_limits[0]
    assert advice.reasons[1].startswith(f"{first.profile.name}: {first.reasons[0]}")


def test_devices_beyond_a_budget_are_told_the_cheapest_first() -> None:
    advice = advise(Need(5, budget=Money(0)), CATALOGUE)
    prices = [e.unlimited.cost for e in advice.beyond_limits if e.unlimited and e.unlimited.cost]
    assert prices == sorted(prices, key=lambda cost: cost.micros)
