"""Stages of a decision as solvers, so that each runs in a worker that can be killed.

A quantum step on a provider is made of three: `Prepare` makes the programs, the ledger has them
run, `Finish` reads the result. Whatever a stage has to tell beside samples stands in their facts.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from qupel.backends.contract import Order, Result
from qupel.encodings.encoded import Encoded, Size
from qupel.encodings.paths import encode
from qupel.errors import ContractError, InputError
from qupel.model.model import Model
from qupel.model.samples import Outcome, Samples
from qupel.runs.contract import Contract
from qupel.runs.description import solver_from
from qupel.runs.ledger.payloads import order_bytes, order_from, result_bytes, result_from
from qupel.runs.routes.profile import measures
from qupel.solvers.classical.last_resort import last_resort
from qupel.solvers.contract import OnEvent, Stop, ignore


@dataclass(frozen=True, slots=True)
class Survey:
    """Measures a problem; see `qupel.runs.routes.profile.measures`. Returns no sample."""

    name: ClassVar[str] = "survey"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type[Any]] = object
    keeps_quotas: ClassVar[bool] = True

    def solve(
        self, form: Any, *, stop: Stop, rng: np.random.Generator, on_event: OnEvent = ignore
    ) -> Samples:
        """Return the measures as facts."""
        return Samples.none(0, facts={"measures": measures(form)})


@dataclass(frozen=True, slots=True)
class Construct:
    """The last resort: every variable at its lower bound, and what repair makes of that."""

    name: ClassVar[str] = "construct"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type[Any]] = object
    keeps_quotas: ClassVar[bool] = True

    def solve(
        self, form: Any, *, stop: Stop, rng: np.random.Generator, on_event: OnEvent = ignore
    ) -> Samples:
        """Return the one row; the attempt around it repairs and judges."""
        found = form.form()
        if isinstance(found, Model) and len(known := last_resort(found)):
            return known
        row = found.lower[None] if isinstance(found, Model) else np.zeros((1, found.variables))
        row = row.astype(np.int64)
        return Samples.of(row, found.energies(row))


@dataclass(frozen=True, slots=True)
class Prepare:
    """Makes the order of a hosted solver, and checks its contract. Returns no sample.

    Attributes
    ----------
    of
        The hosted solver as plain data, its name under ``name``.
    key, tag
        Of the order.
    encoding
        Further arguments of the encoding.
    contract
        Fields of the contract.
    """

    name: ClassVar[str] = "prepare"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type[Any]] = object
    keeps_quotas: ClassVar[bool] = True

    of: Mapping[str, Any]
    key: str
    tag: str
    encoding: Mapping[str, Any] = field(default_factory=dict)
    contract: Mapping[str, Any] = field(default_factory=dict)

    def solve(
        self, form: Any, *, stop: Stop, rng: np.random.Generator, on_event: OnEvent = ignore
    ) -> Samples:
        """Return the order as a fact; see `order_in`."""
        solver, encoded = _encoded(form, self.of, self.encoding)
        contract = Contract.of(self.contract)
        contract.check_answers(form)
        contract.check_solver(solver)
        contract.check_form(encoded.form, solver)
        programs, settings = solver.program(encoded.form, rng, stop=stop)
        order = Order(programs, solver.shots, self.key, self.tag, settings)
        size = Size.of(encoded.form)
        return Samples.none(
            0,
            facts={
                "order": _text(order_bytes(order)),
                "shots": int(solver.shots),
                "qubits": size.variables,
                "interactions": size.interactions,
            },
        )


@dataclass(frozen=True, slots=True)
class Finish:
    """Reads the result of a hosted solver's order, energies recomputed from the data.

    Attributes
    ----------
    of, encoding
        As for `Prepare`.
    result
        The result as text; see `text_of`.
    evidence
        What kind of machine it came from.
    """

    name: ClassVar[str] = "finish"
    kind: ClassVar[str] = "quantum"
    accepts: ClassVar[type[Any]] = object
    keeps_quotas: ClassVar[bool] = True

    of: Mapping[str, Any]
    result: str
    encoding: Mapping[str, Any] = field(default_factory=dict)
    evidence: str = "emulator"

    def solve(
        self, form: Any, *, stop: Stop, rng: np.random.Generator, on_event: OnEvent = ignore
    ) -> Samples:
        """Return the samples in the values of the problem's own form."""
        solver, encoded = _encoded(form, self.of, self.encoding)
        samples = solver.samples(encoded.form, result_from(base64.b64decode(self.result)))
        return Samples(
            np.asarray(encoded.back(samples.values)),
            samples.energies,
            samples.occurrences,
            Outcome.SAMPLED,
            facts=samples.facts,
        )


def order_in(facts: Mapping[str, Any]) -> Order:
    """Return the order that `Prepare` made, from the facts of its record."""
    return order_from(base64.b64decode(facts["order"]))


def text_of(result: Result) -> str:
    """Return a result as `Finish` takes it."""
    return _text(result_bytes(result))


def is_hosted(solver: Any) -> bool:
    """Whether a solver can be split around the step that may have to be paid for."""
    return all(callable(getattr(solver, part, None)) for part in ("program", "samples"))


def outside(description: Mapping[str, Any]) -> dict[str, Any]:
    """Description of a solver such that it is not taken for one nested in a stage."""
    return {"name" if key == "solver" else key: value for key, value in description.items()}


def _text(body: bytes) -> str:
    return base64.b64encode(body).decode("ascii")


def _encoded(
    problem: Any, of: Mapping[str, Any], options: Mapping[str, Any]
) -> tuple[Any, Encoded[Any]]:
    described = {"solver" if key == "name" else key: value for key, value in of.items()}
    solver: Any = solver_from(described, type(problem))
    if not is_hosted(solver):
        raise InputError(f"solver {of.get('name')!r} cannot be split around its quantum step")
    if isinstance(problem, solver.accepts):
        raise ContractError(f"solver {of.get('name')!r} takes the problem itself, not a form")
    encoded = encode(
        problem.form(), into=solver.accepts, keep_quotas=solver.keeps_quotas, **options
    )
    return solver, encoded
