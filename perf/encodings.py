"""What everything around a search costs: encoding, files, the way back, the judge."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scipy import sparse

from perf.options import Options
from perf.page import Page, Table
from qupel.encodings.paths import encode
from qupel.model import Ising, Model, Qubo
from qupel.model.formats import (
    read_coordinates,
    read_lp,
    read_mps,
    write_coordinates,
    write_lp,
    write_mps,
)
from qupel.problems.cvrp import CapacitatedRouting
from qupel.problems.jobshop import JobShop
from qupel.problems.maxcut import MaxCut
from qupel.problems.routing import Routes, VehicleType
from qupel.problems.vrptw import WindowRouting

VARIABLES, SAMPLES, STOPS = 10_000, 10_000, 1_000
SEED = 7
Work = tuple[str, Callable[[], object], int]

TEXT = f"""Encoding models of {VARIABLES:,} variables, reading and writing them, and judging
{SAMPLES:,} samples: what everything but the search costs, in CPU seconds of one thread, medians.
The share is of a run of one second that does it once. Judging is measured on {SAMPLES // 50}
samples and multiplied; turning a row into an answer is counted apart from judging the answer.

A knapsack over all variables becomes a dense QUBO: 50 million couplings, whose 600 MB bound its
encoding."""


def main(options: Options) -> None:
    """Measure all of it and write the page."""
    page = Page("encodings", "Encoding and judging", TEXT, options.whole)
    rows: list[list[Any]] = []
    for name, work, times in (*_models(options), *_judges()):
        if not options.takes(name):
            continue
        seconds = times * _median(work, 2 if options.quick else 3)
        rows.append([name, 1e3 * seconds, f"{100 * seconds:.1f}"])
        print(f"  {name}: {1e3 * seconds:.4g} ms", flush=True)
        page.results.append({"case": name, "seconds": seconds})
    page.tables = [Table("Times", ["work", "CPU (ms)", "share of a second (%)"], rows)]
    page.publish()


def _median(work: Callable[[], object], rounds: int) -> float:
    seconds = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        seconds.append(time.process_time() - begun)
    return statistics.median(seconds)


def _models(options: Options) -> list[Work]:
    """Encodings, files and ways back."""
    rng = np.random.default_rng(SEED)
    budgets, slots, couplings = _budgets(rng), _slots(rng), _couplings(rng)
    spins = encode(couplings, into=Ising)
    rows = rng.choice(np.array([-1, 1], np.int8), (SAMPLES // 10, VARIABLES))
    works: list[Work] = [
        ("1,000 budgets of 50 variables to Ising", lambda: encode(budgets, into=Ising), 1),
        ("assignment, 200 rows, quotas kept, to Ising", lambda: encode(slots, into=Ising), 1),
        ("assignment, 200 rows, as penalties, to Ising",
         lambda: encode(slots, into=Ising, keep_quotas=False), 1),
        ("sparse QUBO, 50,000 couplings, to Ising", lambda: encode(couplings, into=Ising), 1),
        ("the same, reduced beforehand",
         lambda: encode(couplings, into=Ising, reduced=True), 1),
        ("way back of 10,000 rows of spins", lambda: spins.back(rows), 10),
    ]  # fmt: skip
    if not options.quick:
        knapsack = _knapsack(rng)
        works.append(("knapsack over all variables to Ising",
                      lambda: encode(knapsack, into=Ising), 1))  # fmt: skip
    formats: tuple[tuple[str, Any, Any, Any], ...] = (
        ("sparse QUBO as coordinates", couplings, write_coordinates, read_coordinates),
        ("budgets as LP", budgets, write_lp, read_lp),
        ("budgets as MPS", budgets, write_mps, read_mps),
    )
    for name, form, write, read in formats:
        text = write(form)
        works.append((f"write {name}", partial(write, form), 1))
        works.append((f"read {name}", partial(read, text, "text"), 1))
    return works


def _knapsack(rng: np.random.Generator) -> Model:
    """One weight limit on all variables."""
    weights = rng.integers(1, 60, (1, VARIABLES)).astype(float)
    return Model.from_arrays(
        -rng.integers(1, 100, VARIABLES).astype(float), rows=weights, row_upper=[10.0 * VARIABLES]
    )


def _budgets(rng: np.random.Generator) -> Model:
    """A thousand budgets, each on fifty variables."""
    count, size = 1_000, 50
    columns = np.concatenate([rng.choice(VARIABLES, size, replace=False) for _ in range(count)])
    weights = rng.integers(1, 60, count * size).astype(float)
    rows = sparse.csr_array(
        (weights, (np.repeat(np.arange(count), size), columns)), shape=(count, VARIABLES)
    )
    return Model.from_arrays(
        -rng.integers(1, 100, VARIABLES).astype(float), rows=rows, row_upper=np.full(count, 700.0)
    )


def _slots(rng: np.random.Generator) -> Model:
    """Assign a hundred to a hundred: one in each row and column."""
    side = round(VARIABLES**0.5)
    cell = np.arange(VARIABLES)
    rows = sparse.csr_array(
        (np.ones(2 * VARIABLES), (np.r_[cell // side, side + cell % side], np.r_[cell, cell])),
        shape=(2 * side, VARIABLES),
    )
    ones = np.ones(2 * side)
    return Model.from_arrays(rng.random(VARIABLES), rows=rows, row_lower=ones, row_upper=ones)


def _couplings(rng: np.random.Generator) -> Qubo:
    """Whole weights on five times as many pairs as variables."""
    pairs = np.sort(rng.integers(0, VARIABLES, (5 * VARIABLES, 2)), axis=1)
    weights = rng.integers(-9, 10, len(pairs)).astype(float)
    return Qubo(sparse.coo_array((weights, pairs.T), shape=(VARIABLES, VARIABLES)).tocsr())


def _judges() -> list[Work]:
    """Rows to answers, and answers to judgements, of four families."""
    rng = np.random.default_rng(SEED)
    graph, _ = MaxCut.random(SEED, nodes=STOPS)
    cuts = rng.integers(0, 2, (SAMPLES // 50, STOPS)).astype(np.uint8)
    shop, _ = JobShop.random(SEED, jobs=10, machines=10)
    plans = [shop.plan(shop.repair(shop.answer(rng.integers(0, 500, shop.operations))))
             for _ in range(20)]  # fmt: skip
    routing, timed = _routing(rng)
    routes = [routing.plan(Routes(_split(rng))) for _ in range(SAMPLES // 50)]
    cases: tuple[tuple[str, Any, Any], ...] = (
        (f"routing, {STOPS:,} stops", routing, routes),
        (f"routing with windows, {STOPS:,} stops", timed, routes),
        (f"max-cut, {STOPS:,} nodes", graph, cuts),
        (f"job shop, {shop.operations} operations", shop, plans),
    )
    works: list[Work] = []
    for name, problem, rows in cases:
        answers = [problem.answer(row) for row in rows]
        times = SAMPLES // len(rows)
        works.append((f"{SAMPLES:,} answers, {name}", _each(problem.answer, rows), times))
        works.append((f"{SAMPLES:,} judgements, {name}", _each(problem.judge, answers), times))
    return works


def _each(call: Callable[[Any], object], items: Any) -> Callable[[], object]:
    return lambda: [call(item) for item in items]


def _split(rng: np.random.Generator) -> tuple[tuple[int, ...], ...]:
    """All customers in some order, in routes of twenty."""
    order = (1 + rng.permutation(STOPS)).tolist()
    return tuple(tuple(order[start : start + 20]) for start in range(0, STOPS, 20))


def _routing(rng: np.random.Generator) -> tuple[CapacitatedRouting, WindowRouting]:
    stops = {
        "x": rng.integers(0, 1000, STOPS + 1), "y": rng.integers(0, 1000, STOPS + 1),
        "demand": np.r_[0, rng.integers(1, 20, STOPS)],
    }  # fmt: skip
    fleet = [VehicleType(400, STOPS)]
    plain = CapacitatedRouting.from_frame(stops, fleet, rounding="nearest")
    ready = np.r_[0, rng.integers(0, 20_000, STOPS)].astype(float)
    due = np.r_[100_000.0, np.full(STOPS, 60_000.0)]
    hours = {"ready": ready, "due": due, "service": np.r_[0.0, np.full(STOPS, 10.0)]}
    return plain, WindowRouting.from_frame({**stops, **hours}, fleet)
