"""Calibration of the rule by simulation: how often it errs, and what its intervals cover.

Run ``python -m qupel.benchmarks.calibration --trials 2000 --seed 0`` for the tables of
``docs/experiments/calibration.md``; ``--write`` puts them there. Every synthetic benchmark goes
through `decide.find` and `intervals.mean_interval`, the lines that judge real records.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qupel.benchmarks.decide import Findings, deciding_level, find, shift
from qupel.benchmarks.intervals import Floats, mean_interval, t_interval
from qupel.benchmarks.power import power
from qupel.benchmarks.rule import Rule
from qupel.errors import InputError

SPREAD = 1.0
"""Standard deviation of an arm's true effect between cases."""

NOISE = 0.7
"""Standard deviation of one run between seeds."""


@dataclass(frozen=True, slots=True)
class Design:
    """Size of a benchmark."""

    cases: int
    seeds: int
    classical: int
    candidates: int


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of every candidate: its gain over the classical arms, and its placebos'.

    Attributes
    ----------
    false
        Whether a keep is an error.
    """

    name: str
    margin: float
    gain: float
    placebo_gain: float
    false: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """How often the rule decided what, over one cell of the experiment."""

    truth: str
    shape: str
    cases: int
    seeds: int
    classical: int
    candidates: int
    trials: int
    keep: float
    iterate: float
    stop: float


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often an interval at 95 % holds the true mean, and how often it lies above it."""

    method: str
    shape: str
    cases: int
    trials: int
    covered: float
    above: float


Draw = Callable[[np.random.Generator, tuple[int, ...]], Floats]

SHAPES: dict[str, Draw] = {
    "normal": lambda rng, size: rng.standard_normal(size),
    "skewed": lambda rng, size: 1.0 - rng.standard_exponential(size),
    "heavy tails": lambda rng, size: rng.standard_t(3, size) / math.sqrt(3.0),
    "mostly ties": lambda rng, size: (
        rng.standard_normal(size) * (rng.random(size) < 0.3) / math.sqrt(0.3)
    ),
}
"""Distributions of mean 0 and standard deviation 1; skewed ones have their long tail below."""

DESIGNS = (
    Design(6, 3, 1, 1),
    Design(8, 3, 3, 1),
    Design(10, 5, 2, 2),
    Design(12, 3, 4, 1),
    Design(20, 5, 3, 3),
)

TRUTHS = (
    Truth("no effect", 0.0, 0.0, 0.0),
    Truth("at the margin", 1.0, 1.0, -8.0),
    Truth("gain, but none by the quantum step", 1.0, 5.0, 5.0),
    Truth("gain of three margins", 1.0, 3.0, 0.0, false=False),
)

ONE_SIDED = Truth("at the margin, the candidate alone uncertain", 1.0, 1.0, -8.0)
"""The hardest case: all of the spread is the candidate's, so no symmetry protects."""


def draw(rng: np.random.Generator, design: Design, truth: Truth, shape: str, trials: int) -> Floats:
    """KPI of synthetic benchmarks, lower is better: trials, arms, cases, seeds.

    The classical arms come first, then each candidate followed by its two placebos. Every arm
    has effects of its own by case, and noise by seed, both of the named shape.
    """
    gains = [0.0] * design.classical
    gains += [truth.gain, truth.placebo_gain, truth.placebo_gain] * design.candidates
    arms, drawn = len(gains), SHAPES[shape]
    by_case = SPREAD * drawn(rng, (trials, arms, design.cases, 1))
    by_seed = NOISE * drawn(rng, (trials, arms, design.cases, design.seeds))
    effects = np.array(gains)[:, None, None] + by_case + by_seed
    if truth is ONE_SIDED:
        effects[:, : design.classical] = 0.0
    difficulty = 100.0 + 20.0 * rng.standard_normal((trials, 1, design.cases, 1))
    return difficulty - effects


