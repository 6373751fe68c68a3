"""Devices that tests of the CUDA kernels run on: the emulator always, a real one where there is."""

from __future__ import annotations

import pytest

from qupel.errors import InputError
from qupel.kernels import gpu
from tests.gpu.emulator import COMPILER, Emulator

#: What most tests run on.
NAMES = ("emulated", "cuda")
#: Equal but for the order in which threads and blocks take turns.
ORDERS = ("emulated", "emulated backwards")


def device_named(name: str) -> gpu.Device:
    """The device, or a skip that says why it cannot be had."""
    if name == "cuda":
        try:
            return gpu.find()
        except InputError as error:
            pytest.skip(f"not run on a device: {error}")
    if COMPILER is None:
        pytest.skip("not run: the emulation of CUDA kernels needs g++")
    return Emulator(backwards=name == "emulated backwards")
