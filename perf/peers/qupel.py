"""Qupel itself, a worker like the others."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from perf.circuits import qupel_state
from perf.peers.serve import Run, UnsupportedError
from perf.peers.shared import some_probabilities
from qupel.model.ising import Ising
from qupel.simulators import Qaoa
from qupel.simulators.feature_maps import ZZMap
from qupel.simulators.quantum_kernel import QuantumKernel
from qupel.solvers.classical.annealing import Annealing
from qupel.solvers.classical.tabu import Tabu
from qupel.solvers.contract import Stop, after_rounds
from qupel.solvers.inspired.bifurcation import Bifurcation
from qupel.solvers.inspired.tempering import Tempering

PACKAGES = ("qupel", "numpy")


def prepare(
    task: str, instance: dict[str, np.ndarray], options: dict[str, Any], threads: int
) -> tuple[Run, str]:
    """Build what a caller would keep from call to call."""
    if task in {"qaoa-energy", "qaoa-gradient"}:
        simulator = Qaoa(
            _ising(instance), precision=options.get("precision", "single"), threads=threads
        )
        if task == "qaoa-energy":
            return lambda at: {"energy": simulator.energy(at["gammas"], at["betas"])}, ""
        return lambda at: _gradient(simulator, at), ""
    if task == "circuit-state":
        state = qupel_state(int(instance["n"]), options["gates"], "single", threads)
        return lambda at: some_probabilities(state()), "single"
    if task == "gram":
        samples = instance["samples"]
        zz = ZZMap(samples.shape[1], repetitions=int(instance["repetitions"]))
        kernel = QuantumKernel(zz, threads=threads)
        return lambda at: {"gram": kernel.gram(samples)}, "single"
    if task == "ising-sweeps":
        return _sweeps(_ising(instance), options)
    if task == "ising-search":
        return _search(_ising(instance), options, threads)
    raise UnsupportedError(task)


def _ising(instance: dict[str, np.ndarray]) -> Ising:
    n, pairs = int(instance["n"]), instance["pairs"]
    couplings = sparse.csr_array((instance["weights"], (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return Ising(instance.get("fields", np.zeros(n)), couplings)


def _gradient(simulator: Qaoa, at: dict[str, Any]) -> dict[str, Any]:
    energy, by_gamma, by_beta = simulator.energy_and_gradient(at["gammas"], at["betas"])
    return {"energy": energy, "gradient": np.concatenate([by_gamma, by_beta])}


def _sweeps(form: Ising, options: dict[str, Any]) -> tuple[Run, str]:
    """Passes of a fixed length, through the solver's public face, for about so many seconds."""
    sweeps, seconds = int(options["sweeps"]), float(options["seconds"])
    solver = Annealing(sweeps=sweeps, most_sweeps=sweeps)

    def solve(rounds: int) -> Any:
        return solver.solve(form, stop=after_rounds(rounds), rng=np.random.default_rng(1))

    def spent(rounds: int) -> float:
        begun = time.process_time()
        solve(rounds)
        return time.process_time() - begun

    setup, rounds = min(spent(1) for _ in range(3)), 8
    while (took := spent(rounds) - setup) < 0.2 * seconds:
        rounds *= 2
    rounds = 1 + max(1, round((rounds - 1) * seconds / took))
    swept = int(solve(rounds).facts["sweeps"])
    updates = (swept - int(solve(1).facts["sweeps"])) * form.variables

    def run(at: dict[str, Any]) -> dict[str, Any]:
        solve(rounds)
        return {"updates": updates, "setup": setup}

    return run, f"{swept} sweeps over all replicas, in passes of {sweeps}"


SOLVERS = {
    "annealing": Annealing,
    "tempering": Tempering,
    "tabu": Tabu,
    "bifurcation": Bifurcation,
}


@dataclass(slots=True)
class _Spent(Stop):
    """Stops after so much CPU time of this process."""

    until: float = 0.0

    def __call__(self, best: float) -> bool:
        return time.process_time() >= self.until


def _search(form: Ising, options: dict[str, Any], threads: int) -> tuple[Run, str]:
    solver = SOLVERS[options["solver"]](**options.get("settings", {}))
    budget = float(options["seconds"])

    def run(at: dict[str, Any]) -> dict[str, Any]:
        stop = _Spent(until=time.process_time() + budget)
        found = solver.solve(form, stop=stop, rng=np.random.default_rng(int(at["seed"])))
        return {"spins": found.values[0]}

    return run, options["solver"]
