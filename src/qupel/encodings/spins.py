"""Bits to spins and back: s = 1 − 2 x, energy for energy."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from qupel.encodings.encoded import BitsToSpins, Encoded, Report, Size, SpinsToBits
from qupel.model.ising import Ising
from qupel.model.qubo import Qubo


def qubo_to_ising(qubo: Qubo) -> Encoded[Ising]:
    """Rewrite a QUBO over spins, with the same energy at every point.

    A quota of k ones becomes a quota of k spins −1, which is the same quota.

    References
    ----------
    Lucas (2014), Ising formulations of many NP problems, doi:10.3389/fphy.2014.00005.
    """
    linear = qubo.weights.diagonal()
    quarters = _pairs(qubo.weights) / 4
    fields = -linear / 2 - quarters.sum(axis=0) - quarters.sum(axis=1)
    offset = float(qubo.offset + linear.sum() / 2 + quarters.sum())
    ising = Ising(fields, quarters, offset, qubo.quotas)
    return Encoded(ising, SpinsToBits(), BitsToSpins(), Report(Size.of(qubo), Size.of(ising)))


def _pairs(weights: sparse.csr_array) -> sparse.csr_array:
    """Entries off the diagonal of an upper triangular matrix, whose rows begin with theirs."""
    n = weights.shape[0]
    filled = np.flatnonzero(np.diff(weights.indptr))
    firsts = weights.indptr[filled]
    on = weights.indices[firsts] == filled
    kept = np.ones(weights.nnz, dtype=bool)
    kept[firsts[on]] = False
    gone = np.zeros(n + 1, weights.indptr.dtype)
    gone[filled[on] + 1] = 1
    parts = (weights.data[kept], weights.indices[kept], weights.indptr - np.cumsum(gone))
    return sparse.csr_array(parts, shape=(n, n))


def ising_to_qubo(ising: Ising) -> Encoded[Qubo]:
    """Rewrite an Ising model over bits, with the same energy at every point."""
    pairs = ising.couplings
    linear = -2 * (ising.fields + pairs.sum(axis=0) + pairs.sum(axis=1))
    offset = float(ising.offset + ising.fields.sum() + pairs.sum())
    weights = 4 * pairs + sparse.diags_array(linear)
    qubo = Qubo(weights, offset, ising.quotas)
    return Encoded(qubo, BitsToSpins(), SpinsToBits(), Report(Size.of(ising), Size.of(qubo)))
