"""Density matrices: noisy circuits of few qubits, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Complex, Float64

from qupel.errors import InputError
from qupel.kernels import gates as kernel
from qupel.kernels.gates import GateList
from qupel.model.checks import whole
from qupel.model.circuit import Circuit
from qupel.model.pauli import PauliSum
from qupel.simulators.counts import Counts
from qupel.simulators.fusion import Values, gate_list
from qupel.simulators.noise import NoiseModel
from qupel.simulators.qaoa import Precision
from qupel.simulators.statevector import (
    StateVector,
    hermitian,
    marginal,
    measured,
)

#: Most qubits of a density matrix: 2**26 numbers.
MOST_QUBITS = 13


@dataclass(frozen=True, slots=True)
class DensityMatrix:
    """A noisy quantum computer, computed exactly, up to 13 qubits.

    The matrix is worked on as a state of twice as many qubits: the column qubits, which gates
    meet conjugated, are the low ones, the row qubits the high ones. Channels are matrices on both.

    Attributes
    ----------
    noise
        Channels after gates, and errors of the readout.
    precision, threads
        As for `StateVector`.

    Examples
    --------
    >>> from qupel.simulators.noise import bit_flip
    >>> flips = NoiseModel.of(after={"x": bit_flip(0.25)})
    >>> DensityMatrix(flips).probabilities(Circuit(1).x(0)).round(12).tolist()
    [0.25, 0.75]
    """

    noise: NoiseModel = field(default_factory=NoiseModel)
    precision: Precision = "double"
    threads: int | None = None

    def run(
        self, circuit: Circuit, parameters: Values = (), initial: Any = None
    ) -> Complex[np.ndarray, "side side"]:
        """Return the density matrix after all gates and their channels.

        ``initial`` is a density matrix to start from, all qubits 0 by default.
        """
        n = circuit.qubits
        if n > MOST_QUBITS:
            raise InputError(
                f"a density matrix of {n} qubits has 4^{n} numbers; up to {MOST_QUBITS} qubits are "
                "simulated: use Trajectories"
            )
        vector = StateVector(self.precision, self.threads)
        flat = None if initial is None else np.asarray(initial).reshape(-1)
        state = vector.start(2 * n, flat)
        kernel.apply(state, self._gates(circuit, parameters), vector.workers())
        return state.reshape(1 << n, 1 << n)

    def expectation(self, circuit: Circuit, observable: PauliSum, parameters: Values = ()) -> float:
        """Return the expectation of a Hermitian sum, readout errors aside."""
        return trace_with(self.run(circuit, parameters), observable)

    def probabilities(
        self, circuit: Circuit, parameters: Values = ()
    ) -> Float64[np.ndarray, " outcomes"]:
        """Return the probability of each reading of the measured qubits, or of all of them."""
        weights = self.run(circuit, parameters).diagonal().real.astype(np.float64)
        qubits = measured(circuit)
        return self.noise.confused(marginal(weights / weights.sum(), qubits), qubits)

    def sample(
        self,
        circuit: Circuit,
        shots: int,
        rng: np.random.Generator,
        parameters: Values = (),
    ) -> Counts:
        """Run ``shots`` times and count what was read."""
        whole("shots", shots)
        sums = np.cumsum(self.probabilities(circuit, parameters))
        drawn = np.searchsorted(sums, rng.random(shots) * sums[-1], side="right")
        return Counts.of(len(measured(circuit)), drawn.astype(np.int64))

    def _gates(self, circuit: Circuit, parameters: Values) -> GateList:
        n = circuit.qubits
        ideal = gate_list(circuit, parameters)
        found: list[tuple[Sequence[int], Any]] = []
        known: dict[int, Any] = {}  # superoperators, by the channel's identity
        begin = 0
        for gate in circuit.gates:
            side = 1 << len(gate.qubits)
            unitary = ideal.matrices[begin : begin + side * side].reshape(side, side)
            begin += side * side
            rows = [q + n for q in gate.qubits]
            found += [(gate.qubits, unitary.conj()), (rows, unitary)]
            for channel, qubits in self.noise.after(gate):
                if id(channel) not in known:
                    known[id(channel)] = channel.superoperator()
                found.append(((*qubits, *(q + n for q in qubits)), known[id(channel)]))
        return GateList.of(found)


def trace_with(rho: Complex[np.ndarray, "side side"], observable: PauliSum) -> float:
    """Expectation of a Hermitian sum in a density matrix."""
    side = rho.shape[0]
    x, z, weights = hermitian(observable, side.bit_length() - 1)
    states = np.arange(side, dtype=np.uint64)
    total = 0.0
    for flips in np.unique(x):
        met = rho[states, states ^ flips].astype(np.complex128)
        for k in np.flatnonzero(x == flips):
            signs = 1.0 - 2.0 * (np.bitwise_count(states & z[k]) & 1)
            turn = 1j ** int(np.bitwise_count(flips & z[k]) % 4)
            total += float(weights[k] * (turn * (signs @ met)).real)
    return total
