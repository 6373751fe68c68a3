"""Recursive QAOA: fix the surest pair of spins, shorten the form, begin again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float64, Int8

from qupel.errors import InputError
from qupel.kernels.ising import Chains, descend
from qupel.kernels.mixers import walsh_hadamard
from qupel.model import Ising, Outcome, Samples, bits_of
from qupel.simulators import Precision
from qupel.simulators import Qaoa as Circuit
from qupel.simulators.subspace import Subspace
from qupel.solvers.contract import OnEvent, Stop, Watch, ignore
from qupel.solvers.quantum.angles import AngleSearch
from qupel.solvers.quantum.qaoa import check_time, fixed_for
from qupel.solvers.search import landscape_of


@dataclass(frozen=True, slots=True)
class RecursiveQaoa:
    """Fix one spin after another where a QAOA state is surest, and solve the rest exactly.

    The angles of a circuit are found as `qupel.solvers.quantum.qaoa.Qaoa` finds them. Of all
    expected spins and products of two spins in that state the one of largest magnitude, by its
    sign, fixes a spin, or one spin by another. That shortens the form by a spin, and the next
    circuit starts from the angles found. Once ``cutoff`` spins are left, all their states are
    looked at. Nothing is random unless ``shots`` are taken. A round is one evaluation of an energy;
    if the rounds or the time end, a descent decides what is left. Quotas are not kept.

    Attributes
    ----------
    layers
        Layers of each circuit, 1 to 8.
    cutoff
        Spins left for the exact search, 1 to 16.
    shots
        Measurements from which each circuit's correlations are estimated; None for exact ones,
        as if from very many.
    precision
        ``single`` or ``double``.
    threads
        Threads to use; they change no result.
    evaluations
        Evaluations of the energy of each circuit at most, shared evenly among its layers.

    References
    ----------
    Bravyi, Kliesch, Koenig, Tang (2020), Obstacles to variational quantum optimization from
    symmetry protection, doi:10.1103/PhysRevLett.125.260505.
    """

    name: ClassVar[str] = "recursive-qaoa"
    kind: ClassVar[str] = "quantum"
    accepts: ClassVar[type[Ising]] = Ising
    keeps_quotas: ClassVar[bool] = False
    evidence: ClassVar[str] = "noiseless simulator"

    layers: int = 1
    cutoff: int = 8
    shots: int | None = None
    precision: Precision = "single"
    threads: int = 1
    evaluations: int = 60

    def __post_init__(self) -> None:
        if not 1 <= self.layers <= 8:
            raise InputError(f"layers must be 1 to 8, got {self.layers}")
        if not 1 <= self.cutoff <= 16:
            raise InputError(f"cutoff must be 1 to 16, got {self.cutoff}")
        if self.shots is not None and self.shots < 1:
            raise InputError(f"shots must be at least 1, got {self.shots}")
        if self.threads < 1:
            raise InputError(f"threads must be at least 1, got {self.threads}")
        if self.evaluations < self.layers:
            raise InputError(
                f"evaluations must be at least one a layer, got {self.evaluations} "
                f"for {self.layers} layers"
            )
        if self.precision not in {"single", "double"}:
            raise InputError(f"precision must be single or double, got {self.precision!r}")

    def solve(
        self,
        form: Ising,
        *,
        stop: Stop,
        rng: np.random.Generator,
        on_event: OnEvent = ignore,
    ) -> Samples:
        """Fix spins until ``stop`` says so, then decide the rest."""
        watch = Watch(on_event)
        if form.variables > self.cutoff:
            check_time(form, stop)
            Subspace(form.variables)  # refuses what no simulator holds, however long it may take
        rest = _Rest(form)
        angles: np.ndarray | None = None
        evaluations, circuits, surest = 0, 0, 1.0
        while rest.size > self.cutoff:
            search = self._searched(rest.form(), stop, angles)
            evaluations += search.done
            if search.ended:
                break
            angles = search.units()
            correlations = self._correlations(search, rng)
            i, j, value = surest_of(correlations)
            surest = min(surest, abs(value))
            rest.fix(i, j, 1 if value >= 0 else -1)
            circuits += 1
        complete = rest.size <= self.cutoff
        row = rest.completed(_best_of(rest.form()) if complete else _descended(rest.form()))
        energies = form.energies(row[None])
        watch.saw(float(energies[0]))
        facts: dict[str, Any] = {
            "layers": self.layers,
            "circuits": circuits,
            "evaluations": evaluations,
            "left": rest.size,
            "weakest_correlation": surest,
        }
        outcome = Outcome.SAMPLED if complete else Outcome.STOPPED
        return Samples.of(row[None], energies, outcome=outcome, facts=facts)

    def _searched(self, form: Ising, stop: Stop, angles: np.ndarray | None) -> AngleSearch:
        """Search the angles of one circuit."""
        circuit = Circuit(form, precision=self.precision, threads=self.threads)
        search = AngleSearch(
            circuit,
            stop,
            self.evaluations,
            reserve=1e-3 + (5 + self.layers) * 1e-8 * 2**form.variables,
            fixed=fixed_for(form),
            start=angles,
        )
        search.search(self.layers)
        return search

    def _correlations(
        self, search: AngleSearch, rng: np.random.Generator
    ) -> Float64[np.ndarray, "n n"]:
        """Expected spins on the diagonal, products of two above it, at the best angles."""
        circuit: Any = search.circuit
        gammas, betas = np.split(search.best, 2)
        n = circuit.form.variables
        if self.shots is None:
            return correlations_of(circuit.probabilities(gammas, betas), n)
        drawn = circuit.sample(gammas, betas, shots=self.shots, rng=rng)
        spins = drawn.values.astype(np.float64)
        weighed = spins * (drawn.occurrences / self.shots)[:, None]
        out = np.triu(spins.T @ weighed, 1)
        np.fill_diagonal(out, weighed.sum(axis=0))
        return out


def correlations_of(
    probabilities: Float64[np.ndarray, " states"], variables: int
) -> Float64[np.ndarray, "n n"]:
    """Expected spins on the diagonal, expected products of two above it.

    All at once: they are coefficients of one and two bits of a Walsh-Hadamard transform.
    """
    spectrum = walsh_hadamard(probabilities)
    bits = 1 << np.arange(variables)
    both = bits[:, None] | bits[None, :]
    return np.triu(spectrum[both] / spectrum[0])


def surest_of(correlations: Float64[np.ndarray, "n n"]) -> tuple[int, int, float]:
    """Place and value of the largest magnitude; of equal ones (to 1e-6) the first.

    Magnitudes are compared on a grid of 1e-6, wide enough for rounding in single precision.
    """
    grid = np.rint(np.abs(np.triu(correlations)) * 1e6)
    i, j = divmod(int(np.argmax(grid)), len(grid))
    return i, j, float(correlations[i, j])


class _Rest:
    """What is left of a form: the spins still open, and how the others follow from them."""

    def __init__(self, form: Ising) -> None:
        self._fields = form.fields.copy()
        pairs = form.couplings.toarray()
        self._pairs = pairs + pairs.T
        self._offset = form.offset
        self._open = list(range(form.variables))
        self._fixed: list[tuple[int, int | None, int]] = []

    @property
    def size(self) -> int:
        """Spins still open."""
        return len(self._open)

    def form(self) -> Ising:
        """Energy of the open spins."""
        at = np.array(self._open, np.int64)
        return Ising(self._fields[at], np.triu(self._pairs[np.ix_(at, at)], 1), self._offset)

    def fix(self, i: int, j: int, sign: int) -> None:
        """Fix open spin ``i`` to ``sign`` if ``i == j``, else ``j`` to ``sign`` times ``i``."""
        one, other = self._open[i], self._open[j]
        if i == j:
            self._offset += sign * self._fields[one]
            self._fields += sign * self._pairs[one]
            self._fixed.append((one, None, sign))
        else:
            self._offset += sign * self._pairs[one, other]
            self._fields[one] += sign * self._fields[other]
            moved = sign * self._pairs[other]
            moved[one] = 0.0
            self._pairs[one] += moved
            self._pairs[:, one] += moved
            self._fixed.append((other, one, sign))
        gone = self._fixed[-1][0]
        self._pairs[gone] = self._pairs[:, gone] = 0.0
        self._fields[gone] = 0.0
        self._open.remove(gone)

    def completed(self, spins: Int8[np.ndarray, " open"]) -> Int8[np.ndarray, " n"]:
        """All spins, from those still open."""
        row = np.ones(self._fields.size, np.int8)
        row[self._open] = spins
        for gone, source, sign in reversed(self._fixed):
            row[gone] = sign if source is None else sign * row[source]
        return row


def _best_of(form: Ising) -> Int8[np.ndarray, " n"]:
    """The best of all states, the first of equal ones."""
    every = bits_of(np.arange(2**form.variables, dtype=np.int64), form.variables)
    spins = (1 - 2 * every.astype(np.int8)).astype(np.int8)
    return spins[int(np.argmin(form.energies(spins)))]


def _descended(form: Ising) -> Int8[np.ndarray, " n"]:
    """The minimum below all spins +1."""
    landscape = landscape_of(form)
    chains = Chains.of(landscape, np.ones((1, landscape.stride)))
    descend(landscape, chains, key=0)
    return landscape.rows(chains.spins)[0]
