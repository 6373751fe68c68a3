"""Parity: whether an emulator or model and a device give the same readings, as far as shots tell.

Two finite samples of one distribution already differ. How much is found by drawing both anew from
the pooled readings; only a distance that exceeds the limit by more than that is called divergence.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Float64

from qupel.backends.checks.direct import Direct, Runner, order_of
from qupel.backends.contract import Backend, Reading
from qupel.errors import InputError
from qupel.model.circuit import Circuit

#: Pairs of samples drawn to learn how far apart samples of one distribution are.
REDRAWN = 400
#: Share of those pairs that are nearer to each other than ``slack``.
CONFIDENCE = 0.99


class Agreement(StrEnum):
    """What the distance says."""

    WITHIN = "the readings agree within the limit"
    BEYOND = "the readings diverge beyond the limit"
    UNCLEAR = "the shots are too few to tell at this limit"


@dataclass(frozen=True, slots=True)
class Parity:
    """Distance of two readings of one circuit.

    Attributes
    ----------
    distance
        Total variation distance of the shares, 0 to 1: half the sum of absolute differences.
    floor
        Mean distance of two samples of so many shots from one distribution.
    slack
        Distance that 99 of 100 such pairs stay below.
    limit
        Distance from which on the readings diverge.
    shots
        Of each reading.
    """

    distance: float
    floor: float
    slack: float
    limit: float
    shots: tuple[int, int]

    @property
    def agreement(self) -> Agreement:
        """What the distance says."""
        if self.distance <= self.limit:
            return Agreement.WITHIN
        return Agreement.BEYOND if self.distance - self.slack > self.limit else Agreement.UNCLEAR

    @property
    def flagged(self) -> bool:
        """Whether the readings diverge beyond the limit."""
        return self.agreement is Agreement.BEYOND

    def __str__(self) -> str:
        return (
            f"total variation distance {self.distance:.4f} (limit {self.limit:g}; chance alone "
            f"gives {self.floor:.4f}, rarely over {self.slack:.4f}): {self.agreement}"
        )


def parity(first: Reading, second: Reading, *, limit: float, rng: np.random.Generator) -> Parity:
    """Compare two readings.

    Parameters
    ----------
    first, second
        Of the same qubits.
    limit
        Distance from which on they diverge, between 0 and 1.
    rng
        Draws the samples that tell what chance alone does.
    """
    if not 0 < limit < 1:
        raise InputError(f"limit must be above 0 and below 1, got {limit}")
    shares, counts = shares_of(first, second)
    pooled = counts.sum(axis=0) / counts.sum()
    drawn = [rng.multinomial(int(total), pooled, REDRAWN) / total for total in counts.sum(axis=1)]
    by_chance = np.abs(drawn[0] - drawn[1]).sum(axis=1) / 2
    return Parity(
        distance=float(np.abs(shares[0] - shares[1]).sum() / 2),
        floor=float(by_chance.mean()),
        slack=float(np.quantile(by_chance, CONFIDENCE)),
        limit=limit,
        shots=(first.shots, second.shots),
    )


def check_parity(
    circuit: Circuit,
    first: Backend,
    second: Backend,
    *,
    limit: float = 0.1,
    shots: int = 4000,
    seed: int = 0,
    run_second: Runner | None = None,
) -> Parity:
    """Run a circuit on two backends and compare what they read.

    Parameters
    ----------
    first, second
        An emulator or simulator, and the device or its model. Both must be free, unless
        ``run_second`` carries out the second's order through a ledger.
    seed
        Of backends that are simulated; the second's is the next one.
    """
    runners: tuple[Runner, Runner] = (Direct(first), run_second or Direct(second))
    readings = [
        run(order_of((circuit,), shots, "parity", {"seed": seed + place})).readings[0]
        for place, run in enumerate(runners)
    ]
    return parity(*readings, limit=limit, rng=np.random.default_rng(seed))


def shares_of(
    first: Reading, second: Reading
) -> tuple[Float64[np.ndarray, "2 outcomes"], Float64[np.ndarray, "2 outcomes"]]:
    """Shares and counts of each outcome that either reading has."""
    if first.bits.shape[1] != second.bits.shape[1]:
        raise InputError(
            f"readings of {first.bits.shape[1]} and {second.bits.shape[1]} qubits cannot be "
            "compared; measure the same ones"
        )
    rows = np.concatenate([first.bits, second.bits])
    outcomes, where = np.unique(rows, axis=0, return_inverse=True)
    where = where.reshape(-1)
    counts = np.zeros((2, len(outcomes)))
    np.add.at(counts[0], where[: len(first.bits)], first.occurrences)
    np.add.at(counts[1], where[len(first.bits) :], second.occurrences)
    return counts / counts.sum(axis=1, keepdims=True), counts
