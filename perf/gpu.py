"""QAOA, annealing and bifurcation on a CUDA device, against what the device allows."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from perf import gpu_plain
from perf.tables import publish
from qupel.errors import InputError
from qupel.kernels import gpu
from qupel.kernels.gpu_annealing import Annealer
from qupel.kernels.gpu_bifurcation import Oscillators
from qupel.kernels.gpu_qaoa import State
from qupel.kernels.gpu_visits import forward
from qupel.kernels.ising import BLOCK, Landscape

LAYERS, ROUNDS, SHOTS = 6, 5, 100_000
QUBITS = range(28, 34)
RAMP = (np.arange(LAYERS) + 0.5) / LAYERS
GAMMAS, BETAS = 0.6 * RAMP, 0.6 * (1 - RAMP)
MOST_PLAIN = 31  # qubits; gate by gate takes long beyond


def main() -> None:
    """Measure and write the pages, or say that there is no device."""
    try:
        device = gpu.find()
    except InputError as error:
        print(f"not run: {error}")
        return
    assert isinstance(device, gpu.Cuda)
    copied = bandwidth(device)
    rows = [qaoa_row(device, n, copied, dense=d) for n in QUBITS for d in (False, True)]
    properties = device.cupy.cuda.runtime.getDeviceProperties(0)
    publish(
        "gpu",
        "QAOA on a CUDA device",
        f"Median of {ROUNDS} energies with {LAYERS} layers in single precision on "
        f"{properties['name'].decode()}, whose copies moved {copied / 1e9:.0f} GB/s (read and "
        "written) in the same run. *Of copy* is the share of that rate at which the visits' own "
        "reads and writes went; *plain* the same layers with a kernel a gate, *cuStateVec* with "
        "a call a gate, without the final expectation. A gradient includes its energy. Ring with "
        "long chords: costs in one byte; dense: normal weights, costs in single precision.",
        ["instance", "qubits", "visits", "energy (ms)", "of copy (%)", "gradient (ms)",
         f"{SHOTS} shots (ms)", "plain (ms)", "cuStateVec (ms)"],
        [row for row in rows if row],
    )  # fmt: skip
    publish(
        "gpu-ising",
        "Ising search on a CUDA device",
        "Spins visited, or oscillators moved, a second. The sparse instance has 10 couplings a "
        "spin, the dense one all.",
        ["kernel", "spins", "replicas", "a second (10^9)"],
        [*annealing_rows(device), *bifurcation_rows(device)],
    )


def seconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Median wall time of what ends with a copy to the host; the first turn does not count."""
    work()
    found = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return statistics.median(found)


def bandwidth(device: gpu.Cuda) -> float:
    """Bytes read and written a second by copies on the device."""
    cupy = device.cupy
    a = cupy.zeros(1 << 30, np.float32)
    b = cupy.empty_like(a)

    def copy() -> None:
        cupy.copyto(b, a)
        cupy.cuda.Device().synchronize()

    return 2 * a.nbytes / seconds(copy)


