"""Prices: bills reckoned by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qupel.backends.catalogue.prices import (
    Counts,
    Credits,
    Free,
    PerGateShot,
    PerSecond,
    PerShot,
    Unpublished,
    Usage,
    price,
)
from qupel.errors import InputError
from qupel.model.circuit import Circuit
from qupel.model.money import Money

BELL = Circuit(2).h(0).cx(0, 1).measure()


def rate(text: str) -> Decimal:
    return Decimal(text)


def test_a_task_and_its_shots_are_charged_for_every_program() -> None:
    # 2 x (0.30 + 1000 x 0.00145) = 2 x 1.75
    model = PerShot(rate("0.30"), rate("0.00145"))
    assert price(model, Usage.of([BELL, BELL], 1000)) == Money(3_500_000)


def test_gates_are_charged_for_every_shot() -> None:
    # 12.4166 + 1000 x (1 x 0.00022 + 1 x 0.000975)
    model = PerGateShot(rate("0.00022"), rate("0.000975"), task=rate("12.4166"))
    assert price(model, Usage.of([BELL], 1000)) == Money(13_611_600)


def test_the_minimum_is_charged_where_gates_come_to_less() -> None:
    model = PerGateShot(rate("0.00022"), rate("0.000975"), minimum=rate("97.50"))
    assert price(model, Usage.of([BELL], 1000)) == Money(97_500_000)


def test_seconds_are_charged_in_whole_steps() -> None:
    # 2.31 s come to 3 s of 1.60
    assert price(PerSecond(rate("1.60")), Usage.of([BELL], 1000, 2.31)) == Money(4_800_000)


def test_seconds_have_a_minimum() -> None:
    # 3 s at least, at 0.075 a minute
    model = PerSecond(rate("0.00125"), rate("0.001"), rate("3"))
    assert price(model, Usage.of([BELL], 10, 0.2)) == Money(3_750)


def test_credits_follow_the_published_formula() -> None:
    # 5 + 1000 (1 + 10 x 1 + 5 x (2 + 2)) / 5000 = 11.2 credits of 13.50
    assert price(Credits(rate("13.50")), Usage.of([BELL], 1000)) == Money(151_200_000)


def test_nothing_is_charged_for_what_is_free() -> None:
    assert price(Free(), Usage.of([BELL], 10**6)) == Money(0)


def test_a_bill_is_rounded_up_to_a_millionth_once() -> None:
    # 3 shots of a third of a millionth and a bit
    assert price(PerShot(rate("0"), rate("0.00000033334")), Usage.of([BELL], 3)) == Money(2)


def test_a_price_in_euros_is_in_euros() -> None:
    model = PerShot(rate("1"), rate("0"), currency="EUR")
    assert price(model, Usage.of([BELL], 1)) == Money(1_000_000, "EUR")


def test_seconds_without_a_limit_have_no_bound() -> None:
    with pytest.raises(InputError, match="give the seconds"):
        price(PerSecond(rate("1.60")), Usage.of([BELL], 1000))


def test_no_bill_is_made_up_where_no_price_is_published() -> None:
    with pytest.raises(InputError, match="no price is published"):
        price(Unpublished(), Usage.of([BELL], 1))


def test_gates_on_three_qubits_are_counted_as_those_they_are_made_of() -> None:
    assert Counts.of(Circuit(3).ccx(0, 1, 2)) == Counts(9, 6, 3, 3)


def test_only_measured_qubits_count_as_measured() -> None:
    assert Counts.of(Circuit(3).h(0).measure(1)) == Counts(1, 0, 3, 1)


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(1, 10**7), st.integers(1, 50))
def test_a_bill_is_that_of_whole_numbers(task: int, shot: int, shots: int, programs: int) -> None:
    """In units of 1e-9: the bill is the sum, rounded up to a millionth."""
    model = PerShot(Decimal(task).scaleb(-9), Decimal(shot).scaleb(-9))
    exact = programs * (task + shots * shot)
    assert price(model, Usage((Counts(),) * programs, shots)).micros == -(-exact // 1000)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: PerShot(rate("-1"), rate("0")), "task"),
        (lambda: PerShot(rate("nan"), rate("0")), "task"),
        (lambda: PerSecond(rate("1"), increment=rate("0")), "increment"),
        (lambda: Credits(rate("1"), divisor=rate("0")), "divisor"),
        (lambda: PerShot(rate("1"), rate("0"), currency="dollars"), "currency"),
        (lambda: Usage((), 1), "at least one program"),
        (lambda: Usage((Counts(),), 0), "shots"),
        (lambda: Usage((Counts(),), 1, rate("inf")), "seconds"),
        (lambda: Counts(-1), "one_qubit_gates"),
    ],
)
def test_what_is_no_price_or_usage_is_refused_by_its_field(made: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        made()  # type: ignore[operator]
