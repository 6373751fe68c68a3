"""Models, QUBOs and Ising models to dimod and back; dimod is loaded on first use."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from qupel.errors import InputError
from qupel.model.ising import Ising
from qupel.model.model import Model
from qupel.model.qubo import Qubo


def to_dimod(form: Model | Qubo | Ising) -> Any:
    """Binary quadratic model of a `Qubo` or `Ising`; constrained quadratic model of a `Model`.

    Variables are labelled 0, 1, … for a `Qubo` and an `Ising`, and by their names for a
    `Model`, in our order. Spins are dimod's spins, energies are equal. A row with two limits
    becomes two constraints, ``name:low`` and ``name:high``.

    Raises
    ------
    InputError
        If dimod is not installed, or the form has quotas, for which a binary quadratic model
        has no place.
    """
    dimod = _dimod()
    if isinstance(form, Model):
        return _constrained(dimod, form)
    if form.quotas:
        raise InputError(
            f"a binary quadratic model has no place for {len(form.quotas)} quotas; "
            "encode(form, Model) keeps them as constraints, "
            "encode(form, type(form), keep_quotas=False) as penalties"
        )
    if isinstance(form, Ising):
        linear, pairs, kind = form.fields, form.couplings.tocoo(), dimod.SPIN
    else:
        linear, pairs, kind = (
            form.weights.diagonal(),
            sparse.triu(form.weights, 1).tocoo(),
            dimod.BINARY,
        )
    return dimod.BinaryQuadraticModel.from_numpy_vectors(
        linear, (*pairs.coords, pairs.data), form.offset, kind
    )


def from_dimod(model: Any) -> Model | Qubo | Ising:
    """`Qubo` or `Ising` of a binary quadratic model, `Model` of a constrained one.

    Variables keep dimod's order; their labels become the names of a `Model`.

    Raises
    ------
    InputError
        If dimod is not installed, or the model has continuous variables, quadratic or soft
        constraints.
    """
    dimod = _dimod()
    if isinstance(model, dimod.BinaryQuadraticModel):
        return _unconstrained(dimod, model)
    if isinstance(model, dimod.ConstrainedQuadraticModel):
        return _model(dimod, model)
    raise InputError(
        "expected a dimod BinaryQuadraticModel or ConstrainedQuadraticModel, "
        f"got {type(model).__name__}"
    )


def _dimod() -> Any:
    try:
        import dimod
    except ImportError as error:
        raise InputError(
            'dimod is not installed; install it by: pip install "qupel[dimod]"'
        ) from error
    return dimod


def _constrained(dimod: Any, model: Model) -> Any:
    cqm = dimod.ConstrainedQuadraticModel()
    binary = ((model.lower == 0) & (model.upper == 1)).tolist()
    bounds = zip(model.names, binary, model.lower.tolist(), model.upper.tolist(), strict=True)
    for name, is_binary, low, high in bounds:
        if is_binary:
            cqm.add_variable("BINARY", name)
        else:
            cqm.add_variable("INTEGER", name, lower_bound=low, upper_bound=high)
    objective = dimod.QuadraticModel()
    for name in model.names:
        # An integer squared is a coefficient of its own; a bit squared is the bit.
        objective.add_variable(
            cqm.vartype(name),
            name,
            lower_bound=cqm.lower_bound(name),
            upper_bound=cqm.upper_bound(name),
        )
    objective.add_linear_from(dict(zip(model.names, model.linear.tolist(), strict=True)))
    held = model.quadratic.tocoo()
    entries = zip(*(part.tolist() for part in held.coords), held.data.tolist(), strict=True)
    for i, j, weight in entries:
        if i == j and binary[i]:
            objective.add_linear(model.names[i], weight)
        else:
            objective.add_quadratic(model.names[i], model.names[j], weight)
    objective.offset = model.offset
    cqm.set_objective(objective)
    for k, name in enumerate(model.row_names):
        held_row = slice(model.rows.indptr[k], model.rows.indptr[k + 1])
        terms = [
            (model.names[i], weight)
            for i, weight in zip(
                model.rows.indices[held_row].tolist(),
                model.rows.data[held_row].tolist(),
                strict=True,
            )
        ]
        low, high = float(model.row_lower[k]), float(model.row_upper[k])
        if low == high:
            cqm.add_constraint_from_iterable(terms, "==", rhs=low, label=name)
            continue
        sides = [
            (sense, limit) for sense, limit in ((">=", low), ("<=", high)) if np.isfinite(limit)
        ]
        for sense, limit in sides:
            label = name if len(sides) == 1 else f"{name}:{'low' if sense == '>=' else 'high'}"
            cqm.add_constraint_from_iterable(terms, sense, rhs=limit, label=label)
    return cqm


def _unconstrained(dimod: Any, bqm: Any) -> Qubo | Ising:
    order = list(bqm.variables)
    linear, (i, j, pairs), offset = bqm.to_numpy_vectors(variable_order=order)
    n = len(order)
    ends = np.sort(np.stack([i, j]).astype(np.int64), axis=0)
    upper = sparse.coo_array((np.asarray(pairs, np.float64), tuple(ends)), shape=(n, n)).tocsr()
    if bqm.vartype is dimod.SPIN:
        return Ising(linear, upper, float(offset))
    return Qubo(upper + sparse.diags_array(np.asarray(linear, np.float64)), float(offset))


def _model(dimod: Any, cqm: Any) -> Model:
    labels = list(cqm.variables)
    place = {label: k for k, label in enumerate(labels)}
    refused = {
        dimod.REAL: "continuous; scale and round it to integers",
        dimod.SPIN: "a spin; change it by cqm.spin_to_binary()",
    }
    for label in labels:
        if cqm.vartype(label) in refused:
            what = refused[cqm.vartype(label)]
            raise InputError(f"a model holds integers, but variable {label!r} is {what}")
    linear, pairs, offset = _parts(cqm.objective, place)
    rows, low, high, names = [], [], [], []
    for label, constraint in cqm.constraints.items():
        left, products, constant = _parts(constraint.lhs, place)
        if products.nnz:
            raise InputError(f"constraint {label!r} is quadratic; constraints are linear")
        if constraint.lhs.is_soft():
            raise InputError(f"constraint {label!r} is soft; add its penalty to the objective")
        limit = float(constraint.rhs) - constant
        rows.append(left)
        low.append(-np.inf if constraint.sense.value == "<=" else limit)
        high.append(np.inf if constraint.sense.value == ">=" else limit)
        names.append(str(label))
    return Model.from_arrays(
        linear,
        quadratic=pairs,
        offset=offset,
        lower=[int(np.ceil(cqm.lower_bound(label))) for label in labels],
        upper=[int(np.floor(cqm.upper_bound(label))) for label in labels],
        rows=np.array(rows).reshape(len(rows), len(labels)),
        row_lower=low,
        row_upper=high,
        names=[str(label) for label in labels],
        row_names=names,
    )


def _parts(expression: Any, place: dict[Any, int]) -> tuple[np.ndarray, sparse.csr_array, float]:
    """Linear part, upper triangle and constant of a dimod expression."""
    n = len(place)
    linear = np.zeros(n)
    for label, weight in expression.linear.items():
        linear[place[label]] += weight
    entries = [
        (min(place[a], place[b]), max(place[a], place[b]), float(w))
        for (a, b), w in expression.quadratic.items()
    ]
    held = np.array(entries, dtype=np.float64).reshape(-1, 3)
    i, j = held[:, 0].astype(np.int64), held[:, 1].astype(np.int64)
    pairs = sparse.coo_array((held[:, 2], (i, j)), shape=(n, n)).tocsr()
    return linear, sparse.csr_array(pairs), float(expression.offset)
