"""The surface code: how large it must be, and how it makes T states.

- error of a logical qubit in a step of ``d`` cycles: ``p_L = A (p / p_th)^((d + 1) / 2)``, by
  Fowler et al. (2012), doi:10.1103/PhysRevA.86.032324, section VII, with ``A`` = 0.03 and
  ``p_th`` = 0.01 of Beverland et al.; a logical qubit takes ``2 d^2`` physical ones;
- T states: rounds of 15-to-1 distillation, ``35 p^3`` in place of ``p``, by Bravyi & Kitaev (2005),
  doi:10.1103/PhysRevA.71.022316, each unit on 11 tiles for 11 steps: Litinski (2019),
  doi:10.22331/q-2019-03-05-128. How rounds follow each other is a plain choice of ours, stated at
  `Factory`; Gidney & Fowler (2019), doi:10.22331/q-2019-04-30-135, need fewer qubits.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Self

from qupel.backends.catalogue.profile import DeviceProfile
from qupel.errors import InputError, RefusedError

#: Tiles and logical steps of one unit that makes one T state of fifteen.
TILES, STEPS = 11, 11
#: Odd code distances beyond this are not looked at.
FARTHEST = 999


@dataclass(frozen=True, slots=True)
class SurfaceCode:
    """A surface code on qubits of one quality.

    Attributes
    ----------
    error
        Chance that a physical operation errs.
    cycle_seconds
        Of one round of syndrome measurement: four two-qubit gates and two readings.
    prefactor, threshold
        ``A`` and ``p_th``.
    """

    error: float = 1e-3
    cycle_seconds: float = 1e-6
    prefactor: float = 0.03
    threshold: float = 0.01

    def __post_init__(self) -> None:
        for name in ("error", "prefactor", "threshold"):
            if not 0 < getattr(self, name) < 1:
                raise InputError(f"{name} must lie between 0 and 1, got {getattr(self, name)}")
        if not (math.isfinite(self.cycle_seconds) and self.cycle_seconds > 0):
            raise InputError(f"cycle_seconds must be above 0, got {self.cycle_seconds}")

    @classmethod
    def of(cls, profile: DeviceProfile, error: float | None = None) -> Self:
        """The code as if a device had enough qubits of the quality it has.

        Parameters
        ----------
        profile
            Its times count, and its worst error: of a gate, or of reading a qubit.
        error
            In place of the worst error.

        Raises
        ------
        InputError
            If no fidelities and times are published.
        """
        if profile.fidelities is None or profile.times is None:
            raise InputError(f"{profile.name} has no published figures for gates")
        fidelities, times = profile.fidelities, profile.times
        worst = max(1 - fidelities.two_qubit, 1 - fidelities.readout, 1 - fidelities.one_qubit)
        if error is None and worst == 0:
            raise InputError(f"{profile.name} makes no errors: nothing is there to correct")
        return cls(worst if error is None else error, 4 * times.two_qubit + 2 * times.readout)

    def logical_error(self, distance: int) -> float:
        """Chance that a logical qubit errs in one step of ``distance`` cycles."""
        return self.prefactor * (self.error / self.threshold) ** ((distance + 1) / 2)

    def distance(self, error: float) -> int:
        """Smallest odd distance at which a logical qubit errs with at most this chance a step.

        Raises
        ------
        RefusedError
            If physical errors are not below the threshold, or no distance does.
        """
        if self.error >= self.threshold:
            raise RefusedError(
                f"physical operations err with chance {self.error:.3g}, the surface code needs "
                f"less than {self.threshold:.3g}: no distance helps"
            )
        for distance in range(3, FARTHEST + 1, 2):
            if self.logical_error(distance) <= error:
                return distance
        raise RefusedError(
            f"no distance up to {FARTHEST} brings the error to {error:.3g} at physical errors of "
            f"{self.error:.3g}; the threshold is {self.threshold:.3g}"
        )


@dataclass(frozen=True, slots=True)
class Factory:
    """Makes T states in rounds of 15-to-1 distillation.

    A round that is to err by ``e`` at most gives half of that to its own tiles and steps, which
    sets its distance, and half to distillation, which sets what the round before it may err by.
    The last round is one unit. A round before it has as many units as keep it busy: fifteen times
    the ratio of distances, since a unit takes eleven steps of its own distance.

    Attributes
    ----------
    distances
        Of each round; none if raw states are good enough.
    units
        Of each round.
    qubits
        Physical qubits.
    cycles
        From one T state to the next.
    error
        Of a T state: ``35 e^3`` of the round before plus the round's own.
    """

    distances: tuple[int, ...]
    units: tuple[int, ...]
    qubits: int
    cycles: int
    error: float

    @classmethod
    def of(cls, code: SurfaceCode, error: float) -> Self:
        """Fewest rounds whose T states err with at most the chance ``error``."""
        distances: list[int] = []
        while code.error > error:
            distances.insert(0, code.distance(error / 2 / (TILES * STEPS)))
            error = (error / 2 / 35) ** (1 / 3)
        if not distances:
            return cls((), (), 0, 0, code.error)
        units = [1]
        for before, after in reversed(list(itertools.pairwise(distances))):
            units.insert(0, math.ceil(15 * units[0] * before / after))
        state = code.error
        for distance in distances:
            state = 35 * state**3 + TILES * STEPS * code.logical_error(distance)
        qubits = sum(u * TILES * 2 * d**2 for u, d in zip(units, distances, strict=True))
        return cls(tuple(distances), tuple(units), qubits, STEPS * distances[-1], state)
