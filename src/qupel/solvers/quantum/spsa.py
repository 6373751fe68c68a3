"""SPSA: descent on a noisy cost, two evaluations a step whatever the number of parameters."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from qupel.errors import InputError

#: Exponents of the gains, and the steps that the first gains last, as Spall recommends.
ALPHA, GAMMA, STABILITY = 0.602, 0.101, 5.0
#: Longest change of one parameter in one step.
LONGEST_STEP = 0.5

Vector = Float64[np.ndarray, " parameters"]


@dataclass(frozen=True, slots=True)
class Spsa:
    """Simultaneous perturbation stochastic approximation.

    Attributes
    ----------
    gain
        Length of the first steps, in units of the parameters for a cost of about one.
    perturbation
        How far from where it stands it looks first, in the same units.

    References
    ----------
    Spall (1998), Implementation of the simultaneous perturbation algorithm for stochastic
    optimization, doi:10.1109/7.705889.
    """

    gain: float = 0.03
    perturbation: float = 0.15

    def __post_init__(self) -> None:
        for name in ("gain", "perturbation"):
            if not 0 < getattr(self, name) < 10:
                raise InputError(f"{name} must be above 0 and below 10, got {getattr(self, name)}")

    def proposals(
        self, start: Vector, rng: np.random.Generator
    ) -> Generator[np.ndarray, float, None]:
        """Yield parameters to evaluate, the start first; each wants its cost sent back.

        What is yielded depends on the start, the stream and the costs alone.
        """
        here = np.array(start, np.float64)
        yield here.copy()
        step = 0
        while True:
            signs = 2.0 * rng.integers(0, 2, here.size) - 1.0
            width = self.perturbation / (step + 1) ** GAMMA
            above = yield here + width * signs
            below = yield here - width * signs
            slope = (above - below) / (2 * width)
            length = self.gain / (step + 1 + STABILITY) ** ALPHA * STABILITY**ALPHA
            here = here - np.clip(length * slope * signs, -LONGEST_STEP, LONGEST_STEP)
            step += 1
