"""Deterministic simulation: a seed decides every death, lost reply and delay, and replays them."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from pathlib import Path

from tests.runs.ledger.simulation import Simulation, check_end

from chaos.finding import Finding
from chaos.options import Options, Say
from qupel.backends.contract import Lookup
from qupel.runs.database import Database


def main(options: Options, say: Say) -> list[Finding]:
    """Run one seed after the other, from the one that is asked for on."""
    seeds = range(options.seed, options.seed + options.size(200, 4))
    deaths: Counter[str] = Counter()
    failed: dict[int, str] = {}
    with tempfile.TemporaryDirectory(prefix="qupel-chaos-") as place:
        folder = Path(place)
        Database.open(folder / "migrated.db").close()
        for seed in seeds:
            try:
                deaths += simulate(seed, folder)
            except AssertionError as error:
                failed[seed] = str(error) or "an invariant does not hold"
                say(f"seed {seed}: {failed[seed]}; `python -m chaos simulation --quick "
                    f"--seed {seed}` replays it")  # fmt: skip
            if seed % 25 == 24:
                say(f"{seed - seeds.start + 1} seeds, {deaths.total()} deaths")
        same = replays(seeds.start, folder)
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


def simulate(seed: int, folder: Path) -> Counter[str]:
    """Run a seed; `AssertionError` if anything was paid twice or lost. Return the deaths."""
    simulation, path = simulation_of(seed), folder / f"{seed}.db"
    with _fresh(folder, path) as database:
        states = check_end(database, simulation.run(database))
        if simulation.lookup is Lookup.KEY:
            assert states == {"done": simulation.jobs}, f"not all jobs are done: {states}"
    path.unlink()
    return simulation.deaths


def replays(seed: int, folder: Path) -> bool:
    """Whether a seed gives the same deaths, calls and time twice."""
    seen = []
    for turn in range(2):
        simulation = simulation_of(seed)
        with _fresh(folder, folder / f"again-{turn}.db") as database:
            fake = simulation.run(database)
        seen.append((simulation.deaths, fake.calls, simulation.clock.now()))
    return seen[0] == seen[1]


def _fresh(folder: Path, path: Path) -> Database:
    """A new database: copying one takes less time than migrating."""
    shutil.copy(folder / "migrated.db", path)
    return Database.open(path)
