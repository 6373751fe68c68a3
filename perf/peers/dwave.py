"""D-Wave's classical samplers: simulated annealing, path-integral annealing, tabu search.

Default temperatures and Metropolis updates in fixed order, the quickest it has; models are built
from arrays once, outside the clock. In a search, reads and the schedule's shape are tuned settings.
Tabu counts wall seconds; it goes on from its best point until its CPU seconds are spent.
"""

from __future__ import annotations

import time
from typing import Any

import dimod
import numpy as np
from dwave.samplers import (
    PathIntegralAnnealingSampler,
    SimulatedAnnealingSampler,
    TabuSampler,
)
from dwave.samplers.sa.sampler import _default_ising_beta_range

from perf.peers.annealers import search_task, sweeps_task
from perf.peers.serve import Run

PACKAGES = ("dwave-samplers", "dimod", "numpy")


def prepare(
    task: str, instance: dict[str, np.ndarray], options: dict[str, Any], threads: int
) -> tuple[Run, str]:
    model = _model(instance)
    if options["sampler"] == "tabu":
        return _tabu(model, options)
    path = options["sampler"] == "path-integral"
    sampler: Any = PathIntegralAnnealingSampler() if path else SimulatedAnnealingSampler()
    shape = options.get("schedule", "geometric")
    # Its own default, which it would compute in Python at each call: seconds for dense models.
    ends = _default_ising_beta_range(model.linear, model.quadratic)

    def anneal(reads: int, sweeps: int, seed: int) -> np.ndarray:
        found = sampler.sample(
            model,
            num_reads=reads,
            num_sweeps=sweeps,
            seed=seed,
            beta_schedule_type=shape,
            beta_range=ends,
        )
        return np.asarray(found.record.sample)

    if task == "ising-sweeps":
        return sweeps_task(anneal, instance, options)
    run, note = search_task(anneal, instance, options, reads=int(options["reads"]))
    return run, f"{note}, {shape}"


def _model(instance: dict[str, np.ndarray]) -> Any:
    i, j = instance["pairs"].T
    return dimod.BinaryQuadraticModel.from_numpy_vectors(
        instance["fields"], (i, j, instance["weights"]), 0.0, dimod.SPIN
    )


def _tabu(model: Any, options: dict[str, Any]) -> tuple[Run, str]:
    sampler, budget = TabuSampler(), float(options["seconds"])
    more = {"tenure": int(options["tenure"])} if "tenure" in options else {}

    def run(at: dict[str, Any]) -> dict[str, Any]:
        begun, wall = time.process_time(), time.perf_counter()
        best, start, tries = None, None, 0
        while (left := budget - (time.process_time() - begun)) > 0.02 * budget:
            spent = time.process_time() - begun
            pace = (time.perf_counter() - wall) / spent if tries else 1.0
            found = sampler.sample(
                model, num_reads=1, timeout=max(1, int(1000 * left * pace)), initial_states=start,
                seed=int(at["seed"]) + tries, **more,
            )  # fmt: skip
            if best is None or found.first.energy < best.first.energy:
                best = found
            start, tries = best, tries + 1
        assert best is not None
        spins = best.record.sample[best.record.energy.argmin()]
        return {"spins": spins[np.argsort(list(best.variables))].astype(np.int8)}

    return run, f"tenure {options.get('tenure', 'default')}"
