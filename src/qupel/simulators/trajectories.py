"""Quantum trajectories: noisy circuits of many qubits, by repeated random runs of a state vector.

Dalibard, Castin, Mølmer (1992), Wave-function approach to dissipative processes in quantum optics,
doi:10.1103/PhysRevLett.68.580.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Complex, Float64, Int64, UInt64

from qupel.errors import InputError
from qupel.kernels import gates as kernel
from qupel.kernels.gates import GateList
from qupel.model.circuit import Circuit
from qupel.model.pauli import PauliSum
from qupel.simulators.counts import Counts
from qupel.simulators.estimation import Estimate
from qupel.simulators.fusion import gate_list
from qupel.simulators.noise import Channel, NoiseModel
from qupel.simulators.qaoa import Precision
from qupel.simulators.statevector import StateVector, check_shots, hermitian, measured, picked

#: States up to this size are run one a thread, larger ones one after another on all threads.
SMALL = 17


@dataclass(frozen=True, slots=True)
class Trajectories:
    """A noisy quantum computer, sampled.

    In each run every channel picks one of its Kraus matrices with the probability it has in the
    state at hand. The mean over runs is that of the density matrix. Run ``k`` draws from a stream
    of its own, addressed by the generator's next numbers and ``k``, so results do not depend on
    the number of threads. Channels that mix unitaries, such as Pauli noise, are drawn beforehand;
    runs that drew alike are computed once.

    Attributes
    ----------
    noise
        Channels after gates, and errors of the readout.
    precision, threads
        As for `StateVector`.
    """

    noise: NoiseModel = field(default_factory=NoiseModel)
    precision: Precision = "double"
    threads: int | None = None

    def expectation(
        self,
        circuit: Circuit,
        observable: PauliSum,
        parameters: Sequence[float] = (),
        *,
        trajectories: int,
        rng: np.random.Generator,
        confidence: float = 0.95,
    ) -> Estimate:
        """Return the mean expectation over so many runs, with its error; readout errors aside."""
        if trajectories < 2:
            raise InputError(f"trajectories must be at least 2, got {trajectories}")
        terms = hermitian(observable, circuit.qubits)

        def value(
            state: Complex[np.ndarray, " states"], runs: Sequence[int], threads: int
        ) -> Sequence[float]:
            return [kernel.observe(state, *terms, threads)] * len(runs)

        found = np.array(self._all(circuit, parameters, trajectories, _key(rng), value))
        return Estimate.of(
            float(found.mean()), [float(found.var(ddof=1))], [trajectories], confidence
        )

    def sample(
        self,
        circuit: Circuit,
        shots: int,
        rng: np.random.Generator,
        parameters: Sequence[float] = (),
    ) -> Counts:
        """Run ``shots`` times and count what the measured qubits, or all of them, were read as."""
        check_shots(shots)
        qubits = measured(circuit)
        key = _key(rng)

        def outcomes(
            state: Complex[np.ndarray, " states"], runs: Sequence[int], threads: int
        ) -> Sequence[int]:
            uniform = np.array([_stream(key, run, 1).random(1 + len(qubits)) for run in runs])
            order = np.argsort(uniform[:, 0], kind="stable")
            indices = np.empty(len(runs), np.int64)
            indices[order] = kernel.draw(state, np.ascontiguousarray(uniform[order, 0]), threads)
            return self._read(picked(indices, qubits), qubits, uniform[:, 1:]).tolist()

        drawn = self._all(circuit, parameters, shots, key, outcomes)
        return Counts.of(len(qubits), np.array(drawn, np.int64))

    def _read(
        self,
        outcomes: Int64[np.ndarray, " runs"],
        qubits: Sequence[int],
        uniform: Float64[np.ndarray, "runs bits"],
    ) -> Int64[np.ndarray, " runs"]:
        """Outcomes as they are read."""
        out = outcomes.copy()
        for k, qubit in enumerate(qubits):
            if (readout := self.noise.read(qubit)) is not None:
                one = (outcomes >> k & 1).astype(np.bool_)
                chance = np.where(one, readout.false_zero, readout.false_one)
                out ^= (uniform[:, k] < chance).astype(np.int64) << k
        return out

    def _all(
        self,
        circuit: Circuit,
        parameters: Sequence[float],
        runs: int,
        key: UInt64[np.ndarray, 2],
        use: Callable[[Complex[np.ndarray, " states"], Sequence[int], int], Sequence[Any]],
    ) -> list[Any]:
        """What ``use`` says of the final states, in order of the runs."""
        steps = _steps(circuit, parameters, self.noise)
        alone = any(step.mixture is None for step in steps if isinstance(step, _Noise))
        draws = sum(isinstance(step, _Noise) for step in steps)
        uniform = np.array([_stream(key, run, 0).random(draws) for run in range(runs)])
        groups: list[list[int]]
        if alone:
            groups = [[run] for run in range(runs)]
        else:
            alike: dict[tuple[int, ...], list[int]] = {}
            for run in range(runs):
                alike.setdefault(_choices(steps, uniform[run]), []).append(run)
            groups = list(alike.values())
        vector = StateVector(self.precision, self.threads)
        vector.start(circuit.qubits)  # says now if it does not fit
        workers = vector.workers()
        side_by_side = min(workers, len(groups)) if circuit.qubits <= SMALL else 1
        threads = 1 if side_by_side > 1 else workers

        def compute(members: list[int]) -> Sequence[Any]:
            state = vector.start(circuit.qubits)
            _run(state, steps, uniform[members[0]], threads)
            return use(state, members, threads)

        if side_by_side > 1:
            with ThreadPoolExecutor(side_by_side) as pool:
                found = list(pool.map(compute, groups))
        else:
            found = [compute(members) for members in groups]
        out: list[Any] = [None] * runs
        for members, values in zip(groups, found, strict=True):
            for run, value in zip(members, values, strict=True):
                out[run] = value
        return out


@dataclass(frozen=True, slots=True, eq=False)
class _Unitary:
    """A gate: its qubits, and its matrix in a row."""

    qubits: tuple[int, ...]
    matrix: Complex[np.ndarray, " entries"]


@dataclass(frozen=True, slots=True, eq=False)
class _Noise:
    """A channel on certain qubits, with its mixture of unitaries if it is one."""

    qubits: tuple[int, ...]
    channel: Channel
    mixture: tuple[Float64[np.ndarray, " sums"], tuple[Any, ...]] | None


_Step = _Unitary | _Noise


def _steps(circuit: Circuit, parameters: Sequence[float], noise: NoiseModel) -> list[_Step]:
    ideal = gate_list(circuit, parameters)
    out: list[_Step] = []
    known: dict[int, Any] = {}
    begin = 0
    for gate in circuit.gates:
        entries = 1 << (2 * len(gate.qubits))
        out.append(_Unitary(gate.qubits, ideal.matrices[begin : begin + entries]))
        begin += entries
        for channel, qubits in noise.after(gate):
            if id(channel) not in known:
                known[id(channel)] = _mixture(channel)
            out.append(_Noise(qubits, channel, known[id(channel)]))
    return out


def _mixture(channel: Channel) -> tuple[Any, tuple[Any, ...]] | None:
    """Summed probabilities and unitaries of a mixture; None stands for doing nothing."""
    found = channel.unitaries()
    if found is None:
        return None
    weights, unitaries = found
    return np.cumsum(weights), tuple(None if _is_one(u) else u.reshape(-1) for u in unitaries)


def _is_one(unitary: Complex[np.ndarray, "side side"]) -> bool:
    return bool(np.abs(unitary - np.eye(len(unitary))).max() < 1e-14)


def _key(rng: np.random.Generator) -> UInt64[np.ndarray, 2]:
    return rng.integers(0, 2**64, 2, dtype=np.uint64)


def _stream(key: UInt64[np.ndarray, 2], run: int, purpose: int) -> np.random.Generator:
    """Return the numbers of one run: Philox counts from (0, purpose, run)."""
    return np.random.Generator(np.random.Philox(key=key, counter=[0, purpose, run, 0]))


def _choices(steps: Sequence[_Step], uniform: Float64[np.ndarray, " draws"]) -> tuple[int, ...]:
    """Which unitary each mixture takes."""
    sums = [step.mixture[0] for step in steps if isinstance(step, _Noise) and step.mixture]
    return tuple(
        min(int(np.searchsorted(row, u, side="right")), row.size - 1)
        for row, u in zip(sums, uniform, strict=True)
    )


def _run(
    state: Complex[np.ndarray, " states"],
    steps: Sequence[_Step],
    uniform: Float64[np.ndarray, " draws"],
    threads: int,
) -> None:
    """One run, in place. Gates wait until a channel has to look at the state."""
    qubits: list[int] = []
    starts, matrices = [0], [np.zeros(0, np.complex128)]

    def add(on: Sequence[int], matrix: Any) -> None:
        qubits.extend(on)
        starts.append(len(qubits))
        matrices.append(matrix)

    def flush() -> None:
        held = GateList(
            np.array(qubits, np.int32), np.array(starts, np.int32), np.concatenate(matrices)
        )
        kernel.apply(state, held, threads)
        qubits.clear()
        del starts[1:], matrices[1:]

    drawn = iter(uniform)
    for step in steps:
        if isinstance(step, _Unitary):
            add(step.qubits, step.matrix)
        elif step.mixture is not None:
            sums, unitaries = step.mixture
            k = min(int(np.searchsorted(sums, next(drawn), side="right")), sums.size - 1)
            if unitaries[k] is not None:
                add(step.qubits, unitaries[k])
        else:
            flush()
            add(step.qubits, _collapse(state, step, next(drawn), threads))
    flush()


def _collapse(
    state: Complex[np.ndarray, " states"], step: _Noise, uniform: float, threads: int
) -> Complex[np.ndarray, " entries"]:
    """Return the Kraus matrix that happens, scaled so that the state keeps length one."""
    on = sorted(step.qubits)
    rho = kernel.reduced(state, on, threads)
    if list(step.qubits) != on:
        swapped = [0, 2, 1, 3]
        rho = rho[np.ix_(swapped, swapped)]
    kraus = np.array(step.channel.kraus)
    chances = ((kraus @ rho) * kraus.conj()).sum(axis=(1, 2)).real
    sums = np.cumsum(np.maximum(chances, 0.0))
    k = min(int(np.searchsorted(sums, uniform * sums[-1], side="right")), sums.size - 1)
    while chances[k] <= 0:  # rounding may point at the end of the sums
        k -= 1
    return (kraus[k] / np.sqrt(chances[k])).reshape(-1)
