"""Backends that are wrong in one way each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from qupel.backends import Order, Program, Reading, Result
from qupel.backends.local import Local
from qupel.backends.local import open as open_device

Change = Callable[[Order, Result], Result]


class Changed:
    """A local device whose results are changed on the way out."""

    def __init__(self, change: Change, device: str = "statevector") -> None:
        inner = open_device(device)
        assert isinstance(inner, Local)
        self.inner = inner
        self.change = change
        self.submitted = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def submit(self, order: Order) -> str:
        self.submitted += 1
        return self.inner.submit(order)

    def result(self, job: str, order: Order) -> Result:
        return self.change(order, self.inner.result(job, order))


class Before(Changed):
    """A local device that runs other programs than those it is given, and owns up to none."""

    def __init__(self, device: str = "statevector") -> None:
        super().__init__(lambda _, result: result, device)

    def changed(self, program: Program) -> Program:
        """The program that is run."""
        return program

    def order(self, order: Order) -> Order:
        return replace(order, programs=tuple(map(self.changed, order.programs)))

    def submit(self, order: Order) -> str:
        return super().submit(self.order(order))

    def result(self, job: str, order: Order) -> Result:
        return super().result(job, self.order(order))


def each(change: Callable[[Reading], Reading]) -> Change:
    def changed(order: Order, result: Result) -> Result:
        return replace(result, readings=tuple(change(reading) for reading in result.readings))

    return changed


def reversed_bits(reading: Reading) -> Reading:
    return replace(reading, bits=np.ascontiguousarray(reading.bits[:, ::-1]))