def decide(values: Floats, design: Design, margin: float, level: float = 0.95) -> Findings:
    """Put synthetic benchmarks through the rule; see `draw` for the axes."""
    means = values.mean(axis=-1)
    overall = means.mean(axis=-1)
    rows = np.arange(len(means))
    comparator = means[rows, overall[:, : design.classical].argmin(axis=1)]
    first = design.classical + 3 * overall[:, design.classical :: 3].argmin(axis=1)
    candidate = means[rows, first]
    placebos = [means[rows, first + place] for place in (1, 2)]
    corrected = deciding_level(level, design.candidates)
    return find(
        shift(comparator - candidate, corrected),
        [shift(placebo - candidate, corrected) for placebo in placebos],
        [shift(comparator - placebo, corrected) for placebo in placebos],
        margin,
    )


def outcome(design: Design, truth: Truth, shape: str, trials: int, seed: int) -> Outcome:
    """Decide one cell of the experiment."""
    place = [*map(ord, truth.name + shape), design.cases, design.candidates]
    rng = np.random.default_rng([seed, *place])
    found = decide(draw(rng, design, truth, shape, trials), design, truth.margin)
    keep, stop = float(found.keep.mean()), float(found.stop.mean())
    return Outcome(
        truth.name, shape, **asdict(design), trials=trials, keep=keep, iterate=1 - keep - stop,
        stop=stop,
    )  # fmt: skip


def outcomes(trials: int, seed: int) -> Iterator[Outcome]:
    """Every truth, shape and design."""
    for truth in (*TRUTHS, ONE_SIDED):
        for shape in SHAPES:
            for design in DESIGNS:
                yield outcome(design, truth, shape, trials, seed)


def percentile_interval(values: Floats, level: float) -> tuple[Floats, Floats]:
    """Percentile bootstrap of the mean over the last axis: what is usually done."""
    cases = values.shape[-1]
    weights = np.random.default_rng(0).multinomial(cases, [1 / cases] * cases, size=1000) / cases
    low, high = np.quantile(values @ weights.T, [(1 - level) / 2, (1 + level) / 2], axis=-1)
    return low, high


METHODS: dict[str, Callable[[Floats, float], tuple[Floats, Floats]]] = {
    "percentile bootstrap": percentile_interval,
    "Student's t": t_interval,
    "deciding interval": mean_interval,
}


def coverages(trials: int, seed: int) -> Iterator[Coverage]:
    """What each method covers, for the difference of two arms and for one arm's skewed effect."""
    for shape, drawn in SHAPES.items():
        for paired in (True, False):
            if not paired and shape != "skewed":
                continue
            for cases in (6, 8, 10, 14, 20):
                rng = np.random.default_rng([seed, cases, paired, *map(ord, shape)])
                seeds = drawn(rng, (trials, cases, 3)).mean(axis=-1)
                effects = SPREAD * drawn(rng, (trials, cases)) + NOISE * seeds
                if paired:
                    others = drawn(rng, (trials, cases, 3)).mean(axis=-1)
                    effects -= SPREAD * drawn(rng, (trials, cases)) + NOISE * others
                name = shape if paired else "skewed, one arm alone"
                for method, interval in METHODS.items():
                    low, high = interval(effects, 0.95)
                    above = float((low > 1e-12).mean())
                    missed = above + float((high < -1e-12).mean())
                    yield Coverage(method, name, cases, trials, 1 - missed, above)


def power_table(rule: Rule) -> list[dict[str, float]]:
    """Chance of showing a win, by cases and by the true gain in standard deviations."""
    return [
        {
            "cases": cases,
            **{
                f"{gain:g}": power(rule, cases, 3, 1.0, rule.margin + gain)
                for gain in (0.5, 1.0, 1.5, 2.0, 3.0)
            },
        }
        for cases in (6, 8, 10, 12, 16, 20, 30, 40)
    ]


def experiment(trials: int, seed: int) -> dict[str, Any]:
    """Run all of it; plain data."""
    if trials < 1:
        raise InputError(f"trials must be at least 1, got {trials}")
    return {
        "trials": trials,
        "seed": seed,
        "outcomes": [asdict(known) for known in outcomes(trials, seed)],
        "coverages": [asdict(known) for known in coverages(trials, seed)],
        "power": power_table(Rule(margin=1.0)),
    }


def error_of(share: float, trials: int) -> float:
    """Monte-Carlo standard error of a share; of none seen, that of one."""
    share = min(max(share, 1 / trials), 1 - 1 / trials)
    return math.sqrt(share * (1 - share) / trials)


