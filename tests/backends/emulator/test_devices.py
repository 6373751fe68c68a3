"""Devices for hire."""

from __future__ import annotations

from decimal import Decimal

import pytest

from qupel.backends.catalogue.prices import PerSecond
from qupel.backends.contract import Kind
from qupel.backends.emulator import device_named
from qupel.errors import InputError
from qupel.model.circuit import Circuit
from qupel.model.money import Money


def test_a_device_of_the_catalogue_has_its_size_region_price_and_noise() -> None:
    forte = device_named("ionq-forte-1")
    assert (forte.kind, forte.qubits, forte.region) == (Kind.CIRCUIT, 36, "us-east-1")
    assert forte.bill((Circuit(2),), 100) == Money.of("8.30")
    assert forte.errors.two_qubit > forte.errors.one_qubit > 0
    assert forte.seconds(1, 100) > 0.1


def test_an_annealer_of_the_catalogue_anneals() -> None:
    device = device_named("dwave-advantage")
    assert device.kind is Kind.ANNEALING
    assert device.qubits > 5000
    assert isinstance(device.prices, PerSecond)


def test_seconds_are_billed_in_whole_increments() -> None:
    device = device_named("annealer")
    assert device.prices == PerSecond(Decimal(2), increment=Decimal("0.001"))
    assert device.bill((Circuit(1),), 1) == Money.of("0.022")


@pytest.mark.parametrize("name", ["microsoft-majorana-1", "quera-aquila"])
def test_a_device_that_runs_nothing_for_hire_cannot_be_emulated(name: str) -> None:
    with pytest.raises(InputError, match=name):
        device_named(name)


def test_an_unknown_device_is_told_with_the_nearest_one() -> None:
    with pytest.raises(InputError, match="did you mean 'annealer'"):
        device_named("anealer")
