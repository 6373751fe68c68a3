from __future__ import annotations

from dataclasses import replace

import pytest

from qupel.backends import local
from qupel.backends.adapters.azure import Azure
from qupel.backends.adapters.braket import Braket
from qupel.backends.adapters.claims import profile_behind
from qupel.backends.adapters.ibm import Ibm
from qupel.backends.adapters.ibm_service import Service
from qupel.backends.adapters.ionq import Ionq
from qupel.backends.adapters.neutral import Neutral
from qupel.backends.catalogue.listing import profile_named
from qupel.backends.clock import ManualClock
from qupel.backends.contract import Bills, Capabilities, JobStatus, Order, Result
from qupel.backends.emulator import Provider, Site, Terms, Waiting, device_named, direct, serving
from qupel.backends.http import HttpTransport
from qupel.model.money import Money
from qupel.testing import check_backend
from qupel.testing.solver import ConformanceError
from tests.backends.adapters.clouds import FakeAzure, FakeBraket, FakeIbm

PURSE = Money.of(1000)


@pytest.mark.parametrize("device", ["statevector", "annealer"])
def test_local_devices_keep_their_contract(device: str) -> None:
    check_backend(local.open(device), clock=ManualClock())


@pytest.mark.parametrize(
    ("device", "keys"), [("ideal", True), ("ideal", False), ("noisy", True), ("annealer", False)]
)
def test_neutral_adapter_keeps_its_contract(device: str, keys: bool) -> None:
    clock = ManualClock()
    provider = Provider(Terms(keys=keys, listing_lag=60.0, waiting=Waiting(300.0)), clock)
    backend = Neutral(device, direct(provider), lag_seconds=60.0)
    check_backend(backend, most=PURSE, clock=clock)


def test_neutral_adapter_keeps_its_contract_over_http() -> None:
    provider = Provider(Terms(), ManualClock())
    token = provider.open_account("tenant")
    with serving(Site(provider)) as url:
        transport = HttpTransport(url, lambda: {"Authorization": f"Bearer {token}"})
        check_backend(
            Neutral("ideal", transport), most=PURSE, clock=provider.clock, sizes=(1, 2, 3, 8)
        )


def test_ionq_adapter_keeps_its_contract_against_the_emulator() -> None:
    clock = ManualClock()
    devices = (device_named("ideal"), device_named("ionq-forte-1"))
    provider = Provider(Terms(devices=devices, waiting=Waiting(7.0), listing_lag=60.0), clock)
    transport = direct(provider, prefix="/v0.4")
    for device in ("simulator", "qpu.forte-1"):
        profile = profile_behind("ionq", device)
        backend = Ionq(device, transport, profile, lag_seconds=60.0)
        check_backend(backend, most=PURSE, clock=clock, shots=50, mark=device)


def test_ibm_adapter_keeps_its_contract_against_a_small_cloud() -> None:
    line = Service(FakeIbm(), "ibm_fez")
    backend = Ibm("ibm_fez", line, profile_behind("ibm", "ibm_fez"))
    check_backend(backend, most=Money.of(10_000), clock=ManualClock(), shots=20)


@pytest.mark.parametrize("device", ["quantinuum.qpu.h2-1", "ionq.qpu.forte-1"])
def test_azure_adapter_keeps_its_contract_against_a_small_cloud(device: str) -> None:
    cloud = FakeAzure()
    name = "ionq-forte-1" if device.startswith("ionq") else "quantinuum-h2-1"
    profile = profile_named(name)
    backend = Azure(device, cloud, "/workspaces/w", cloud.storage, profile)
    check_backend(backend, most=Money.of(100_000), clock=ManualClock(), shots=20)


@pytest.mark.parametrize(
    ("device", "seconds"), [("iqm-garnet", None), ("rigetti-ankaa-3", None), ("sv1", 0.25)]
)
def test_braket_adapter_keeps_its_contract_on_a_small_line(
    device: str, seconds: float | None
) -> None:
    backend = Braket(device, FakeBraket(seconds), profile_behind("braket", device))
    check_backend(
        backend, most=Money.of(1000), clock=ManualClock(), shots=20, sizes=(1, 2, 3, 5, 8)
    )


class Silent(Braket):
    """Braket, if it told neither shots nor seconds."""

    bills: Bills = Bills.UNTOLD

    def capabilities(self) -> Capabilities:
        return replace(super().capabilities(), bills=self.bills)

    def status(self, job: str) -> JobStatus:
        return replace(super().status(job), billed=None)

    def result(self, job: str, order: Order) -> Result:
        return replace(super().result(job, order), billed=None)


@pytest.mark.parametrize("bills", [Bills.TOLD, Bills.COMPUTED])
def test_a_backend_that_owes_a_bill_and_tells_none_breaks_its_contract(bills: Bills) -> None:
    backend = Silent("iqm-garnet", FakeBraket(), profile_behind("braket", "iqm-garnet"))
    backend.bills = bills
    with pytest.raises(ConformanceError, match=f"nobody tells its bill, which is to be {bills}"):
        check_backend(backend, most=PURSE, clock=ManualClock(), shots=20, sizes=(1, 2))


def test_a_backend_may_say_that_it_tells_no_bills() -> None:
    backend = Silent("iqm-garnet", FakeBraket(), profile_behind("braket", "iqm-garnet"))
    check_backend(backend, most=PURSE, clock=ManualClock(), shots=20, sizes=(1, 2))