def chords(qubits: int) -> tuple[np.ndarray, np.ndarray]:
    """Maximum cut on a ring with a chord from every vertex to the far side, over bits."""
    pairs = np.zeros((qubits, qubits))
    for i in range(qubits):
        for j in ((i + 1) % qubits, (i + qubits // 2) % qubits):
            pairs[min(i, j), max(i, j)] = 2.0
    return -(pairs.sum(axis=0) + pairs.sum(axis=1)) / 2, pairs


def normal(qubits: int) -> tuple[np.ndarray, np.ndarray]:
    """Normal weights on all pairs."""
    weights = np.random.default_rng(qubits).normal(size=(qubits, qubits)) / np.sqrt(qubits)
    pairs = np.triu(weights, 1)
    return -(pairs.sum(axis=0) + pairs.sum(axis=1)) / 2, pairs


def traffic(state: State) -> int:
    """Bytes that the visits of one energy read and write, costs included."""
    visits = forward(LAYERS, len(state.ahead.passes(state.qubits)))
    amplitudes = 2 * len(visits) - 2  # the first is only written, the last only read
    held = 1 if state.costs.values is not None else 4
    costs = sum(visit.phase is not None for visit in visits) + 1
    return (8 * amplitudes + held * costs) << state.qubits


def qaoa_row(device: gpu.Cuda, qubits: int, copied: float, *, dense: bool) -> list[Any]:
    """One line of the table; nothing if the device is too small."""
    name = "dense" if dense else "ring with long chords"
    linear, pairs = normal(qubits) if dense else chords(qubits)
    device.cupy.get_default_memory_pool().free_all_blocks()
    try:
        state = State.of_quadratic(linear, pairs, 0.0, device=device)
    except InputError as error:
        print(f"{name}, {qubits} qubits: {error}")
        return []
    energy = seconds(lambda: state.evolve(GAMMAS, BETAS, keep=False))
    share = 100 * traffic(state) / energy / copied
    visits = len(forward(LAYERS, len(state.ahead.passes(qubits))))
    state.evolve(GAMMAS, BETAS)
    levels = np.sort(np.random.default_rng(1).random(SHOTS))
    drawn = 1e3 * seconds(lambda: state.draw(levels))
    fits = device.room() > (8 << qubits) * 1.05
    slope = 1e3 * seconds(lambda: state.gradient(GAMMAS, BETAS)) if fits else "no room"
    plain = ["–", "–"] if dense or qubits > MOST_PLAIN else plain_times(device, state)
    return [name, qubits, visits, 1e3 * energy, share, slope, drawn, *plain]


def plain_times(device: gpu.Cuda, state: State) -> list[Any]:
    """Milliseconds of the same layers gate by gate, by CuPy and by cuStateVec."""
    cupy = device.cupy
    plain = gpu_plain.Plain(cupy.RawModule(code=gpu_plain.GATES, backend="nvrtc"))
    assert state.costs.values is not None
    tables = device.put(np.exp(-1j * GAMMAS[:, None] * state.costs.values).astype(np.complex64))

    def run(gates: gpu_plain.Gates) -> float:
        def work() -> None:
            gpu_plain.evolve(
                gates,
                plain,
                state.amplitudes,
                state.costs.of_states,
                tables,
                state.qubits,
                BETAS.tolist(),
            )
            cupy.cuda.Device().synchronize()

        return 1e3 * seconds(work)

    try:
        vendor: Any = run(gpu_plain.CuStateVec())
    except ImportError as error:
        print(f"cuStateVec not run: {error}")
        vendor = "not installed"
    return [run(plain), vendor]


def random_landscape(n: int, degree: int) -> Landscape:
    """Couplings of plus and minus one on so many random pairs a spin."""
    rng = np.random.default_rng(n)
    couplings = np.zeros((n, n))
    if degree >= n:
        couplings = np.triu(rng.choice([-1.0, 1.0], (n, n)), 1)
    else:
        rows = np.repeat(np.arange(n), degree // 2)
        columns = (rows + rng.integers(1, n, rows.size)) % n
        low, high = np.minimum(rows, columns), np.maximum(rows, columns)
        couplings[low, high] = rng.choice([-1.0, 1.0], rows.size)
    full = couplings + couplings.T
    starts = np.concatenate([[0], np.cumsum((full != 0).sum(axis=1))])
    columns = np.nonzero(full)[1]
    return Landscape.of(np.zeros(n), starts, columns.astype(np.int32), full[full != 0])


def annealing_rows(
    device: gpu.Device, spins: int = 2500, replicas: int = 8192, sweeps: int = 50
) -> list[list[Any]]:
    """Spins visited a second, cooling from 2 to 0.2 times the scale of a local field."""
    rows: list[list[Any]] = []
    for name, degree in (("annealing, sparse", 10), ("annealing, dense", spins)):
        land = random_landscape(spins, degree)
        rng = np.random.default_rng(1)
        keys = rng.integers(0, 2**64, replicas, dtype=np.uint64)
        annealer = Annealer.of(land, land.random(rng, replicas), keys, device=device)
        scale = float(np.sqrt(degree))

        def work(annealer: Annealer = annealer, scale: float = scale) -> None:
            annealer.run(0, sweeps, sweeps=sweeps, hot=2 * scale, cold=0.2 * scale)
            annealer.energies()

        rate = spins * replicas * sweeps / seconds(work)
        rows.append([name, spins, replicas, rate / 1e9])
    return rows


def bifurcation_rows(
    device: gpu.Device, spins: int = 2500, blocks: int = 256, steps: int = 100
) -> list[list[Any]]:
    """Oscillators moved a second."""
    rows: list[list[Any]] = []
    for name, degree in (("bifurcation, sparse", 10), ("bifurcation, dense", spins)):
        land = random_landscape(spins, degree)
        x = np.random.default_rng(1).uniform(-0.1, 0.1, (blocks, spins, BLOCK)).astype(np.float32)
        oscillators = Oscillators.of(land, x, x, device=device)
        strength = 0.5 / np.sqrt(degree)

        def work(oscillators: Oscillators = oscillators, strength: float = strength) -> None:
            oscillators.run(
                0, steps, steps=steps, step=1.0, strength=strength, pull=0.0, discrete=True
            )
            oscillators.wait()

        runs = blocks * BLOCK
        rows.append([name, spins, runs, spins * runs * steps / seconds(work) / 1e9])
    return rows
