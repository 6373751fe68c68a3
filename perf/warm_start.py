"""What a QAOA circuit adds to the classical answer it starts from."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from perf.tables import publish
from qupel.benchmarks.intervals import mean_interval
from qupel.model import Ising
from qupel.simulators.multi_angle import MultiAngleQaoa
from qupel.simulators.warm import softened
from qupel.solvers.classical.exhaustive import Exhaustive
from qupel.solvers.classical.greedy import GreedyDescent
from qupel.solvers.contract import Stop
from qupel.solvers.quantum.qaoa import Qaoa

INSTANCES = 20
SPINS = 18
SHOTS = 100
EPSILON = 0.25
LEVEL = 0.95


def main() -> None:
    """Run every arm on every instance and write the table."""
    gains: dict[str, list[float]] = {name: [] for name in ARMS}
    rows: list[list[str | int | float]] = []
    for seed in itertools.count():
        form = spin_glass(seed)
        rng = np.random.default_rng(seed)
        optimum = float(Exhaustive().solve(form, stop=Stop(), rng=rng).energies[0])
        start = GreedyDescent().solve(form, stop=Stop(), rng=rng)
        first = float(start.energies[0])
        if first <= optimum + 1e-9:
            continue  # nothing is left to gain
        finals = {}
        for name, arm in ARMS.items():
            best = arm(form, start.values[0], np.random.default_rng(1000 + seed))
            finals[name] = min(first, best)
            gains[name].append(100 * (first - finals[name]) / abs(optimum))
        rows.append([seed, optimum, first, *(finals[name] for name in ARMS)])
        if len(rows) == INSTANCES:
            break
    means: list[str | int | float] = ["mean gain (%)", "", ""]
    for name in ARMS:
        low, high = mean_interval(np.array(gains[name]), LEVEL)
        means.append(f"{np.mean(gains[name]):.3f} [{low:.3f}, {high:.3f}]")
    rows.append(means)
    publish(
        "warm_start",
        "Warm starts of QAOA",
        f"The first {INSTANCES} of numbered Sherrington-Kirkpatrick spin glasses of {SPINS} spins "
        f"whose greedy answer is not optimal. Every arm takes {SHOTS} samples and gives back the "
        f"best of them and of the greedy answer, so none ends above the start. *Start alone* "
        f"samples the product state of the warm start, without a circuit: what the circuit adds "
        f"is the difference from it. Gains are in percent of the optimal energy, with "
        f"{100 * LEVEL:g} % intervals over the instances.",
        ["instance", "optimum", "greedy start", *ARMS],
        rows,
    )


def spin_glass(seed: int) -> Ising:
    """Couplings of a spin have squares that add up to one on average."""
    couplings = np.random.default_rng(seed).normal(size=(SPINS, SPINS)) / np.sqrt(SPINS)
    return Ising(np.zeros(SPINS), np.triu(couplings, 1))


def _warm(layers: int) -> Callable[[Ising, np.ndarray, np.random.Generator], float]:
    def best(form: Ising, start: np.ndarray, rng: np.random.Generator) -> float:
        solver = Qaoa(layers=layers, shots=SHOTS, warm="descent", epsilon=EPSILON)
        return float(solver.solve(form, stop=Stop(), rng=rng).facts["best_of_shots"])

    return best


def _cold(form: Ising, start: np.ndarray, rng: np.random.Generator) -> float:
    found = Qaoa(layers=2, shots=SHOTS).solve(form, stop=Stop(), rng=rng)
    return float(found.energies[0])


def _start_alone(form: Ising, start: np.ndarray, rng: np.random.Generator) -> float:
    bits = (1 - start.astype(np.int64)) // 2
    circuit = MultiAngleQaoa(form, start=softened(bits, EPSILON))
    return float(circuit.sample([], [], shots=SHOTS, rng=rng).energies[0])


def _uniform(form: Ising, start: np.ndarray, rng: np.random.Generator) -> float:
    spins = rng.choice(np.array([-1, 1], np.int8), (SHOTS, SPINS))
    return float(form.energies(spins).min())


ARMS: dict[str, Callable[[Ising, np.ndarray, np.random.Generator], float]] = {
    "warm, 1 layer": _warm(1),
    "warm, 2 layers": _warm(2),
    "start alone": _start_alone,
    "QAOA without it, 2 layers": _cold,
    "uniform bits": _uniform,
}
