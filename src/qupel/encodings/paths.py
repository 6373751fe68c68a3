"""One door to all encodings: from a form into the form that a solver accepts."""

from __future__ import annotations

from typing import Any

from qupel.encodings.encoded import Encoded, Report, Same, Size
from qupel.encodings.models import qubo_to_model
from qupel.encodings.qubo import model_to_qubo, without_quotas
from qupel.encodings.reduction import reduce
from qupel.encodings.spins import ising_to_qubo, qubo_to_ising
from qupel.errors import InputError
from qupel.model.ising import Ising
from qupel.model.model import Model
from qupel.model.qubo import Qubo

FORMS = (Model, Qubo, Ising)


def encode(
    form: Any,
    into: type[Any],
    *,
    keep_quotas: bool = True,
    reduced: bool = False,
    **options: Any,
) -> Encoded[Any]:
    """Rewrite ``form`` as an ``into``, with the way back and a report.

    Parameters
    ----------
    form
        A `Model`, `Qubo` or `Ising`.
    into
        One of these three types.
    keep_quotas
        Whether "exactly k of these" stays a quota, for solvers that keep quotas by themselves,
        or becomes a penalty. Models hold quotas as constraints in any case.
    reduced
        Whether to fix what can be fixed beforehand; see `reduce`.
    options
        For a model that becomes bits: ``integers``, ``slack``, ``largest_coefficient``,
        ``resolution``; see `model_to_qubo`.

    Raises
    ------
    InputError
        If there is no way from the form into the type.
    """
    for what, name in ((type(form), "form"), (into, "into")):
        if what not in FORMS:
            raise InputError(
                f"{name} must be one of Model, Qubo, Ising, got {getattr(what, '__name__', what)}; "
                "a solver that accepts a problem is given the problem itself"
            )
    if options and (into is Model or not isinstance(form, Model)):
        raise InputError(
            f"{', '.join(sorted(options))}: options for models that become bits, not for "
            f"{type(form).__name__} into {into.__name__}"
        )
    step: Encoded[Any] = reduce(form) if reduced else _same(form)
    if isinstance(step.form, Model) and into is not Model:
        step = step.then(model_to_qubo(step.form, keep_quotas=keep_quotas, **options))
        if reduced:
            step = step.then(reduce(step.form))
    if isinstance(step.form, Ising) and into is not Ising:
        step = step.then(ising_to_qubo(step.form))
    if into is not Model and not keep_quotas and step.form.quotas:
        if isinstance(step.form, Ising):
            step = step.then(ising_to_qubo(step.form))
        step = step.then(without_quotas(step.form))
    if isinstance(step.form, Qubo) and into is Ising:
        step = step.then(qubo_to_ising(step.form))
    if isinstance(step.form, Qubo) and into is Model:
        step = step.then(qubo_to_model(step.form))
    return step


def _same(form: Any) -> Encoded[Any]:
    return Encoded(form, Same(), Same(), Report(Size.of(form), Size.of(form)))
