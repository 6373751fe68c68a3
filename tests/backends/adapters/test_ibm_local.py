"""Against IBM's own library; ``make vendors`` runs these where it is installed."""

from __future__ import annotations

import pytest

from qupel.backends.adapters import ibm
from qupel.backends.checks.canary import check_canary
from qupel.backends.clock import ManualClock
from qupel.backends.contract import Order
from qupel.errors import InputError
from qupel.model.circuit import Circuit
from qupel.model.evidence import Evidence
from qupel.testing import check_backend
from tests.backends.adapters.vendors import needs

pytestmark = [needs("qiskit_ibm_runtime"), pytest.mark.filterwarnings("ignore")]


def test_a_fake_device_keeps_the_contract() -> None:
    backend = ibm.open("fake_manila")
    assert backend.capabilities().evidence is Evidence.NOISY
    check_backend(backend, clock=ManualClock(), shots=60, sizes=(1, 2, 3, 4, 5))


@pytest.mark.slow
def test_a_larger_fake_device_reads_wide_circuits_in_our_order() -> None:
    report = check_canary(ibm.open("fake_kolkata"), sizes=(9, 17), shots=60, clock=ManualClock())
    assert report.passed, report.first


def test_equal_seeds_give_equal_shots() -> None:
    backend = ibm.open("fake_manila")
    order = Order((Circuit(3).h(0).cx(0, 1).cx(1, 2),), 200, "k", "t", {"seed": 5})
    first = backend.result(backend.submit(order), order).readings[0]
    again = backend.result(backend.submit(order), order).readings[0]
    assert first.bits.tolist() == again.bits.tolist()
    assert first.occurrences.tolist() == again.occurrences.tolist()


def test_an_unknown_fake_device_is_told_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match="did you mean 'fake_manila'"):
        ibm.open("fake_manilla")
