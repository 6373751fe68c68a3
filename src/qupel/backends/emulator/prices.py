"""What the emulated provider charges."""

from __future__ import annotations

import math
from dataclasses import dataclass

from qupel.model.money import Money


@dataclass(frozen=True, slots=True)
class Prices:
    """A price list.

    Attributes
    ----------
    per_job, per_program, per_shot, per_second
        Millionths of the currency's unit; seconds are those on the device.
    currency
        Code such as ``USD``.
    """

    per_job: int = 300_000
    per_program: int = 0
    per_shot: int = 350
    per_second: int = 0
    currency: str = "USD"

    def cost(self, programs: int, shots: int, seconds: float) -> Money:
        """Bill of one job: so many programs, each of so many shots, so long on the device."""
        time = math.ceil(round(seconds * self.per_second, 3))
        micros = self.per_job + programs * (self.per_program + shots * self.per_shot) + time
        return Money(micros, self.currency)

    def times(self, factor: float) -> Prices:
        """Every price multiplied, rounded up to a millionth."""
        job, program, shot, second = (
            math.ceil(round(price * factor, 6))
            for price in (self.per_job, self.per_program, self.per_shot, self.per_second)
        )
        return Prices(job, program, shot, second, self.currency)
