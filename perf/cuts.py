"""What Ising searches find: Qupel in 5 CPU seconds beside its peers in 20."""

from __future__ import annotations

import hashlib
import json
import os
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from perf.alternate import Entrant, allowed_cores
from perf.environments import BUILT, OWN, UnavailableError, pins_of
from perf.options import Options
from perf.page import OURS, Page, Table
from perf.public import arrays, objective, problem_named
from perf.tables import best_known
from perf.worker import FailedError, Worker
from qupel.encodings.paths import encode
from qupel.model.ising import Ising
from qupel.runs.provenance import machine

OUR_SECONDS, THEIR_SECONDS = 5.0, 20.0
TUNING_SEED = 1000
GRAPHS = ("G14", "G32", "G55", "G57", "G67")
#: The ten largest of bqp and gka: by variables, then by entries.
QUBOS = ("bqp1000-2", "bqp1000-5", "bqp1000-7", "bqp1000-8", "gka5f", "gka3f", "gka2f",
         "bqp500-9", "bqp500-5", "bqp500-2")  # fmt: skip
#: QUBOs take the settings found on the first of them.
TUNED_ON = {name: name for name in GRAPHS} | dict.fromkeys(QUBOS, QUBOS[0])
TUNED = Path(__file__).parent / "tuned.json"

ENTRANTS = (
    Entrant(OURS, "qupel", "qupel"),
    Entrant("dwave SA", "dwave-samplers", "dwave", {"sampler": "annealing"}),
    Entrant("dwave PIA", "dwave-samplers", "dwave", {"sampler": "path-integral"}),
    Entrant("dwave tabu", "dwave-samplers", "dwave", {"sampler": "tabu"}),
    Entrant("openjij SA", "openjij", "openjij", {"sampler": "annealing"}),
    Entrant("openjij SQA", "openjij", "openjij", {"sampler": "sqa"}),
    Entrant("bifurcation", "simulated-bifurcation", "bifurcation"),
)
#: What is tried for each; the first is taken where nothing was tuned.
GRIDS: dict[str, Sequence[Mapping[str, Any]]] = {
    OURS: ({"solver": "tempering"}, {"solver": "annealing"}, {"solver": "tabu"}),
    "dwave SA": ({"reads": 8}, {"reads": 1}, {"reads": 64}),
    "dwave PIA": ({"reads": 8}, {"reads": 1}),
    "dwave tabu": ({}, {"tenure": 50}),
    "openjij SA": ({"reads": 8}, {"reads": 1}, {"reads": 64}),
    "openjij SQA": (
        {"reads": 1, "trotter": 4, "beta": 5.0},
        {"reads": 4, "trotter": 8, "beta": 10.0},
    ),
    "bifurcation": ({"reads": 16, "mode": "discrete"}, {"reads": 128, "mode": "discrete"}),
}

TEXT = f"""What searches find on one core: Qupel after {OUR_SECONDS:g} CPU seconds, every peer after
{THEIR_SECONDS:g}, medians over seeds; reading the model is outside the clock. Values are computed
from the instances' own data by the judge. Large cuts are good (G…), small values of a QUBO are good
(bqp…, gka…; the ten largest).

Each entrant's settings were chosen beforehand with another seed from a small grid at the same
budget (reads against sweeps, tenure, slices and temperature, agents; for Qupel, the solver), on
each graph and, for the QUBOs, on {QUBOS[0]}: `python -m perf tune`, kept in `perf/tuned.json`.
Peers' runs are kept in `build/perf/cuts.jsonl` and used again while pins, settings and machine are
the same; `--fresh` makes them anew. Two runs go at a time, one a core.

simulated-bifurcation holds couplings as dense matrices; with the 10,000 spins of G67 its
preparation alone takes twice the budget, so its cut there says nothing of its search."""


@dataclass(frozen=True)
class Job:
    """A search to be made."""

    instance: str
    entrant: Entrant
    settings: Mapping[str, Any]
    seed: int

    @property
    def seconds(self) -> float:
        """CPU seconds it may spend."""
        return OUR_SECONDS if self.entrant.name == OURS else THEIR_SECONDS

    def key(self) -> str:
        """What a kept result must agree in to be used again."""
        pins = "" if self.entrant.peer in OWN else pins_of(self.entrant.peer)
        parts = [self.instance, self.entrant.name, dict(self.settings), self.seed, self.seconds,
                 machine(), pins]  # fmt: skip
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def main(options: Options) -> None:
    """Run all entrants on all instances with their tuned settings and write the page."""
    names = [name for name in (*GRAPHS, *QUBOS) if options.takes(name)]
    seeds = 1 if options.quick else options.seeds
    tuned = json.loads(TUNED.read_text(encoding="utf-8")) if TUNED.exists() else {}
    entrants = options.entrants(ENTRANTS)
    jobs = [
        Job(name, entrant, _settings(tuned, name, entrant), seed)
        for name in names
        for seed in range(seeds)
        for entrant in entrants
    ]
    page = Page("cuts", "Cuts and QUBOs beside its peers", TEXT, options.whole)
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for job, result in _run(jobs, fresh=options.fresh):
        found[job.instance, job.entrant.name].append(result)
        page.peers.update(result["versions"])
        page.results.append(result)
    page.tables = [_medians(names, entrants, found), _chosen(names, entrants, tuned)]
    page.publish()


