"""A provider emulator: a paid quantum provider on this machine, with its own books and faults."""

from qupel.backends.emulator.books import Books, Entry
from qupel.backends.emulator.calibration import Drifting
from qupel.backends.emulator.clocks import AcceleratedClock
from qupel.backends.emulator.devices import Device, device_named, device_of
from qupel.backends.emulator.direct import Direct, direct
from qupel.backends.emulator.hooks import Hooks
from qupel.backends.emulator.process import Running, running_emulator
from qupel.backends.emulator.provider import Provider
from qupel.backends.emulator.scenario import Scenario, scenario, scenario_named, scenarios
from qupel.backends.emulator.server import serving
from qupel.backends.emulator.site import Site
from qupel.backends.emulator.terms import Outage, Terms
from qupel.backends.emulator.waiting import Waiting

__all__ = [
    "AcceleratedClock",
    "Books",
    "Device",
    "Direct",
    "Drifting",
    "Entry",
    "Hooks",
    "Outage",
    "Provider",
    "Running",
    "Scenario",
    "Site",
    "Terms",
    "Waiting",
    "device_named",
    "device_of",
    "direct",
    "running_emulator",
    "scenario",
    "scenario_named",
    "scenarios",
    "serving",
]
