"""The path integral draws from its own distribution."""

import numpy as np
import pytest
from scipy.stats import chisquare

from qupel.errors import InputError
from qupel.kernels.paths import Paths, anneal_paths
from tests.kernels.test_bundle import dense, landscape
from tests.oracles import ising as oracle
from tests.shapes import unchecked


def settled(
    *, clusters: bool, transverse: float, sweeps: int, rows: int = 8000
) -> tuple[np.ndarray, np.ndarray]:
    """Counts of each configuration of slice 3, and their probabilities."""
    land = landscape(4, 3, density=1.0, most=1)
    paths = Paths.random(land, np.random.default_rng(0), rows, 16)
    keys = np.arange(rows, dtype=np.uint64)
    anneal_paths(
        land,
        paths,
        keys,
        sweeps=sweeps,
        temperature=0.5,
        strong=transverse,
        weak=transverse,
        clusters=clusters,
        budget=10**9,
    )
    bits = (paths.down >> np.uint64(3)) & np.uint64(1)
    codes = (bits << np.arange(3, dtype=np.uint64)).sum(axis=1).astype(np.int64)
    chances = oracle.trotter(
        land.fields.astype(float), dense(land), temperature=0.5, transverse=transverse, slices=16
    )
    return np.bincount(codes, minlength=8), chances


@pytest.mark.parametrize(
    ("clusters", "transverse", "sweeps"), [(True, 0.4, 60), (True, 2.0, 40), (False, 2.0, 100)]
)
def test_slices_settle_into_the_distribution_of_the_transfer_matrix(
    clusters: bool, transverse: float, sweeps: int
) -> None:
    seen, chances = settled(clusters=clusters, transverse=transverse, sweeps=sweeps)
    often = chances * seen.sum() > 5
    seen = np.append(seen[often], seen[~often].sum())
    expected = np.append(chances[often], chances[~often].sum()) * seen.sum()
    assert chisquare(seen[expected > 0], expected[expected > 0]).pvalue > 0.01


@pytest.mark.parametrize("clusters", [True, False])
def test_tracked_energies_are_those_of_the_slices(clusters: bool) -> None:
    land = landscape(6, 40, density=0.2)
    paths = Paths.random(land, np.random.default_rng(0), 2, 48)
    keys = np.array([1, 2], np.uint64)
    while (paths.places[:, 0] < 12).any():
        anneal_paths(
            land,
            paths,
            keys,
            sweeps=12,
            temperature=0.1,
            strong=9.0,
            weak=0.01,
            clusters=clusters,
            budget=10_000,
            threads=2,
        )
    fields, pairs = land.fields.astype(float), dense(land)
    for row in range(2):
        expected = [oracle.energy(fields, pairs, s.astype(float)) for s in paths.slices(row)]
        np.testing.assert_allclose(paths.energies[row], expected, atol=1e-9)
        kept = oracle.energy(fields, pairs, paths.best[row].astype(float))
        assert paths.least[row] == pytest.approx(kept)


def test_slices_that_fill_no_vector_are_refused() -> None:
    with unchecked(), pytest.raises(InputError, match="slices"):
        Paths.random(landscape(1, 3), np.random.default_rng(0), 1, 20)
