from __future__ import annotations

import numpy as np
from scipy import sparse

from qupel.encodings import qubo as module
from qupel.encodings.paths import encode
from qupel.model import Ising, Model, Qubo


def test_squares_of_wide_rows_are_those_of_a_sparse_product() -> None:
    rng = np.random.default_rng(1)
    dense = rng.integers(-3, 9, (3, 600)) * (rng.random((3, 600)) < 0.8)
    matrix = sparse.csr_array(dense.astype(float))
    share, linear = rng.random(3), rng.random(600)
    full = matrix.T @ sparse.diags_array(share) @ matrix
    expected = 2 * sparse.triu(full, 1) + sparse.diags_array(full.diagonal() + linear)
    found = module._upper_square(matrix, share, linear)
    np.testing.assert_allclose(found.toarray(), expected.toarray(), rtol=1e-12)
    assert found.has_sorted_indices
    assert found.data.all()


def test_a_wide_budget_costs_nothing_where_it_is_kept() -> None:
    rng = np.random.default_rng(2)
    weights, values = rng.integers(1, 9, (1, 600)), rng.integers(1, 9, 600).astype(float)
    model = Model.from_arrays(-values, rows=weights.astype(float), row_upper=[500.0])
    pick = np.zeros((1, 600), np.int64)
    pick[0, :40] = 1
    for form in (Qubo, Ising):
        encoded = encode(model, into=form)
        energies = encoded.form.energies(encoded.forth(pick))
        np.testing.assert_allclose(energies, -values[:40].sum())
