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
from qupel.model.checks import whole
from qupel.model.circuit import Circuit
from qupel.model.pauli import PauliSum
from qupel.simulators.counts import Counts
from qupel.simulators.estimation import Estimate
from qupel.simulators.fusion import Values, gate_list
from qupel.simulators.noise import Channel, NoiseModel
from qupel.simulators.qaoa import Precision
from qupel.simulators.statevector import StateVector, hermitian, measured, picked

#: States up to this size are run one a thread, larger ones one after another on all threads.
SMALL = 17


@dataclass(frozen=True, slots=True)
class Trajectories:
    """A noisy quantum computer, sampled.

    In each run every channel picks one of its Kraus matrices with the probability it has in the
    state at hand. The mean over runs is that of the density matrix. Run ``k`` draws from a stream
    of its own, addressed by the generator's next numbers and ``k``, so results do not depend on
    the number of threads. A draw that falls within the least chance which a matrix has in any
    state needs no look at the state: so it is with all Pauli noise, and mostly with weak damping.
    Runs that never look and drew alike are computed once.

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
        parameters: Values = (),
        *,
        trajectories: int,
        rng: np.random.Generator,
        confidence: float = 0.95,
    ) -> Estimate:
        """Return the mean expectation over so many runs, with its error; readout errors aside."""
        if trajectories < 2:
            raise InputError(f"trajectories must be at least 2, got {trajectories}")
        if not 0 < confidence < 1:
            raise InputError(f"confidence must be between 0 and 1, got {confidence}")
        terms = hermitian(observable, circuit.qubits)

        def value(
            state: Complex[np.ndarray, " states"], runs: Sequence[int], threads: int
        ) -> Sequence[float]:
            none = np.zeros(1, np.uint64)
            norm = kernel.observe(state, none, none, np.ones(1), threads)
            return [kernel.observe(state, *terms, threads) / norm] * len(runs)

        found = np.array(self._all(circuit, parameters, trajectories, _key(rng), value))
        return Estimate.of(
            float(found.mean()), [float(found.var(ddof=1))], [trajectories], confidence
        )

    def sample(
        self,
        circuit: Circuit,
        shots: int,
        rng: np.random.Generator,
        parameters: Values = (),
    ) -> Counts:
        """Run ``shots`` times and count what the measured qubits, or all of them, were read as."""
        whole("shots", shots)
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
        parameters: Values,
        runs: int,
        key: UInt64[np.ndarray, 2],
        use: Callable[[Complex[np.ndarray, " states"], Sequence[int], int], Sequence[Any]],
    ) -> list[Any]:
        """What ``use`` says of the final states, in order of the runs."""
        steps = _steps(circuit, parameters, self.noise)
        channels = [step for step in steps if isinstance(step, _Noise)]
        uniform = np.array([_stream(key, run, 0).random(len(channels)) for run in range(runs)])
        chosen = _choices(channels, uniform)
        alike: dict[tuple[int, bytes], list[int]] = {}
        for run in range(runs):
            looks = bool((chosen[run] == _LOOK).any())
            alike.setdefault((run + 1 if looks else 0, chosen[run].tobytes()), []).append(run)
        groups = list(alike.values())
        vector = StateVector(self.precision, self.threads)
        vector.start(circuit.qubits)  # says now if it does not fit
        workers = vector.workers()
        side_by_side = min(workers, len(groups)) if circuit.qubits <= SMALL else 1
        threads = 1 if side_by_side > 1 else workers

        def compute(members: list[int]) -> Sequence[Any]:
            state = vector.start(circuit.qubits)
            _run(state, steps, chosen[members[0]], uniform[members[0]], threads)
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
class _Kraus:
    """A channel laid out for drawing.

    Attributes
    ----------
    matrices
        The Kraus matrices.
    certain
        Least chance of each in any state.
    scaled
        Each in a row, its squares scaled to those of a unitary; None stands for doing nothing.
    """

    matrices: Complex[np.ndarray, "kraus side side"]
    certain: Float64[np.ndarray, " kraus"]
    scaled: tuple[Any, ...]

    @classmethod
    def of(cls, channel: Channel) -> _Kraus:
        """Lay out a channel."""
        matrices = np.array(channel.kraus)
        side = matrices.shape[1]
        unit = (
            matrices * np.sqrt(side / np.square(np.abs(matrices)).sum(axis=(1, 2)))[:, None, None]
        )
        idle = [bool(np.abs(k - np.eye(side)).max() < 1e-14) for k in unit]
        scaled = tuple(
            None if nothing else k.reshape(-1) for nothing, k in zip(idle, unit, strict=True)
        )
        return cls(matrices, channel.certain(), scaled)


@dataclass(frozen=True, slots=True, eq=False)
class _Noise:
    """A channel on certain qubits."""

    qubits: tuple[int, ...]
    kraus: _Kraus


_Step = _Unitary | _Noise

#: Stands for a choice that depends on the state.
_LOOK = -1


def _steps(circuit: Circuit, parameters: Values, noise: NoiseModel) -> list[_Step]:
    ideal = gate_list(circuit, parameters)
    out: list[_Step] = []
    known: dict[int, _Kraus] = {}
    begin = 0
    for gate in circuit.gates:
        entries = 1 << (2 * len(gate.qubits))
        out.append(_Unitary(gate.qubits, ideal.matrices[begin : begin + entries]))
        begin += entries
        for channel, qubits in noise.after(gate):
            if id(channel) not in known:
                known[id(channel)] = _Kraus.of(channel)
            out.append(_Noise(qubits, known[id(channel)]))
    return out


def _key(rng: np.random.Generator) -> UInt64[np.ndarray, 2]:
    return rng.integers(0, 2**64, 2, dtype=np.uint64)


def _stream(key: UInt64[np.ndarray, 2], run: int, purpose: int) -> np.random.Generator:
    """Return the numbers of one run: Philox counts from (0, purpose, run)."""
    return np.random.Generator(np.random.Philox(key=key, counter=[0, purpose, run, 0]))


def _choices(
    channels: Sequence[_Noise], uniform: Float64[np.ndarray, "runs channels"]
) -> Int64[np.ndarray, "runs channels"]:
    """Which Kraus matrix each channel takes in each run, `_LOOK` where that is open."""
    out = np.empty(uniform.shape, np.int64)
    for k, channel in enumerate(channels):
        sums = np.cumsum(channel.kraus.certain)
        found = np.searchsorted(sums, uniform[:, k], side="right")
        out[:, k] = np.where(found < sums.size, found, _LOOK)
    return out


def _run(
    state: Complex[np.ndarray, " states"],
    steps: Sequence[_Step],
    chosen: Int64[np.ndarray, " channels"],
    uniform: Float64[np.ndarray, " channels"],
    threads: int,
) -> None:
    """One run, in place, up to the state's norm. Gates wait until a channel has to look."""
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

    draws = zip(chosen.tolist(), uniform.tolist(), strict=True)
    for step in steps:
        if isinstance(step, _Unitary):
            add(step.qubits, step.matrix)
            continue
        choice, draw = next(draws)
        if choice == _LOOK:
            flush()
            add(step.qubits, _collapse(state, step, draw, threads))
        elif step.kraus.scaled[choice] is not None:
            add(step.qubits, step.kraus.scaled[choice])
    flush()


def _collapse(
    state: Complex[np.ndarray, " states"], step: _Noise, uniform: float, threads: int
) -> Complex[np.ndarray, " entries"]:
    """Return the Kraus matrix that happens, scaled so that the state has norm one afterwards."""
    on = sorted(step.qubits)
    rho = kernel.reduced(state, on, threads)
    if list(step.qubits) != on:
        swapped = [0, 2, 1, 3]
        rho = rho[np.ix_(swapped, swapped)]
    kraus, certain = step.kraus.matrices, step.kraus.certain
    weights = ((kraus @ rho) * kraus.conj()).sum(axis=(1, 2)).real
    chances = weights / weights.sum()
    # The draw has passed all that is certain; what is left is shared by the open parts.
    left = np.cumsum(np.maximum(chances - certain, 0.0))
    passed = certain.sum()
    share = (uniform - passed) / (1 - passed) if passed < 1 else 1.0
    k = min(int(np.searchsorted(left, share * left[-1], side="right")), left.size - 1)
    while chances[k] <= 0:  # rounding may point at the end of the sums
        k -= 1
    return (kraus[k] / np.sqrt(weights[k])).reshape(-1)
