"""Power: the chance that a planned number of cases shows an effect, and the number needed."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy import special

from qupel.benchmarks.decide import deciding_level
from qupel.benchmarks.intervals import Floats, fewest_cases, mean_interval
from qupel.benchmarks.rule import Rule
from qupel.errors import InputError

TRIALS = 2000
SIMULATED_UP_TO = 40
"""Cases beyond which the deciding interval is Student's but for a percent of its width."""

MOST_CASES = 1000


def power(
    rule: Rule,
    cases: int,
    seeds: int,
    spread: float,
    effect: float,
    *,
    noise: float = 0.0,
    candidates: int = 1,
    trials: int = TRIALS,
    seed: int = 0,
) -> float:
    """Chance that the improvement is shown to be beyond the margin.

    Parameters
    ----------
    rule
        Its margin and level count.
    cases, seeds
        As planned.
    spread
        Standard deviation of the true improvement between cases, in the margin's unit.
    effect
        True mean improvement, in the margin's unit.
    noise
        Standard deviation of one run's KPI between seeds, in the margin's unit; both arms have
        it.
    candidates
        Arms with a quantum step, of which the best is judged.
    trials, seed
        Synthetic benchmarks, with normal effects, for up to 40 cases; beyond, the noncentral t
        distribution is used.

    Returns
    -------
    A probability; 0 where the cases are too few for any verdict.
    """
    if cases < 1 or seeds < 1 or spread < 0 or noise < 0:
        raise InputError(
            "power needs at least one case and seed, and spreads of at least 0; "
            f"got cases={cases}, seeds={seeds}, spread={spread}, noise={noise}"
        )
    level = deciding_level(rule.level, candidates)
    if cases < max(rule.min_cases, fewest_cases(level)):
        return 0.0
    deviation = math.sqrt(spread**2 + 2 * noise**2 / seeds)
    if deviation == 0:
        return float(effect > rule.margin)
    distance = (effect - rule.margin) / deviation
    if cases > SIMULATED_UP_TO:
        return _student_power(distance, cases, level)
    return float(np.mean(_lower_bounds(cases, level, trials, seed) + distance > 0))


def cases_needed(
    rule: Rule,
    spread: float,
    effect: float,
    *,
    candidates: int = 1,
) -> int | None:
    """Cases for a decision with the rule's power, seeds as they are.

    Parameters
    ----------
    rule
        Its margin, level and power count.
    spread
        Standard deviation of the improvement between cases, as observed or planned.
    effect
        Improvement that is assumed to be true: above the margin the cases to show a win, else
        those to show that there is none.
    candidates
        Arms with a quantum step.

    Returns
    -------
    The number, or None if it is above 1000 or the effect lies on the margin.
    """
    level = deciding_level(rule.level, candidates)
    level = level if effect > rule.margin else 2 * level - 1
    least = max(rule.min_cases, fewest_cases(deciding_level(rule.level, candidates)))
    if spread <= 0:
        return least if effect != rule.margin else None
    distance = abs(effect - rule.margin) / spread
    if distance == 0 or _student_power(distance, MOST_CASES, level) < rule.power:
        return None
    few, many = least - 1, MOST_CASES
    while many - few > 1:
        middle = (few + many) // 2
        if _student_power(distance, middle, level) >= rule.power:
            many = middle
        else:
            few = middle
    # Of a few cases the deciding interval asks for more than Student's does.
    while many <= SIMULATED_UP_TO:
        low = _lower_bounds(many, level, TRIALS // 2, 0)
        if np.mean(low + distance > 0) >= rule.power:
            break
        many += 1
    return many


@lru_cache(maxsize=64)
def _lower_bounds(cases: int, level: float, trials: int, seed: int) -> Floats:
    """Lower bounds of synthetic benchmarks without effect, in standard deviations."""
    drawn = np.random.default_rng([seed, cases]).standard_normal((trials, cases))
    low, _ = mean_interval(drawn, level)
    return low


def _student_power(distance: float, cases: int, level: float) -> float:
    """Power of the t interval's lower bound."""
    critical = special.stdtrit(cases - 1, 0.5 + level / 2)
    return float(1.0 - special.nctdtr(cases - 1, distance * math.sqrt(cases), critical))
