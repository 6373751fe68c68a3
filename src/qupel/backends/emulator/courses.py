"""Courses of devices' errors: calibrations, and the drift and recalibrations that were injected."""

from __future__ import annotations

from dataclasses import dataclass, field

from qupel.backends.emulator.calibration import Calibration, Drifting, calibration_at


@dataclass(slots=True, eq=False)
class Courses:
    """How the errors of devices go over time.

    Attributes
    ----------
    seed
        Chooses the random part.
    """

    seed: int
    _drifts: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    _redone: dict[str, list[float]] = field(default_factory=dict)

    def at(self, device: str, errors: Drifting, when: float) -> Calibration:
        """A device with these errors as it is at a time."""
        extra = 1.0
        for since, factor in self._drifts.get(device, []):
            extra *= factor if since <= when else 1.0
        redone = sum(since <= when for since in self._redone.get(device, []))
        return calibration_at(errors, device, when, seed=self.seed, extra=extra, redone=redone)

    def drift(self, device: str, factor: float, since: float) -> None:
        """Multiply all errors of a device from a time on."""
        self._drifts.setdefault(device, []).append((since, factor))

    def recalibrate(self, device: str, since: float) -> None:
        """Calibrate a device out of turn."""
        self._redone.setdefault(device, []).append(since)
