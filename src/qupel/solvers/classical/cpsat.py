"""CP-SAT of OR-Tools for models of any kind, and how it is run within a stop rule."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float64, Int64

from qupel.errors import InputError
from qupel.model.model import Model
from qupel.model.samples import Outcome, Samples
from qupel.solvers.classical.last_resort import last_resort
from qupel.solvers.contract import OnEvent, Stop, Watch, ignore

#: CP-SAT's deterministic seconds that count as one round of a stop rule.
ROUND = 0.01

#: Sums of scaled coefficients stay below this, far from the engine's overflow.
LARGEST_SUM = 2**50


@dataclass(frozen=True, slots=True)
class CpSat:
    """CP-SAT: clause learning with linear relaxation, proves optimality or infeasibility.

    Products of binaries become their conjunctions, products with integers become exact product
    constraints. The engine computes in integers: coefficients that are decimal or binary
    fractions are scaled exactly, others rounded at a scale that is told in the facts as
    ``objective_error``, and the bound is lowered by it. All energies are recomputed.

    A round of the stop rule is 0.01 of the engine's deterministic seconds. Runs that count
    rounds use one worker whatever ``threads`` says, so that they repeat.

    Attributes
    ----------
    threads
        Workers of the engine.
    """

    name: ClassVar[str] = "cpsat"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type] = Model
    keeps_quotas: ClassVar[bool] = True

    threads: int = 1

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise InputError(f"threads must be at least 1, got {self.threads}")

    def solve(
        self,
        form: Model,
        *,
        stop: Stop,
        rng: np.random.Generator,
        on_event: OnEvent = ignore,
    ) -> Samples:
        """Search until ``stop`` says so or the best point is proved best."""
        watch = Watch(on_event)
        seed = int(rng.integers(2**31))
        built = _build(form, stop)
        if built is None:
            return last_resort(form)
        model, columns, scale, error = built

        def lower(bound: float) -> float:
            return bound / scale + form.offset - error

        run = run_engine(
            model,
            columns,
            stop=stop,
            seed=seed,
            threads=self.threads,
            watch=watch,
            energy=lambda row: float(form.energies(row[None])[0]),
            lower=lower,
        )
        facts = {"solutions": len(run.rows), "objective_error": error}
        if run.outcome is Outcome.INFEASIBLE:
            return Samples.none(form.variables, outcome=run.outcome, facts=facts)
        rows = np.array(run.rows, np.int64).reshape(-1, form.variables)
        rows = rows[form.feasible(rows)]
        if not len(rows):
            return last_resort(form, bound=run.bound, facts=facts)
        energies = form.energies(rows)
        bound = min(run.bound, float(energies.min()))
        outcome = run.outcome
        if outcome is Outcome.OPTIMAL and error > 1e-6 * max(1.0, abs(bound)):
            outcome = Outcome.STOPPED  # proved for the rounded objective only
        return Samples.of(rows, energies, outcome=outcome, bound=bound, facts=facts)


@dataclass(frozen=True, slots=True, eq=False)
class EngineRun:
    """What a run of the engine found: improving rows in the order they came."""

    rows: list[Int64[np.ndarray, " n"]]
    outcome: Outcome
    bound: float


def run_engine(
    model: Any,
    columns: list[int],
    *,
    stop: Stop,
    seed: int,
    threads: int,
    watch: Watch,
    energy: Callable[[Int64[np.ndarray, " n"]], float],
    lower: Callable[[float], float],
    settings: Mapping[str, Any] | None = None,
) -> EngineRun:
    """Run CP-SAT on a ready model within the stop rule.

    Parameters
    ----------
    model
        The engine's model.
    columns
        Index of the engine's variable for each value of a row.
    energy, lower
        Energy of a row, and the energy bound that a bound of the engine's objective means.
    settings
        Further parameters of the engine, by their names.
    """
    from ortools.sat.python import cp_model

    solver = cp_model.CpSolver()
    parameters = solver.parameters
    parameters.random_seed = seed
    parameters.num_workers = threads
    # OR-Tools 9.15 can prove a wrong optimum where a constraint meets at-most-one groups
    # (google/or-tools issue 5293); without this step of presolve it was right on all of 350
    # random models of which it had got 3 wrong.
    parameters.presolve_inclusion_work_limit = 0
    rounds = stop.rounds_left()
    if rounds is not None:
        parameters.num_workers = 1
        parameters.max_deterministic_time = max(rounds, 1) * ROUND
    for key, value in (settings or {}).items():
        setattr(parameters, key, value)
    rows: list[Int64[np.ndarray, " n"]] = []
    places = np.array(columns, np.int64)

    class Listener(cp_model.CpSolverSolutionCallback):
        """Takes note of each better solution."""

        def on_solution_callback(self) -> None:
            values = np.array(self.response_proto.solution, np.int64)
            rows.append(values[places])
            watch.saw(energy(rows[-1]))
            if watch.best <= stop.target:
                self.stop_search()

    solver.best_bound_callback = lambda bound: watch.proved(lower(bound))
    left = stop.seconds_left()
    if left <= 0 and math.isfinite(stop.deadline):
        return EngineRun([], Outcome.EMPTY, -math.inf)
    if math.isfinite(left):
        parameters.max_time_in_seconds = left
    status = solver.solve(model, Listener())
    if status == cp_model.MODEL_INVALID:
        raise InputError(f"CP-SAT refuses the model: {model.validate()[:300]}")
    if status == cp_model.INFEASIBLE:
        return EngineRun(rows, Outcome.INFEASIBLE, math.inf)
    bound = max(lower(solver.best_objective_bound), watch.bound)
    if status == cp_model.OPTIMAL:
        return EngineRun(rows, Outcome.OPTIMAL, bound)
    return EngineRun(rows, Outcome.STOPPED if rows else Outcome.EMPTY, bound)


def _build(form: Model, stop: Stop) -> tuple[Any, list[int], float, float] | None:
    """Return the engine's model, its columns, the objective's scale and error.

    None if the time ran out.
    """
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    bounds = list(zip(form.lower.tolist(), form.upper.tolist(), strict=True))
    variables = [model.new_int_var(a, b, "") for a, b in bounds]
    columns = [variable.index for variable in variables]
    binary = [a >= 0 and b <= 1 for a, b in bounds]
    reach = np.maximum(np.abs(form.lower), np.abs(form.upper)).astype(np.float64)

    matrix = form.rows
    for row in range(matrix.shape[0]):
        if row % 512 == 0 and stop.seconds_left() <= 0:
            return None
        part = slice(matrix.indptr[row], matrix.indptr[row + 1])
        at = matrix.indices[part].tolist()
        _add_row(
            model,
            [variables[j] for j in at],
            matrix.data[part],
            reach[at],
            float(form.row_lower[row]),
            float(form.row_upper[row]),
        )

    pairs = form.quadratic.tocoo()
    first, second = pairs.coords
    square = (first == second) & np.array(binary, dtype=bool)[first]
    linear = form.linear.copy()
    np.add.at(linear, first[square], pairs.data[square])
    used = np.flatnonzero(linear).tolist()
    terms = [variables[j] for j in used]
    weights, reaches = linear[used].tolist(), reach[used].tolist()
    products = (each[~square].tolist() for each in (first, second, pairs.data))
    triples = zip(*products, strict=True)
    for count, (i, j, weight) in enumerate(triples):
        if count % 512 == 0 and stop.seconds_left() <= 0:
            return None
        if binary[i] and binary[j]:
            product = _conjunction(model, variables[i], variables[j], weight)
        else:
            corners = [a * b for a in bounds[i] for b in bounds[j]]
            low = 0 if i == j and min(corners) < 0 else min(corners)
            product = model.new_int_var(low, max(corners), "")
            model.add_multiplication_equality(product, [variables[i], variables[j]])
        terms.append(product)
        weights.append(weight)
        reaches.append(float(reach[i] * reach[j]))
    whole, scale, error = scaled(np.array(weights), np.array(reaches))
    model.minimize(cp_model.LinearExpr.weighted_sum(terms, whole))
    return model, columns, scale, error


def _conjunction(model: Any, a: Any, b: Any, weight: float) -> Any:
    """Return a bit that is ``a and b`` wherever the objective would rather have it otherwise."""
    both = model.new_bool_var("")
    if weight > 0:
        model.add_bool_or([a.negated(), b.negated(), both])
    else:
        model.add_implication(both, a)
        model.add_implication(both, b)
    return both


def _add_row(
    model: Any,
    variables: list[Any],
    weights: Float64[np.ndarray, " k"],
    reach: Float64[np.ndarray, " k"],
    lower: float,
    upper: float,
) -> None:
    """Add a constraint; limits get the slack that `Model.feasible` allows after scaling."""
    from ortools.sat.python import cp_model

    whole, scale, error = scaled(weights, reach)
    slack = 1e-9 + error
    least = math.ceil((lower - slack) * scale) if math.isfinite(lower) else cp_model.INT32_MIN
    most = math.floor((upper + slack) * scale) if math.isfinite(upper) else cp_model.INT32_MAX
    total = cp_model.LinearExpr.weighted_sum(variables, whole)
    if math.isfinite(lower) and math.isfinite(upper):
        model.add_linear_constraint(total, least, most)
    elif math.isfinite(lower):
        model.add(total >= least)
    elif math.isfinite(upper):
        model.add(total <= most)


def scaled(
    weights: Float64[np.ndarray, " k"], reach: Float64[np.ndarray, " k"]
) -> tuple[list[int], float, float]:
    """Return whole weights, the scale between, and the most that rounding changes the sum.

    Decimal and other short fractions are scaled by their common denominator, other floats by
    the largest power of two that keeps the sum in range.

    Parameters
    ----------
    weights
        Coefficients of a sum.
    reach
        Largest magnitude of each term's variable.
    """
    total = float((np.abs(weights) * np.maximum(reach, 1.0)).sum())
    if total == 0.0:
        return [0] * len(weights), 1.0, 0.0
    if total >= LARGEST_SUM:
        raise InputError(f"coefficients of magnitude {total:g} are too large for CP-SAT")
    common = 1
    for weight in set(weights.tolist()):
        short = Fraction(weight).limit_denominator(10**6)
        common = math.lcm(common, short.denominator) if float(short) == weight else 0
        if common == 0 or common * total >= LARGEST_SUM:
            common = 0
            break
    if common:
        return [round(w * common) for w in weights.tolist()], float(common), 0.0
    scale = 2.0 ** math.floor(math.log2(LARGEST_SUM / total))
    whole = np.rint(weights * scale)
    error = float((np.abs(whole / scale - weights) * reach).sum())
    return [int(w) for w in whole.tolist()], scale, error
