from __future__ import annotations

import pytest

from qupel.backends import local
from qupel.backends.adapters.neutral import Neutral
from qupel.backends.clock import ManualClock
from qupel.backends.emulator import Provider, Site, Terms, Waiting, direct, serving
from qupel.backends.http import HttpTransport
from qupel.model.money import Money
from qupel.testing import check_backend

PURSE = Money.of(1000)


@pytest.mark.parametrize("device", ["statevector", "annealer"])
def test_local_devices_keep_their_contract(device: str) -> None:
    check_backend(local.open(device), clock=ManualClock())


@pytest.mark.parametrize("device", ["ideal", "noisy", "annealer"])
@pytest.mark.parametrize("keys", [True, False])
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
