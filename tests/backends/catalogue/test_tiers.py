"""Access tiers."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from qupel.backends.catalogue.listing import profiles
from qupel.backends.catalogue.tiers import Tier, Tiers, tiers
from qupel.backends.contract import Estimate
from qupel.errors import InputError
from qupel.model.money import Money

NAMES = ["local simulator", "cloud simulator", "sandbox", "hardware"]


def order(shots: int = 1000, dollars: int = 1) -> Estimate:
    return Estimate(5, 10, 4, shots, 1.0, None, Money.of(dollars))


def test_there_are_four_tiers_from_free_to_dear() -> None:
    assert [tier.name for tier in tiers().tiers] == NAMES


def test_every_device_belongs_to_a_tier() -> None:
    assert {profile.tier for profile in profiles().values()} <= set(NAMES)


def test_an_order_for_hardware_without_an_approval_is_refused() -> None:
    [refusal] = tiers().check("hardware", "hardware", order())
    assert "approval of 1 person, 0 approved" in refusal


def test_an_approved_order_within_the_caps_goes_out() -> None:
    assert tiers().check("hardware", "hardware", order(), approved_by=["Ada"]) == []


def test_the_same_person_approves_once() -> None:
    tier = Tier("hardware", approvals=2)
    assert "1 approved" in tier.check(order(), approved_by=["Ada", " ada ", ""])[0]


def test_a_device_above_the_selected_tier_is_refused() -> None:
    [refusal] = tiers().check("sandbox", "hardware", order(), approved_by=["Ada"])
    assert refusal == (
        "the device is of tier hardware, the tier selected is sandbox; select hardware to use it"
    )


def test_a_device_below_the_selected_tier_has_the_caps_of_its_own() -> None:
    free = Estimate(5, 10, 4, 10**6, 1.0, None, None)
    assert tiers().check("hardware", "local simulator", free) == []


@pytest.mark.parametrize(
    ("estimate", "runs", "said"),
    [
        (order(shots=11), 0, "allows 10 shots, the order has 11"),
        (order(shots=1), 3, "allows 3 runs, 3 are done"),
        (order(shots=1, dollars=6), 0, "allows 5.00 USD an order, this one costs up to 6.00 USD"),
    ],
)
def test_each_cap_refuses_with_its_number(estimate: Estimate, runs: int, said: str) -> None:
    tier = Tier("small", max_shots=10, max_runs=3, max_money=Decimal(5))
    [refusal] = tier.check(estimate, runs=runs)
    assert said in refusal


def test_an_order_at_every_cap_goes_out() -> None:
    tier = Tier("small", max_shots=10, max_runs=3, max_money=Decimal(5))
    assert tier.check(order(shots=10, dollars=5), runs=2) == []


def test_a_cap_in_another_currency_refuses() -> None:
    tier = Tier("euros", max_money=Decimal(5), currency="EUR")
    assert "give the cap in USD" in tier.check(order())[0]


def test_your_file_takes_the_place_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiers.yaml").write_text("tiers:\n- {name: hardware, max_shots: 1}\n")
    monkeypatch.setenv("QUPEL_HOME", str(tmp_path))
    assert tiers() == Tiers((Tier("hardware", max_shots=1),))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tiers:\n- name: a\n  approval: 2\n", ":3: tiers.0.approval: is not a field; did you"),
        ("tiers:\n- name: a\n  approvals: -2\n", ":3: tiers.0.approvals: must be a whole number"),
        ("tiers:\n- name: a\n- name: a\n", ":1: tiers: must have different names"),
        ("tiers: []\n", "one at least"),
        ("- 3\n", "must be a mapping"),
    ],
)
def test_a_wrong_file_is_refused_with_line_and_field(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "tiers.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        tiers(path)
    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)


def test_an_unknown_tier_is_told_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'sandbox'"):
        tiers().named("sandbx")
