"""Deterministic simulation: a seed decides every death, lost reply and delay, and replays them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.runs.ledger.simulation import Simulation, check_end

from chaos.finding import Finding
from chaos.options import Options, Say
from chaos.places import sqlite
from qupel.backends.contract import Lookup
from qupel.runs.compute import Options as Mapping
from qupel.runs.compute import compute
from qupel.runs.database import Database


def main(options: Options, say: Say) -> list[Finding]:
    """Run one seed after the other, from the one that is asked for on."""
    seeds = range(options.seed, options.seed + options.size(200, 4))
    deaths: Counter[str] = Counter()
    failed: dict[int, str] = {}
    pool = compute("processes", 2)
    try:
        progress = Mapping(chunk=25, progress=lambda done, of: say(f"{done} of {of} seeds"))
        cells = pool.map(simulate, seeds, progress)
    finally:
        pool.close()
    for seed, cell in zip(seeds, cells, strict=True):
        found = cell.get()
        deaths.update(found["deaths"])
        if found["why"]:
            failed[seed] = found["why"]
            say(f"seed {seed}: {found['why']}")
            say(f"`python -m chaos simulation --quick --seed {seed}` replays it")
    same = replays(seeds.start)
    return [
        Finding(
            promise="paid once and nothing lost, in simulation",
            target="0 seeds fail; a seed replays",
            figure=f"{len(failed)} of {len(seeds)} seeds failed, {deaths.total()} deaths at "
            f"{len(deaths)} points; a seed {'replays' if same else 'DOES NOT REPLAY'}",
            n=f"{len(seeds)} seeds from {seeds.start}: keys, tags, and neither",
            passed=not failed and same,
            details={"failed": {str(k): v for k, v in failed.items()},
                     "deaths by point": dict(sorted(deaths.items()))},
        )
    ]  # fmt: skip


def simulation_of(seed: int) -> Simulation:
    """What a seed stands for: a provider with keys, with tags and a window, or with neither."""
    if seed % 3 == 0:
        return Simulation(seed, Lookup.KEY, jobs=6)
    if seed % 3 == 1:
        return Simulation(seed, Lookup.TAG, settle=30.0, lag=8.0, jobs=6)
    return Simulation(seed, (Lookup.TAG, Lookup.NONE)[seed % 2], settle=None, jobs=6)


def simulate(seed: int) -> dict[str, Any]:
    """Run a seed; return its deaths, and why it failed if anything was paid twice or lost."""
    simulation, why = simulation_of(seed), ""
    with sqlite() as place, Database.open(place) as database:
        try:
            states = check_end(database, simulation.run(database))
            if simulation.lookup is Lookup.KEY:
                assert states == {"done": simulation.jobs}, f"not all jobs are done: {states}"
        except AssertionError as error:
            why = str(error) or "an invariant does not hold"
    return {"deaths": dict(simulation.deaths), "why": why}


def replays(seed: int) -> bool:
    """Whether a seed gives the same deaths, calls and time twice."""
    seen = []
    for _ in range(2):
        simulation = simulation_of(seed)
        with sqlite() as place, Database.open(place) as database:
            fake = simulation.run(database)
        seen.append((simulation.deaths, fake.calls, simulation.clock.now()))
    return seen[0] == seen[1]
