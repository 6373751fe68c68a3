from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

from qupel.errors import InputError
from qupel.kernels import gpu
from qupel.model import Ising, Quota
from qupel.model.samples import Samples
from qupel.solvers import on_device
from qupel.solvers.classical.annealing import Annealing
from qupel.solvers.contract import Event, Incumbent, Stop, ignore
from tests.gpu.devices import NAMES, ORDERS, device_named

SETTINGS = Annealing(replicas=40, sweeps=6, most_sweeps=12)


@pytest.fixture(params=NAMES)
def device(request: pytest.FixtureRequest) -> gpu.Device:
    return device_named(request.param)


def glass(n: int, quotas: tuple[Quota, ...] = ()) -> Ising:
    """So few couplings that the sparse kernel, which is quick to emulate, takes it."""
    rng = np.random.default_rng(n)
    couplings = np.zeros((n, n))
    chosen = rng.choice(n * (n - 1) // 2, n - 2, replace=False)
    rows, columns = np.triu_indices(n, 1)
    couplings[rows[chosen], columns[chosen]] = rng.choice([-1.0, 1.0], n - 2)
    return Ising(rng.integers(-1, 2, n).astype(float), couplings, 0.5, quotas=quotas)


def annealed(form: Ising, device: gpu.Device, rounds: int = 3) -> Samples:
    return on_device.anneal(
        SETTINGS,
        form,
        stop=Stop(rounds=rounds),
        rng=np.random.default_rng(7),
        on_event=ignore,
        device=device,
    )


def test_samples_are_true_and_best_first(device: gpu.Device) -> None:
    form = glass(14)
    samples = annealed(form, device)
    np.testing.assert_allclose(samples.energies, form.energies(samples.values))
    assert (np.diff(samples.energies) >= 0).all()


def test_the_ground_state_of_a_small_glass_is_found(device: gpu.Device) -> None:
    form = glass(14)
    every = 1 - 2 * ((np.arange(2**14)[:, None] >> np.arange(14)) & 1).astype(np.int8)
    assert annealed(form, device).energies[0] == form.energies(every).min()


def test_quotas_are_kept(device: gpu.Device) -> None:
    form = glass(20, (Quota((1, 4, 5, 8), 2), Quota((0, 2, 3), 1)))
    samples = annealed(form, device, rounds=1)
    for quota in form.quotas:
        assert ((samples.values[:, list(quota.members)] < 0).sum(axis=1) == quota.count).all()


def test_equal_generators_give_equal_samples_on_any_order_of_threads() -> None:
    found = [annealed(glass(20), device_named(name)) for name in ORDERS]
    assert found[0].values.tobytes() == found[1].values.tobytes()
    assert found[0].energies.tobytes() == found[1].energies.tobytes()


def test_a_pass_may_be_stopped_between_any_two_looks(
    device: gpu.Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = annealed(glass(20), device, rounds=1)
    monkeypatch.setattr(on_device, "VISITS", 1)
    parts = annealed(glass(20), device, rounds=6)
    assert whole.facts["sweeps"] == parts.facts["sweeps"] == 240
    assert whole.energies.tobytes() == parts.energies.tobytes()


def test_incumbents_fall(device: gpu.Device) -> None:
    seen: list[Event] = []
    on_device.anneal(
        replace(SETTINGS, sweeps=1),
        glass(30),
        stop=Stop(rounds=4),
        rng=np.random.default_rng(1),
        on_event=seen.append,
        device=device,
    )
    energies = [event.energy for event in seen if isinstance(event, Incumbent)]
    assert energies
    assert (np.diff(energies) < 0).all()


def test_without_cupy_the_search_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(InputError, match=r"qupel\[gpu\]"):
        on_device.anneal(
            SETTINGS,
            glass(8),
            stop=Stop(rounds=1),
            rng=np.random.default_rng(1),
            on_event=ignore,
        )