def tune(options: Options) -> None:
    """Try each entrant's grid with a seed of its own and keep the best of it."""
    tuned = json.loads(TUNED.read_text(encoding="utf-8")) if TUNED.exists() else {}
    names = [name for name in dict.fromkeys(TUNED_ON.values()) if options.takes(name)]
    jobs = [
        Job(name, entrant, settings, TUNING_SEED)
        for entrant in options.entrants(ENTRANTS)
        for name in names
        for settings in GRIDS[entrant.name]
    ]
    tried: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for job, result in _run(jobs, fresh=options.fresh):
        mine = tried[job.instance, job.entrant.name]
        mine.append({"settings": dict(job.settings), "value": result["value"]})
        ranked = [one for one in mine if one["value"] is not None]
        if ranked:
            best = (max if job.instance in GRAPHS else min)(ranked, key=lambda one: one["value"])
            tuned.setdefault(job.instance, {})[job.entrant.name] = {**best, "tried": mine}
            TUNED.write_text(json.dumps(tuned, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _settings(tuned: Mapping[str, Any], name: str, entrant: Entrant) -> Mapping[str, Any]:
    """The tuned settings; the first of the grid where none were tuned."""
    chosen = tuned.get(TUNED_ON[name], {}).get(entrant.name)
    return chosen["settings"] if chosen else GRIDS[entrant.name][0]


def _run(jobs: Sequence[Job], *, fresh: bool) -> Iterator[tuple[Job, dict[str, Any]]]:
    """Results in the order of the jobs; one job a core at a time."""
    store = BUILT / "cuts.jsonl"
    kept = {} if fresh or not store.exists() else _kept(store)
    instances: dict[str, tuple[Any, dict[str, Any]]] = {}
    for name in dict.fromkeys(job.instance for job in jobs):
        problem = problem_named(name)
        instances[name] = (problem, arrays(encode(problem.form(), into=Ising).form))
    cores: SimpleQueue[int] = SimpleQueue()
    for core in allowed_cores():
        cores.put(core)
    workers: dict[tuple[str, int], Worker] = {}

    def work(job: Job) -> dict[str, Any]:
        key = job.key()
        if key in kept and job.entrant.name != OURS:
            return kept[key]
        core = cores.get()
        try:
            worker = workers.setdefault(
                (job.entrant.name, core),
                Worker(job.entrant.peer, job.entrant.module, (core,), limit=12 * job.seconds),
            )
            result = {"key": key, **_search(worker, job, *instances[job.instance])}
        finally:
            cores.put(core)
        store.parent.mkdir(parents=True, exist_ok=True)
        with store.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(result) + "\n")
        return result

    pool = ThreadPoolExecutor(cores.qsize())
    try:
        for job, result in zip(jobs, pool.map(work, jobs), strict=True):
            shown = result["failure"] or f"{result['value']:g}, CPU {result['cpu']:.1f} s"
            print(
                f"  {job.instance} {job.entrant.name} {job.seed}: {shown} {result['note']}",
                flush=True,
            )
            yield job, result
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in workers.values():
            worker.end()


def _search(worker: Worker, job: Job, problem: Any, instance: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "instance": job.instance, "entrant": job.entrant.name, "settings": dict(job.settings),
        "seed": job.seed, "value": None, "cpu": None, "wall": None, "note": "", "failure": "",
        "versions": {}, "load": os.getloadavg()[0],
    }  # fmt: skip
    try:
        options = {**job.entrant.options, **job.settings, "seconds": job.seconds}
        prepared = worker.prepare("ising-search", instance, options)
        told["note"], told["versions"] = prepared["note"], prepared["versions"]
        told["wall"], told["cpu"], answer = worker.run({"seed": job.seed})
        told["value"] = objective(problem, answer["spins"])
    except (FailedError, UnavailableError) as failure:
        told["failure"] = str(failure)
    return told


def _kept(store: Path) -> dict[str, dict[str, Any]]:
    """Results of earlier runs by key; failures are tried again."""
    with store.open(encoding="utf-8") as lines:
        results = [json.loads(line) for line in lines]
    return {result["key"]: result for result in results if not result["failure"]}


def _medians(
    names: Sequence[str],
    entrants: Sequence[Entrant],
    found: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]],
) -> Table:
    known = {**best_known("maxcut"), **best_known("qubo")}
    peers = [entrant.name for entrant in entrants if entrant.name != OURS]
    rows = []
    for name in names:
        medians = {
            entrant.name: _median([result["value"] for result in found[name, entrant.name]])
            for entrant in entrants
        }
        sign = 1 if name in GRAPHS else -1
        reached = [sign * value for peer in peers if (value := medians[peer]) is not None]
        ours = medians[OURS]
        at_least = ours is not None and all(sign * ours >= value for value in reached)
        shown = ["no result" if medians[key] is None else f"{medians[key]:.12g}"
                 for key in (OURS, *peers)]  # fmt: skip
        rows.append([name, f"{known[name]:.12g}", *shown, "yes" if at_least else "no"])
    columns = ["instance", "best known", OURS, *peers, "Qupel as good as every peer"]
    return Table("Medians", columns, rows)


def _median(values: Sequence[float | None]) -> float | None:
    """Median of the runs, None if one of them failed."""
    numbers = [value for value in values if value is not None]
    return statistics.median(numbers) if numbers and len(numbers) == len(values) else None


def _chosen(names: Sequence[str], entrants: Sequence[Entrant], tuned: Mapping[str, Any]) -> Table:
    rows = [
        [name, entrant.name, ", ".join(f"{key} {value}" for key, value in settings.items())]
        for name in dict.fromkeys(TUNED_ON[name] for name in names)
        for entrant in entrants
        for settings in [_settings(tuned, name, entrant)]
    ]
    return Table("Settings", ["tuned on", "entrant", "settings"], rows)
