"""Spin updates a second of annealers, sparse and dense."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perf.alternate import Case, Entrant, Timing, alternate, field_of_workers
from perf.options import Options
from perf.page import OURS, Page, Table
from perf.public import cut_instance

SWEEPS = {"G14": 1000, "G32": 1000, "G55": 300, "dense 2500, real": 400, "dense 2500, ±1": 400}
AIM = 6.0

ENTRANTS = (
    Entrant(OURS, "qupel", "qupel"),
    Entrant("dwave SA", "dwave-samplers", "dwave", {"sampler": "annealing"}),
    Entrant("openjij SA", "openjij", "openjij", {"sampler": "annealing"}),
    Entrant("openjij SQA", "openjij", "openjij", {"sampler": "sqa"}),
)

TEXT = """Spin updates a second of one thread: one Metropolis decision, accepted or not, is an
update; quantum annealing updates each of its slices. Every annealer goes through its default
schedule, in passes of the same number of sweeps, through its public interface, with as many reads
or replicas as it takes to fill about half a second. Models are built outside the clock, and the
time of a call with a single read (or round) is taken off, with its updates. G14 (planar, 800
nodes), G32 (torus, 2000) and G55 (random, 5000) are max-cut instances of Gset; the dense models
have 2500 spins and normal weights or random signs. That an annealer is quick because it does
something lesser in an update is not found out here: the page on cuts compares what they find."""


def main(options: Options) -> None:
    """Measure all cases and write the page."""
    page = Page("ising", "Spin updates beside its peers", TEXT, options.whole)
    measured = []
    with field_of_workers() as workers:
        for case in cases(quick=options.quick):
            if not options.takes(case.name):
                continue
            entrants = options.entrants(ENTRANTS)
            timings = alternate(workers, case, entrants, rounds=min(options.rounds, 5))
            page.keep(case, timings)
            measured.append((case, timings))
    page.tables = [_summary(measured), _rates(measured)]
    page.publish()


def cases(*, quick: bool) -> list[Case]:
    """Gset graphs, then dense models."""
    if quick:
        return [_case("G14", cut_instance("G14"), 0.1)]
    graphs = [_case(name, cut_instance(name), 0.5) for name in ("G14", "G32", "G55")]
    rng = np.random.default_rng(2500)
    pairs = np.stack(np.triu_indices(2500, 1), axis=1)
    weights = {"real": rng.standard_normal(len(pairs)), "±1": rng.choice([-1.0, 1.0], len(pairs))}
    dense = [
        _case(f"dense 2500, {kind}", {"n": np.array(2500), "fields": np.zeros(2500),
                                      "pairs": pairs, "weights": row}, 0.5)
        for kind, row in weights.items()
    ]  # fmt: skip
    return [*graphs, *dense]


def _case(name: str, instance: dict[str, np.ndarray], seconds: float) -> Case:
    options = {"sweeps": SWEEPS[name], "seconds": seconds}
    return Case(name, "ising-sweeps", instance, options=options)


def rate(timing: Timing) -> float:
    """Updates a CPU second, less the time of setting up; zero after a failure."""
    if timing.failure or not timing.answer:
        return 0.0
    return float(timing.answer["updates"]) / (timing.cpu_median() - float(timing.answer["setup"]))


def _summary(measured: Sequence[tuple[Case, Sequence[Timing]]]) -> Table:
    rows = []
    for case, timings in measured:
        rates = {t.entrant: rate(t) for t in timings}
        ours = rates.pop(OURS)
        best = max(rates, key=rates.__getitem__, default="")
        peer = rates.get("dwave SA", 0.0)
        rows.append(
            [case.name, ours / 1e6, peer / 1e6, ours / peer if peer else "", f"{AIM:g}", best,
             ours / rates[best] if rates.get(best) else ""]
        )  # fmt: skip
    columns = ["instance", "Qupel (M/s)", "dwave SA (M/s)", "ratio", "aim", "fastest peer",
               "ratio to it"]  # fmt: skip
    return Table("Qupel and D-Wave's simulated annealing", columns, rows)


def _rates(measured: Sequence[tuple[Case, Sequence[Timing]]]) -> Table:
    rows = [
        [case.name, timing.entrant, "", "", "", f"no result: {timing.failure}"]
        if timing.failure
        else [case.name, timing.entrant, rate(timing) / 1e6,
              1e3 * float(timing.answer["setup"]), f"{100 * timing.spread():.0f}",
              timing.note]
        for case, timings in measured
        for timing in timings
    ]  # fmt: skip
    columns = [
        "instance",
        "entrant",
        "updates (M a CPU second)",
        "set-up (ms)",
        "spread (%)",
        "note",
    ]
    return Table("Everybody", columns, rows)
