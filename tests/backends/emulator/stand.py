"""A provider on a clock that is moved by hand, and orders to give it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qupel.backends.adapters.neutral import Neutral
from qupel.backends.clock import ManualClock
from qupel.backends.contract import Annealing, Order
from qupel.backends.emulator import Direct, Provider, Terms, Waiting, direct
from qupel.model.circuit import Circuit
from qupel.model.ising import Ising

#: An asymmetric form with an offset.
FORM = Ising([0.5, -1.0, 0.2, 0.1, 0.3], np.triu(np.full((5, 5), 0.7), 1), 3.0)


@dataclass(slots=True)
class Stand:
    """A provider, its clock and a tenant."""

    clock: ManualClock
    provider: Provider
    transport: Direct

    def backend(self, device: str = "ideal") -> Neutral:
        return Neutral(device, self.transport)


def stand(scenario: str = "", **terms: Any) -> Stand:
    """A provider whose jobs wait seven seconds unless its terms say otherwise."""
    clock = ManualClock()
    held: dict[str, Any] = {"waiting": Waiting(7.0), **terms}
    provider = Provider(Terms(**held), clock)
    return Stand(clock, provider, direct(provider, scenario=scenario))


def circuits(*programs: Circuit, name: str = "1", shots: int = 100) -> Order:
    return Order(programs or (Circuit(3).x(0),), shots, f"key-{name}", f"tag-{name}")


def annealing(name: str = "1", shots: int = 50) -> Order:
    return Order((Annealing(FORM),), shots, f"key-{name}", f"tag-{name}")
