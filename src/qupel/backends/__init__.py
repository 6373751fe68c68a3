"""Backends: where quantum programs run, here, in an emulator or at a provider."""

from qupel.backends.clock import Clock, ManualClock, SystemClock
from qupel.backends.contract import (
    Annealing,
    Backend,
    Bills,
    Capabilities,
    Estimate,
    JobStatus,
    Kind,
    Lookup,
    Order,
    Program,
    Reading,
    Result,
    State,
    Times,
)
from qupel.backends.registry import backend_named, providers

__all__ = [
    "Annealing",
    "Backend",
    "Bills",
    "Capabilities",
    "Clock",
    "Estimate",
    "JobStatus",
    "Kind",
    "Lookup",
    "ManualClock",
    "Order",
    "Program",
    "Reading",
    "Result",
    "State",
    "SystemClock",
    "Times",
    "backend_named",
    "providers",
]
