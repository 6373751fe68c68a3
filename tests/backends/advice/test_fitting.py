"""What does not fit is refused with numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qupel.backends.advice.fitting import fits
from qupel.backends.advice.need import Need
from qupel.backends.catalogue.lattices import Connectivity, Lattice
from qupel.backends.catalogue.listing import profiles
from qupel.backends.catalogue.profile import Availability
from qupel.model.money import Money
from tests.backends.profiles import CHIP

CATALOGUE = list(profiles().values())
WIDE_DENSE = Need.of_couplings(150, 11175, core=149)


def test_a_device_of_32_qubits_refuses_200_qubits_at_depth_10000_with_numbers() -> None:
    small = replace(CHIP, qubits=32, connectivity=Connectivity(Lattice.ALL))
    first, second = fits(small, Need(200, depth=10_000, two_qubit_gates=100_000))
    assert first == "200 qubits are needed, chip has 32"
    assert "expected without an error on chip: 100000 two-qubit gates" in second


@pytest.mark.parametrize(
    ("need", "said"),
    [
        (Need(9), "9 qubits are needed, chip has 8"),
        (Need(2, shots=100_001), "100001 shots are needed, chip takes 100000"),
        (Need(8, depth=4000, two_qubit_gates=9000), "are expected without an error on chip"),
        (Need(2, deadline=0.01), "the run takes about 101 ms, the deadline is 10 ms"),
    ],
)
def test_what_does_not_fit_is_told_with_both_numbers(need: Need, said: str) -> None:
    [reason] = fits(CHIP, need)
    assert said in reason


def test_a_budget_that_the_bill_may_exceed_refuses() -> None:
    forte = next(profile for profile in CATALOGUE if profile.name == "ionq-forte-1")
    need = Need(2, budget=Money.of(80))
    assert fits(forte, need) == ["the bill is up to 80.30 USD, the budget is 80.00 USD"]
    assert fits(forte, replace(need, budget=Money.of("80.30"))) == []
    assert "bills in USD" in fits(forte, replace(need, budget=Money.of(90, "EUR")))[0]


def test_no_budget_is_kept_where_no_price_is_published() -> None:
    willow = next(profile for profile in CATALOGUE if profile.name == "google-willow")
    assert "no price of google-willow is published" in fits(willow, Need(2, budget=Money.of(5)))[0]


@pytest.mark.parametrize("availability", [Availability.RETIRED, Availability.EXPERIMENTAL])
def test_what_nobody_can_run_on_is_refused(availability: Availability) -> None:
    [reason] = fits(replace(CHIP, availability=availability), Need(2))
    assert reason == f"chip is {availability}: nobody can run programs there"


def test_an_annealer_refuses_circuits_and_an_analogue_device_everything() -> None:
    by_name = {profile.name: profile for profile in CATALOGUE}
    assert "no gates for a circuit" in fits(by_name["dwave-advantage"], Need(2))[0]
    assert "analogue programs" in fits(by_name["quera-aquila"], WIDE_DENSE)[0]


def test_an_annealer_refuses_a_complete_graph_larger_than_its_largest() -> None:
    by_name = {profile.name: profile for profile in CATALOGUE}
    need = Need.of_couplings(200, 19900)
    assert fits(by_name["dwave-advantage"], need) == [
        "some 200 variables or more have 199 couplings each among themselves; at most 182 can all "
        "be coupled on dwave-advantage"
    ]
