"""Reads of an annealer, computed: independent runs of simulated annealing, one a read."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64, UInt8

from qupel.backends.contract import Reading
from qupel.kernels.ising import Chains, Landscape, anneal
from qupel.model.ising import Ising
from qupel.model.sparse import symmetric

#: Work of one call of the kernel in rough nanoseconds.
_BUDGET = 50_000_000
#: Numbers that the chains of one batch hold at most.
_HELD = 4_000_000


def anneal_spins(form: Ising, reads: int, sweeps: int, rng: np.random.Generator) -> Reading:
    """Anneal ``reads`` times from random spins and return where each run ended.

    Metropolis sweeps under a temperature that falls linearly (Kirkpatrick, Gelatt, Vecchi 1983,
    doi:10.1126/science.220.4598.671), from the largest local field down to a twentieth of the
    smallest; quotas are kept by swaps. There is no descent afterwards: the reads are samples.

    Parameters
    ----------
    form
        What to sample.
    reads
        Independent runs.
    sweeps
        Sweeps of each run.
    rng
        Chooses the first spins and the streams of the runs.

    Returns
    -------
    Reading
        Bits, 1 for spin −1, with true energies as the claim.
    """
    pairs = symmetric(form.couplings)
    land = Landscape.of(
        form.fields,
        pairs.indptr,
        pairs.indices,
        pairs.data,
        [(quota.members, quota.count) for quota in form.quotas],
    )
    hot, cold = _temperatures(form)
    batch = max(1, _HELD // max(1, land.stride))
    rows = [
        _batch(land, min(batch, reads - begun), sweeps, hot, cold, rng)
        for begun in range(0, reads, batch)
    ]
    spins = np.concatenate(rows)
    bits, where = distinct_rows((spins < 0).astype(np.uint8))
    energies = form.energies(1 - 2 * bits.astype(np.int8))
    return Reading(bits, np.bincount(where).astype(np.int64), energies)


def distinct_rows(
    bits: UInt8[np.ndarray, "rows n"],
) -> tuple[UInt8[np.ndarray, "distinct n"], Int64[np.ndarray, " rows"]]:
    """Distinct rows in order, and which of them each row is; rows are compared as one word."""
    if not bits.shape[1]:
        return bits[:1], np.zeros(len(bits), np.int64)
    words = np.ascontiguousarray(bits).view(f"V{bits.shape[1]}").reshape(-1)
    _, first, where = np.unique(words, return_index=True, return_inverse=True)
    return bits[first], where.reshape(-1).astype(np.int64)


def _batch(
    land: Landscape, reads: int, sweeps: int, hot: float, cold: float, rng: np.random.Generator
) -> np.ndarray:
    chains = Chains.of(land, land.random(rng, reads))
    places = np.zeros((reads, 2), np.int64)
    lengths = np.full(reads, sweeps, np.int64)
    keys = rng.integers(0, 2**64, reads, dtype=np.uint64)
    while (places[:, 0] < lengths).any():
        anneal(
            land, chains, places, lengths, keys, hot=hot, cold=cold,
            budget=max(1, _BUDGET // reads),
        )  # fmt: skip
    return land.rows(chains.spins)


def _temperatures(form: Ising) -> tuple[float, float]:
    """Temperatures at which nearly every flip is taken, and at which nearly none is."""
    sizes = abs(symmetric(form.couplings))
    reach = np.abs(form.fields) + sizes.sum(axis=1)
    acting = np.concatenate([np.abs(form.fields), sizes.data])
    acting = acting[acting > 0]
    if not acting.size:
        return 1.0, 0.1
    return float(reach.max()), float(acting.min()) / 20
