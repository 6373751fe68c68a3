"""State vectors of general circuits: states, expectations, probabilities and shots."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from jaxtyping import Complex, Float64, Int64, UInt64

from qupel.errors import InputError
from qupel.kernels import gates as kernel
from qupel.kernels.cpu import check_threads
from qupel.model.checks import whole
from qupel.model.circuit import Circuit
from qupel.model.pauli import PauliSum
from qupel.simulators.counts import Counts
from qupel.simulators.fusion import Values, gate_list
from qupel.simulators.memory import check_memory
from qupel.simulators.qaoa import Precision

#: How far the norm of a given state may be from one.
NORM = 1e-4


@dataclass(frozen=True, slots=True)
class StateVector:
    """An ideal quantum computer, computed exactly.

    Qubit 0 is the lowest bit of a state's index. Circuits start from all qubits 0 unless another
    state is given. Gates are fused and applied in few passes over memory.

    Attributes
    ----------
    precision
        ``double`` (``complex128``) or ``single`` (``complex64``), which is about twice as fast
        and good to about 1e-6.
    threads
        Threads to use, None for as many as this process may run on; they change no result.

    Raises
    ------
    InputError
        If a state does not fit in memory, with its size and what there is.

    Examples
    --------
    >>> bell = Circuit(2).h(0).cx(0, 1)
    >>> StateVector().probabilities(bell).round(12).tolist()
    [0.5, 0.0, 0.0, 0.5]
    >>> round(StateVector().expectation(bell, PauliSum.of({"ZZ": 1.0, "XX": 1.0})), 12)
    2.0
    """

    precision: Precision = "double"
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.precision not in get_args(Precision):
            raise InputError(f"precision must be 'single' or 'double', got {self.precision!r}")
        if self.threads is not None:
            check_threads(self.threads)

    def run(
        self, circuit: Circuit, parameters: Values = (), initial: Any = None
    ) -> Complex[np.ndarray, " states"]:
        """Return the state after all gates, measurements aside.

        Parameters
        ----------
        circuit
            The gates.
        parameters
            A value for each of the circuit's parameters.
        initial
            Amplitudes to start from, of norm 1; they are not changed.
        """
        state = self.start(circuit.qubits, initial)
        norm = 1.0 if initial is None else float(np.linalg.norm(state))
        if not abs(norm - 1) <= NORM:  # NaN is off, too
            raise InputError(
                f"an initial state has norm 1, got {norm:.6g}; divide it by np.linalg.norm of it"
            )
        kernel.apply(state, gate_list(circuit, parameters), self.workers())
        return state

    def expectation(self, circuit: Circuit, observable: PauliSum, parameters: Values = ()) -> float:
        """Return the expectation of a Hermitian sum after the circuit."""
        terms = hermitian(observable, circuit.qubits)
        return kernel.observe(self.run(circuit, parameters), *terms, self.workers())

    def probabilities(
        self, circuit: Circuit, parameters: Values = ()
    ) -> Float64[np.ndarray, " outcomes"]:
        """Return the probability of each outcome of the measured qubits, or of all of them."""
        return marginal(born(self.run(circuit, parameters)), measured(circuit))

    def sample(
        self,
        circuit: Circuit,
        shots: int,
        rng: np.random.Generator,
        parameters: Values = (),
    ) -> Counts:
        """Run ``shots`` times and count what the measured qubits, or all of them, gave."""
        whole("shots", shots)
        return draw(self.run(circuit, parameters), measured(circuit), shots, rng, self.workers())

    def start(self, qubits: int, initial: Any = None) -> Complex[np.ndarray, " states"]:
        """Return a fresh state to work on: all qubits 0, or a copy of ``initial``."""
        dtype = np.dtype(np.complex64 if self.precision == "single" else np.complex128)
        needed = dtype.itemsize << min(qubits, 200)
        check_memory(qubits, needed, f"{qubits} qubits in {self.precision} precision")
        if initial is None:
            state = np.zeros(1 << qubits, dtype)
            state[0] = 1
            return state
        state = np.array(initial, dtype)
        if state.shape != (1 << qubits,):
            raise InputError(
                f"a state of {qubits} qubits has {1 << qubits} amplitudes, got shape {state.shape}"
            )
        return state

    def workers(self) -> int:
        """Return how many threads to use."""
        return self.threads or available()


def available() -> int:
    """Return on how many processors this process may run."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def hermitian(
    observable: PauliSum, qubits: int
) -> tuple[
    UInt64[np.ndarray, " terms"], UInt64[np.ndarray, " terms"], Float64[np.ndarray, " terms"]
]:
    """Masks and real weights of an observable on so many qubits.

    Raises
    ------
    InputError
        If it is on another number of qubits, or its expectations are not real.
    """
    if observable.qubits != qubits:
        raise InputError(
            f"the observable is on {observable.qubits} qubits and the circuit on {qubits}; "
            f"build it with qubits={qubits}"
        )
    weights = observable.coefficients
    if weights.imag.any():
        observable = observable.simplify()
        weights = observable.coefficients
        if not observable.is_hermitian():
            raise InputError(
                "an expectation needs real coefficients; the largest imaginary part is "
                f"{np.abs(weights.imag).max():.3g}: take (a + a.dagger()) / 2"
            )
    x, z = (np.ascontiguousarray(mask[:, 0]) for mask in (observable.x, observable.z))
    return x, z, np.ascontiguousarray(weights.real)


def measured(circuit: Circuit) -> tuple[int, ...]:
    """Return the qubits that are measured, in order; all where the circuit does not say."""
    return tuple(range(circuit.qubits)) if circuit.measured is None else circuit.measured


def born(state: Complex[np.ndarray, " states"]) -> Float64[np.ndarray, " states"]:
    """Probability of each state, summing to one."""
    weights = np.square(state.real, dtype=np.float64)
    weights += np.square(state.imag, dtype=np.float64)
    weights /= weights.sum()
    return weights


def marginal(
    probabilities: Float64[np.ndarray, " states"], qubits: Sequence[int]
) -> Float64[np.ndarray, " outcomes"]:
    """Probabilities of the outcomes of these qubits, the first the lowest bit."""
    n = probabilities.size.bit_length() - 1
    if tuple(qubits) == tuple(range(n)):
        return probabilities
    table = probabilities.reshape((2,) * n)  # axis k belongs to qubit n - 1 - k
    left_out = tuple(n - 1 - q for q in range(n) if q not in set(qubits))
    kept = [q for q in reversed(range(n)) if q in set(qubits)]
    return table.sum(axis=left_out).transpose([kept.index(q) for q in reversed(qubits)]).reshape(-1)


def picked(
    indices: Int64[np.ndarray, " shots"], qubits: Sequence[int]
) -> Int64[np.ndarray, " shots"]:
    """Outcomes of these qubits, the first the lowest bit, from indices of states."""
    out = np.zeros_like(indices)
    for k, q in enumerate(qubits):
        out |= (indices >> q & 1) << k
    return out


def draw(
    state: Complex[np.ndarray, " states"],
    qubits: Sequence[int],
    shots: int,
    rng: np.random.Generator,
    threads: int,
) -> Counts:
    """Measure these qubits so many times."""
    indices = kernel.draw(state, np.sort(rng.random(shots)), threads)
    return Counts.of(len(qubits), picked(indices, qubits))
