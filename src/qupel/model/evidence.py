"""Evidence: what kind of machine stands behind a result."""

from __future__ import annotations

from enum import StrEnum


class Evidence(StrEnum):
    """What kind of machine an answer came from. A simulated result is never called hardware."""

    EXACT = "exact"
    NOISELESS = "noiseless simulator"
    NOISY = "noisy simulator"
    EMULATOR = "emulator"
    HARDWARE = "hardware"
    CLASSICAL = "classical computation"