def markdown(found: dict[str, Any]) -> str:
    """Tables of an experiment, each figure with its Monte-Carlo error."""
    trials = found["trials"]
    parts = [
        f"Trials per cell: {trials}; seed: {found['seed']}. "
        "Figures are percent ± Monte-Carlo standard error.",
    ]
    for truth in (*TRUTHS, ONE_SIDED):
        rows = [known for known in found["outcomes"] if known["truth"] == truth.name]
        what = "false keeps" if truth.false else "keeps, and false stops in brackets"
        worst = max(known["keep"] for known in rows)
        total = trials * len(rows)
        mean = sum(known["keep"] for known in rows) / len(rows)
        parts.append(f"## {truth.name.capitalize()}: {what}")
        parts.append(
            f"Margin {truth.margin:g}, true gain {truth.gain:g}, placebos' gain "
            f"{truth.placebo_gain:g}. All together: {_percent(mean, total)} of {total} benchmarks"
            + (f"; worst cell {_percent(worst, trials)}." if truth.false else ".")
        )
        parts.append(_outcome_table(rows, trials, with_stops=not truth.false))
    parts.append("## Coverage of intervals at 95 %, and misses above in brackets")
    parts.append(_coverage_table(found["coverages"], trials))
    parts.append("## Power by planned number of cases")
    parts.append(
        "Chance in percent of a lower bound beyond the margin, by how far the true gain lies "
        "beyond it, in standard deviations between cases (seeds averaged)."
    )
    gains = [key for key in found["power"][0] if key != "cases"]
    parts.append(
        _table(
            ["cases", *(f"{gain} sd" for gain in gains)],
            [[row["cases"], *(f"{100 * row[g]:.0f}" for g in gains)] for row in found["power"]],
        )
    )
    return "\n\n".join(parts) + "\n"


def _outcome_table(rows: Sequence[dict[str, Any]], trials: int, *, with_stops: bool) -> str:
    """One row per design, one column per shape."""
    body = []
    for design in DESIGNS:
        line = [f"{design.cases} × {design.seeds}, {design.classical} + {design.candidates}"]
        for shape in SHAPES:
            [known] = [
                row
                for row in rows
                if row["shape"] == shape and Design(*(row[k] for k in asdict(design))) == design
            ]
            stops = f" [{100 * known['stop']:.2f}]" if with_stops else ""
            line.append(_percent(known["keep"], trials) + stops)
        body.append(line)
    return _table(["cases × seeds, classical + candidates", *SHAPES], body)


def _coverage_table(rows: Sequence[dict[str, Any]], trials: int) -> str:
    """One row per shape and number of cases, one column per method."""
    found: dict[tuple[str, int], list[str]] = {}
    for row in rows:
        cell = f"{_percent(row['covered'], trials)} [{100 * row['above']:.1f}]"
        found.setdefault((row["shape"], row["cases"]), []).append(cell)
    return _table(["effects", "cases", *METHODS], [[*key, *cells] for key, cells in found.items()])


def _percent(share: float, trials: int) -> str:
    return f"{100 * share:.2f} ± {100 * error_of(share, trials):.2f}"


def _table(head: Sequence[Any], body: Sequence[Sequence[Any]]) -> str:
    """Rows as a Markdown table."""
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


def write(path: Path, found: dict[str, Any]) -> None:
    """Put the tables between the marks in a Markdown file."""
    text = path.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise InputError(f"{path}: needs the lines {BEGIN} and {END} to write between")
    path.write_text(f"{before}{BEGIN}\n\n{markdown(found)}\n{END}{after}", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the experiment and print its tables, or its figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m qupel.benchmarks.calibration")
    parser.add_argument("--trials", type=int, default=2000, help="benchmarks per cell")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--write", type=Path, help="Markdown file whose figures are replaced")
    chosen = parser.parse_args(arguments)
    started = time.monotonic()
    found = experiment(chosen.trials, chosen.seed)
    if chosen.write:
        write(chosen.write, found)
    sys.stdout.write(json.dumps(found, indent=1) + "\n" if chosen.json else markdown(found))
    sys.stderr.write(f"{time.monotonic() - started:.1f} s\n")


if __name__ == "__main__":
    main()
