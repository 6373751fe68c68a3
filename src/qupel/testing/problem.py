"""Laws that every problem family obeys, ours and yours.

A family's author calls `check_family` on the class, or `check_problem` on one instance and some
answers to it. Each broken law raises ``AssertionError`` with a sentence that says which.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from qupel.errors import InputError
from qupel.model.quota import keep_quotas
from qupel.problems.contract import Decomposable, Judgement, Optimum, Problem, Subproblem

#: Relative difference up to which two objectives count as equal.
TOLERANCE = 1e-9

_VIEWS = {"mark", "layer", "concat", "hconcat", "vconcat", "facet", "repeat", "spec"}
_NONSENSE = ("", "@@ no solution @@", "1 1 1 1 nan 1e999 -7")


def check_family(made: type[Problem[Any]], seeds: Iterable[int] = range(3), **sizes: Any) -> None:
    """Check the laws on generated instances and their optima.

    Parameters
    ----------
    made
        The family's class. Its attribute ``exact_parts``, if it has one, says whether the energy
        of a subproblem's point is the objective of the lifted answer.
    seeds
        Seeds of the instances.
    sizes
        Passed on to ``made.random``.

    Raises
    ------
    AssertionError
        If a law is broken.
    """
    _law(isinstance(made.family, str) and made.family != "", "a family has a name")
    _law(made.sense in {"min", "max"}, f"the sense is min or max, not {made.sense!r}")
    _law(len(made.baselines) > 0, "a family names strong baselines")
    _law(not made.recognises(Path("notes.bin"), "@@ no instance @@\n"), "nonsense is recognised")
    for seed in seeds:
        problem, optimum = made.random(seed, **sizes)
        again, _ = made.random(seed, **sizes)
        _law(problem.document() == again.document(), f"seed {seed} gives two instances")
        exact = bool(getattr(made, "exact_parts", True))
        check_problem(problem, optimum.answer, optimum=optimum, exact_parts=exact)


def check_problem(
    problem: Problem[Any],
    *answers: Any,
    optimum: Optimum[Any] | None = None,
    parts: tuple[int, ...] = (1, 4, 9),
    exact_parts: bool | None = None,
    seed: int = 0,
) -> None:
    """Check the laws on one instance and some answers, feasible or not.

    Parameters
    ----------
    problem
        The instance, small enough that its form is quickly made.
    answers
        Answers to it.
    optimum
        Its optimum, if it is known.
    parts
        Sizes of the subproblems to try.
    exact_parts
        Whether the energy of a subproblem's point is the objective of the lifted answer. If not,
        the answer may also be better. Unless given, as the family's ``searchable_as_form`` says.
    seed
        Of the random numbers that polishing and cutting out are given.

    Raises
    ------
    AssertionError
        If a law is broken.
    """
    if exact_parts is None:
        exact_parts = bool(getattr(type(problem), "searchable_as_form", True))
    _law(isinstance(problem, Problem), f"{type(problem).__name__} lacks a part of `Problem`")
    document = json.loads(json.dumps(problem.document(), allow_nan=False))
    rebuilt = type(problem).from_document(document)
    _law(rebuilt.document() == problem.document(), "the document survives JSON and a rebuild")
    for text in _NONSENSE:
        _check_refused(problem, text)
    if optimum is not None:
        found = problem.judge(optimum.answer)
        _law(found.feasible, f"the known optimum is feasible, not {found.violations}")
        _law(_close(found.objective, optimum.objective), "the known optimum has its objective")
    for answer in answers:
        judged = problem.judge(answer)
        _law(judged == problem.judge(answer), "the judge says the same twice")
        _law(_same(judged, rebuilt.judge(answer)), "a rebuilt problem judges alike")
        text = problem.write_answer(answer)
        _law(_same(judged, problem.judge(problem.read_answer(text))), "a written answer reads back")
        _check_chart(problem.chart(answer))
        _check_form(problem, answer, judged)
        _check_repair(problem, answer, judged)
        if judged.feasible and optimum is not None:
            _law(
                not _better(problem, judged.objective, optimum.objective),
                f"an answer of {judged.objective} beats the known optimum {optimum.objective}",
            )
        if judged.feasible and isinstance(problem, Decomposable):
            _check_polish(problem, answer, judged, seed)
            for size in parts:
                part = problem.subproblem(answer, size, np.random.default_rng(seed))
                if part is not None:
                    _check_part(problem, part, judged, size, exact_parts, seed)


def _check_refused(problem: Problem[Any], text: str) -> None:
    """A text that is no solution file gives `InputError`, and nothing else."""
    try:
        problem.read_answer(text)
    except InputError:
        return
    except Exception as error:
        raise AssertionError(f"{text!r} as a solution raises {error!r}, not InputError") from error
    raise AssertionError(f"{text!r} is read as a solution")


def _check_chart(chart: dict[str, Any]) -> None:
    json.dumps(chart, allow_nan=False)
    _law("vega-lite" in chart.get("$schema", ""), "a chart names the Vega-Lite schema")
    _law(bool(_VIEWS & set(chart)), "a chart has a mark, or views put together")


def _check_form(problem: Problem[Any], answer: Any, judged: Judgement) -> None:
    """Feasible answers are feasible in the form, at the energy of their objective."""
    form = problem.form()
    row = problem.values(answer)
    _law(row.shape == (form.variables,), f"values of {form.variables} variables, got {row.shape}")
    _law(_same(judged, problem.judge(problem.answer(row))), "values and answer are inverse")
    if judged.feasible:
        _law(_kept(form, row), "a feasible answer is feasible in the form")
        energy = float(form.energies(row[None])[0])
        _law(
            _close(energy, _energy(problem, judged.objective)),
            f"the form's energy {energy} stands for the objective {judged.objective}",
        )


def _check_repair(problem: Problem[Any], answer: Any, judged: Judgement) -> None:
    mended = problem.repair(answer)
    text = problem.write_answer(mended)
    _law(text == problem.write_answer(problem.repair(answer)), "repair is deterministic")
    if judged.feasible:
        _law(problem.judge(mended).feasible, "repair leaves a feasible answer feasible")


def _check_polish(problem: Decomposable[Any], answer: Any, judged: Judgement, seed: int) -> None:
    polished = problem.polish(answer, np.random.default_rng(seed))
    again = problem.polish(answer, np.random.default_rng(seed))
    found = problem.judge(polished)
    _law(found.feasible, "a polished answer is feasible")
    _law(not _better(problem, judged.objective, found.objective), "polishing makes nothing worse")
    _law(
        problem.write_answer(polished) == problem.write_answer(again),
        "equal generators polish alike",
    )


def _check_part(
    problem: Problem[Any],
    part: Subproblem[Any],
    judged: Judgement,
    size: int,
    exact: bool,
    seed: int,
) -> None:
    form, start = part.form, np.asarray(part.start)
    _law(form.variables <= size, f"a part of at most {size} variables, got {form.variables}")
    _law(start.shape == (form.variables,), "a part's start fits its form")
    _law(_kept(form, start), "a part's start is feasible in its form")
    lifted = problem.judge(part.lift(start))
    _law(lifted.feasible, "lifting the start keeps the answer feasible")
    _law(not _better(problem, judged.objective, lifted.objective), "lifting the start is no loss")
    for row in [start, *_rows(form, start, np.random.default_rng(seed))]:
        if _kept(form, row):
            found = problem.judge(part.lift(row))
            energy = float(form.energies(row[None])[0])
            reached = _energy(problem, found.objective)
            _law(found.feasible, "a feasible point of a part lifts to a feasible answer")
            _law(
                _close(energy, reached) or (reached < energy and not exact),
                f"a part's energy {energy} stands for the objective {found.objective}",
            )


def _rows(form: Any, start: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Rows near the start: shuffled ones, and ones with some values drawn anew."""
    low, high = getattr(form, "lower", 0), getattr(form, "upper", 1)
    rows = [rng.permutation(start) for _ in range(4)]
    for share in (0.2, 0.5, 1.0):
        drawn = rng.integers(low, np.asarray(high) + 1, start.shape)
        rows.append(np.where(rng.random(start.shape) < share, drawn, start))
    return rows


def _kept(form: Any, row: np.ndarray) -> bool:
    """Whether a row keeps the bounds, constraints and quotas of a form."""
    if hasattr(form, "feasible"):
        return bool(form.feasible(row[None])[0])
    return bool(keep_quotas(row[None], form.quotas)[0])


def _energy(problem: Problem[Any], objective: float) -> float:
    return -objective if problem.sense == "max" else objective


def _better(problem: Problem[Any], first: float, second: float) -> bool:
    """Whether the first objective is better than the second by more than rounding."""
    a, b = _energy(problem, first), _energy(problem, second)
    return a < b and not _close(a, b)


def _same(first: Judgement, second: Judgement) -> bool:
    return _close(first.objective, second.objective) and len(first.violations) == len(
        second.violations
    )


def _close(first: float, second: float) -> bool:
    both_nan = math.isnan(first) and math.isnan(second)
    return both_nan or math.isclose(first, second, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def _law(holds: bool, sentence: str) -> None:
    if not holds:
        raise AssertionError(f"law broken: {sentence}")
