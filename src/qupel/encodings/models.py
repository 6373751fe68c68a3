"""QUBOs and Ising models as models, for solvers of integer programs."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from qupel.encodings.encoded import Encoded, Report, Same, Size
from qupel.encodings.rows import quota_rows
from qupel.model.model import Model
from qupel.model.qubo import Qubo


def qubo_to_model(qubo: Qubo) -> Encoded[Model]:
    """Write a QUBO as a model over binary variables; quotas become equality rows."""
    rows = quota_rows(qubo.quotas, qubo.variables)
    model = Model.from_arrays(
        qubo.weights.diagonal(),
        quadratic=sparse.triu(qubo.weights, 1, format="csr"),
        offset=qubo.offset,
        rows=rows.matrix.astype(np.float64),
        row_lower=rows.low,
        row_upper=rows.high,
        row_names=rows.names,
    )
    return Encoded(model, Same(), Same(), Report(Size.of(qubo), Size.of(model)))
