from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from qupel.errors import InputError
from qupel.kernels import gpu, ising
from qupel.kernels.gpu_annealing import Annealer, runs_of
from tests.gpu.devices import NAMES, ORDERS, device_named
from tests.gpu.emulator import Emulator
from tests.gpu.instances import SHAPES, empty, in_order, laid_out
from tests.oracles import ising as oracle
from tests.shapes import unchecked

SWEEPS, HOT, COLD = 5, 3.0, 0.4


@pytest.fixture(params=NAMES)
def device(request: pytest.FixtureRequest) -> gpu.Device:
    return device_named(request.param)


def started(
    land: ising.Landscape, replicas: int, device: gpu.Device
) -> tuple[Annealer, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(replicas)
    spins = land.random(rng, replicas)
    keys = rng.integers(0, 2**64, replicas, dtype=np.uint64)
    return Annealer.of(land, spins, keys, device=device), spins, keys


def run(annealer: Annealer, begin: int = 0, end: int = SWEEPS) -> None:
    annealer.run(begin, end, sweeps=SWEEPS, hot=HOT, cold=COLD)


@pytest.mark.parametrize("name", SHAPES)
def test_each_replica_walks_the_chain_of_its_key(device: gpu.Device, name: str) -> None:
    land, replicas = laid_out(name), 3
    annealer, spins, keys = started(land, replicas, device)
    run(annealer)
    fields, couplings = in_order(land)
    groups = [(group.start, group.stop) for group in land.groups]
    for replica in range(replicas):
        row = spins[replica, : land.n]
        seen = [oracle.energy(fields, couplings, row)]
        for sweep in range(SWEEPS):
            temperature = COLD + (HOT - COLD) * (SWEEPS - 1 - sweep) / (SWEEPS - 1)
            key = oracle.draw(int(keys[replica]), sweep)
            row = oracle.sweep(fields, couplings, row, temperature, key, groups)
            seen.append(oracle.energy(fields, couplings, row))
        np.testing.assert_array_equal(annealer.spins()[replica, : land.n], row)
        assert annealer.energies()[replica] == seen[-1]
        assert annealer.least()[replica] == min(seen)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("name", SHAPES)
def test_replicas_end_where_those_of_the_processor_do(
    device: gpu.Device, name: str, whole: bool
) -> None:
    land, replicas = laid_out(name, whole=whole), 36 if name.startswith("sparse") else 4
    annealer, spins, keys = started(land, replicas, device)
    run(annealer)
    chains = ising.Chains.of(land, spins)
    places, lengths = np.zeros((replicas, 2), np.int64), np.full(replicas, SWEEPS, np.int64)
    ising.anneal(land, chains, places, lengths, keys, hot=HOT, cold=COLD, budget=10**9)
    np.testing.assert_array_equal(annealer.spins(), chains.spins)
    np.testing.assert_array_equal(annealer.best(np.arange(replicas)), chains.best)
    np.testing.assert_allclose(annealer.energies(), chains.energies, atol=1e-10)
    np.testing.assert_allclose(annealer.least(), chains.least, atol=1e-10)


@pytest.mark.parametrize("name", ["sparse with groups", "dense with a group"])
def test_where_sweeps_are_cut_changes_nothing(device: gpu.Device, name: str) -> None:
    land = laid_out(name, whole=False)
    whole, *_ = started(land, 5, device)
    parts, *_ = started(land, 5, device)
    run(whole)
    for begin in range(SWEEPS):
        run(parts, begin, begin + 1)
    np.testing.assert_array_equal(whole.spins(), parts.spins())
    np.testing.assert_array_equal(whole.least(), parts.least())


@pytest.mark.parametrize("name", ["sparse with groups", "dense with a group"])
def test_a_single_odd_spin_of_a_group_moves_by_swaps(device: gpu.Device, name: str) -> None:
    # The processor draws its place by a heat bath instead, so chains differ from here on.
    land = laid_out(name, ones=1)
    annealer, start, _ = started(land, 4, device)
    run(annealer)
    fields, couplings = in_order(land)
    found = annealer.spins()[:, : land.n]
    assert (found != start[:, : land.n]).any()
    for group in land.groups:
        assert ((found[:, group] < 0).sum(axis=1) == 1).all()
    expected = [oracle.energy(fields, couplings, row) for row in found]
    assert annealer.energies().tolist() == expected


@pytest.mark.parametrize("name", ["sparse with groups", "dense with a group"])
def test_groups_keep_their_counts(device: gpu.Device, name: str) -> None:
    land = laid_out(name)
    annealer, *_ = started(land, 4, device)
    run(annealer)
    for group, count in zip(land.groups, land.counts.tolist(), strict=True):
        assert ((annealer.spins()[:, group] < 0).sum(axis=1) == count).all()


@pytest.mark.parametrize("name", ["sparse", "dense"])
def test_a_replica_does_not_depend_on_its_neighbours(device: gpu.Device, name: str) -> None:
    land = laid_out(name, whole=False)
    many, spins, keys = started(land, 4, device)
    one = Annealer.of(land, spins[2:3], keys[2:3], device=device)
    run(many)
    run(one)
    np.testing.assert_array_equal(one.spins()[0], many.spins()[2])
    np.testing.assert_array_equal(one.best(np.array([0]))[0], many.best(np.array([2]))[0])


@pytest.mark.parametrize("name", SHAPES)
def test_the_order_of_threads_and_blocks_changes_nothing(name: str) -> None:
    land = laid_out(name, whole=False)
    found = []
    for order in ORDERS:
        annealer, *_ = started(land, 34 if name.startswith("sparse") else 3, device_named(order))
        run(annealer)
        found.append((annealer.spins().tobytes(), annealer.least().tobytes()))
    assert found[0] == found[1]


@pytest.mark.parametrize("name", ["sparse with groups", "dense with a group"])
def test_the_size_of_the_grid_changes_nothing(name: str) -> None:
    land = laid_out(name, whole=False)
    kernels = frozenset({"weigh_sparse", "anneal_sparse", "weigh_dense", "anneal_dense"})
    replicas = 70 if name.startswith("sparse") else 3
    found = []
    for device in (Emulator(), Emulator(narrow=kernels)):
        annealer, *_ = started(land, replicas, device)
        run(annealer)
        found.append((annealer.spins().tobytes(), annealer.least().tobytes()))
    assert found[0] == found[1]


def test_runs_are_free_of_couplings_and_cover_the_free_spins() -> None:
    for name in SHAPES:
        land = laid_out(name)
        bounds = runs_of(land)
        _, couplings = in_order(land)
        assert (bounds[0], bounds[-1]) == (0, land.free)
        for begin, end in pairwise(bounds.tolist()):
            assert begin < end
            assert not couplings[begin:end, begin:end].any()


def test_a_replica_without_a_key_is_refused() -> None:
    land = laid_out("sparse")
    with unchecked(), pytest.raises(InputError, match="each replica has a key"):
        Annealer.of(
            land,
            land.random(np.random.default_rng(1), 3),
            np.zeros(2, np.uint64),
            device=device_named("emulated"),
        )


def test_replicas_without_spins_have_no_energy(device: gpu.Device) -> None:
    annealer, *_ = started(empty(), 2, device)
    run(annealer)
    assert annealer.least().tolist() == [0, 0]
