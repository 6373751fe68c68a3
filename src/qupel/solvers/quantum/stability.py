"""How much a variational search depends on where it starts, and on the noise of its shots."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from qupel.errors import InputError
from qupel.model import Ising
from qupel.simulators import Mixer, Qaoa
from qupel.solvers.contract import Stop
from qupel.solvers.quantum.angles import AngleSearch, scale_of
from qupel.solvers.quantum.course import Course, descend

#: Shares of the starts at which `Stability.quantiles` are read off.
SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Stability:
    """Where searches for angles ended that began in different places.

    Attributes
    ----------
    energies
        Exact expected cost at the angles each start ended with, ascending.
    chance
        Mean cost over all states: what random answers have.
    reference
        Expected cost at the angles that the solver `qaoa` finds with exact energies, from its
        own starts.
    shots
        Shots that each energy was estimated from, None for exact ones.
    limit
        Spread above which the method is marked unstable.
    """

    energies: Float64[np.ndarray, " starts"]
    chance: float
    reference: float
    shots: int | None
    limit: float

    @property
    def quantiles(self) -> dict[float, float]:
        """Energy below which each of `SHARES` of the starts ended."""
        found = np.quantile(self.energies, SHARES)
        return dict(zip(SHARES, found.tolist(), strict=True))

    @property
    def gains(self) -> Float64[np.ndarray, " starts"]:
        """Gain over chance of each start, as a share of the best gain known; the best first."""
        best = self.chance - min(float(self.energies[0]), self.reference)
        if best <= 1e-9 * max(1.0, abs(self.chance)):
            return np.ones_like(self.energies)
        return (self.chance - self.energies) / best

    @property
    def spread(self) -> float:
        """Gain of the start at the 90th percentile less that at the 10th, as shares."""
        low, high = np.quantile(self.gains, (0.1, 0.9))
        return float(high - low)

    @property
    def is_unstable(self) -> bool:
        """Whether the spread is above the limit."""
        return self.spread > self.limit

    def summary(self) -> str:
        """Return a sentence of what was found."""
        source = "exact energies" if self.shots is None else f"{self.shots} shots an energy"
        worst, median = float(self.gains[-1]), float(np.median(self.gains))
        return (
            f"{'unstable' if self.is_unstable else 'stable'}: of {self.energies.size} starts with "
            f"{source}, half reach {median:.0%} of the best gain known and the worst {worst:.0%}; "
            f"spread {self.spread:.3f}, limit {self.limit:g}"
        )


def stability(
    form: Ising,
    *,
    rng: np.random.Generator,
    layers: int = 2,
    starts: int = 30,
    shots: int | None = None,
    limit: float = 0.1,
    evaluations: int = 100,
    mixer: Mixer = "x",
    threads: int = 1,
) -> Stability:
    """Search the angles of one circuit from many random starts.

    With exact energies each start descends by L-BFGS on the exact gradient: what differs is where
    it began. With shots it is SPSA on estimates, which also shows what noise and the optimiser do.
    Where it ended is judged by the exact energy.

    Parameters
    ----------
    form
        The instance.
    rng
        Draws the starts (gammas up to twice the inverse coupling scale, betas up to a quarter turn,
        either sign) and the shots.
    layers
        Layers of the circuit.
    starts
        Random starts.
    shots
        Shots an energy is estimated from; None for exact energies.
    limit
        Spread of gains, as shares of the best, above which the method is marked unstable.
    evaluations
        Energies, or energies with gradient, of each start.
    mixer
        As in `qupel.simulators.Qaoa`.
    threads
        Threads to use; they change no result.

    References
    ----------
    Spall (1998), Implementation of the simultaneous perturbation algorithm for stochastic
    optimization, doi:10.1109/7.705889.
    """
    for name, value in (("layers", layers), ("starts", starts), ("evaluations", evaluations)):
        if value < 1:
            raise InputError(f"{name} must be at least 1, got {value}")
    if shots is not None and (shots < 2 or evaluations < 20):
        raise InputError(
            f"noisy searches need at least 2 shots and at least 20 evaluations, "
            f"got {shots} and {evaluations}"
        )
    circuit = Qaoa(form, precision="double", threads=threads, mixer=mixer)
    scale, unit = scale_of(circuit), circuit.spread or 1.0
    units = rng.uniform(-1, 1, (starts, 2, layers)) * np.array([[2.0], [np.pi / 4]])
    ends = []
    for start in units.reshape(starts, -1):
        if shots is None:
            ends.append(_descended(circuit, start, scale, evaluations))
        else:
            noisy = _estimator(circuit, scale, unit, shots, rng)
            last = spsa(noisy, start, evaluations, rng)
            ends.append(circuit.energy(last[:layers] / scale, last[layers:]))
    search = AngleSearch(circuit, Stop(), evaluations * layers, 0.0)
    search.search(layers)
    chance = circuit.energy(np.zeros(1), np.zeros(1))
    return Stability(np.sort(np.array(ends)), chance, search.energy, shots, limit)


def spsa(
    value: Callable[[np.ndarray], float],
    start: Float64[np.ndarray, " n"],
    evaluations: int,
    rng: np.random.Generator,
) -> Float64[np.ndarray, " n"]:
    """Go down a noisy function by simultaneous perturbation, two values a step.

    Step k is ``a / (k + 1 + A)**0.602`` along a difference over ``0.1 / (k + 1)**0.101``, A a tenth
    of the steps; a is set so that first steps are about 0.1, from five differences at the start.
    """
    width, first_step, trials = 0.1, 0.1, 5
    steps = max(1, evaluations // 2 - trials)
    calm = steps / 10

    def difference(at: np.ndarray, reach: float) -> np.ndarray:
        signs = rng.choice([-1.0, 1.0], at.size)
        return (value(at + reach * signs) - value(at - reach * signs)) / (2 * reach) * signs

    slope = np.mean([np.abs(difference(start, width)).mean() for _ in range(trials)])
    gain = first_step * (1 + calm) ** 0.602 / slope if slope > 0 else 0.0
    at = start.copy()
    for k in range(steps):
        step = gain / (k + 1 + calm) ** 0.602
        at = at - step * difference(at, width / (k + 1) ** 0.101)
    return at


def _descended(
    circuit: Qaoa, start: Float64[np.ndarray, " angles"], scale: float, evaluations: int
) -> float:
    """Lowest energy that a descent from ``start`` meets."""
    course = Course(Stop(), circuit.layer_seconds(), allowed=evaluations)
    layers, unit = start.size // 2, circuit.spread or 1.0
    seen: list[float] = []

    def slopes(units: np.ndarray) -> tuple[float, np.ndarray]:
        gammas, betas = units[:layers] / scale, units[layers:]
        energy, by_gamma, by_beta = course.evaluate(
            lambda: circuit.energy_and_gradient(gammas, betas), layers, slopes=True
        )
        seen.append(energy)
        return energy / unit, np.concatenate([by_gamma / scale, by_beta]) / unit

    descend(slopes, start, course)
    return min(seen)


def _estimator(
    circuit: Qaoa, scale: float, unit: float, shots: int, rng: np.random.Generator
) -> Callable[[np.ndarray], float]:
    """Mean energy of so many shots, in units of the spread."""

    def estimate(units: np.ndarray) -> float:
        layers = units.size // 2
        drawn: Any = circuit.sample(units[:layers] / scale, units[layers:], shots=shots, rng=rng)
        return float(drawn.energies @ drawn.occurrences) / shots / unit

    return estimate
