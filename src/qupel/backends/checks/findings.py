"""Findings: how the result of a probe differs from what it must be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from qupel.backends.checks.probes import Probe
from qupel.backends.contract import Annealing, Order, Reading, Result
from qupel.errors import RunError
from qupel.model.evidence import Evidence

#: How far from a half the share of ones must be for a bit to count as read.
CLEAR = 0.2


class Fault(StrEnum):
    """What a canary found."""

    REVERSED = "bits come in reversed order"
    INVERTED = "zeros and ones are exchanged"
    MOVED = "the set bit comes at another place"
    UNCLEAR = "the bits are too noisy to be read"
    WIDTH = "a reading has another number of bits"
    VALUES = "a reading holds values other than 0 and 1"
    SHOTS = "a reading has another number of shots"
    READINGS = "the result has another number of readings"
    ORDER = "readings of a batch come in another order than its programs"
    GATE = "a gate does something else than its name says"
    FORM = "fields or couplings act otherwise than they were given"
    INEXACT = "shots differ although there is no noise"
    ENERGIES = "claimed energies are not those of the form"
    FAILED = "the order failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault, and where it showed.

    Attributes
    ----------
    fault
        What is wrong.
    program
        The program that showed it, in words.
    batch
        Whether it came in an order of several programs.
    text
        What was expected, and what came.
    """

    fault: Fault
    program: str
    batch: bool
    text: str


def findings_of(
    probes: Sequence[Probe], order: Order, result: Result | RunError
) -> Iterator[Finding]:
    """What is wrong with the result of an order of probes."""
    batch = len(probes) > 1
    if isinstance(result, RunError):
        yield Finding(Fault.FAILED, _named(probes), batch, str(result))
        return
    if len(result.readings) != len(probes):
        text = f"{len(probes)} programs gave {len(result.readings)} readings"
        yield Finding(Fault.READINGS, _named(probes), batch, text)
        return
    exact = result.evidence is Evidence.NOISELESS
    found = [
        _finding(probe, reading, order.shots, batch, exact)
        for probe, reading in zip(probes, result.readings, strict=True)
    ]
    if batch and any(found) and _permuted(probes, result.readings):
        text = "every program's bits came, at other places of the batch"
        yield Finding(Fault.ORDER, _named(probes), batch, text)
        return
    yield from (finding for finding in found if finding is not None)


def _finding(
    probe: Probe, reading: Reading, shots: int, batch: bool, exact: bool
) -> Finding | None:
    def say(fault: Fault, text: str) -> Finding:
        return Finding(fault, probe.name, batch, text)

    width = len(probe.expected)
    bits = np.asarray(reading.bits)
    if bits.ndim != 2 or bits.shape[1] != width:
        return say(Fault.WIDTH, f"{width} bits were measured, rows have shape {bits.shape}")
    if not np.isin(bits, (0, 1)).all():
        return say(Fault.VALUES, f"bits are 0 or 1, got {np.unique(bits)[:5].tolist()}")
    if reading.shots != shots:
        return say(Fault.SHOTS, f"{shots} shots were ordered, {reading.shots} came")
    means = reading.occurrences @ bits.astype(np.float64) / shots
    pattern = tuple((means > 0.5).astype(int).tolist())
    off = np.abs(means - probe.expected)
    if probe.shows and (off >= (1e-9 if exact else 0.5 + CLEAR)).any():
        fault = Fault.FORM if isinstance(probe.program, Annealing) else Fault.GATE
        wrong = [name for name, far in zip(probe.shows, off, strict=True) if far == off.max()]
        text = (
            f"expected {_shown(probe.expected)}, shares of ones are {np.round(means, 3).tolist()}"
        )
        text += f"; look at {' and '.join(dict.fromkeys(wrong))}"
        if pattern == probe.expected[::-1]:
            text += ", and whether bits are reversed"
        return say(fault, text)
    if (np.abs(means - 0.5) < CLEAR).any():
        return say(Fault.UNCLEAR, f"shares of ones are {np.round(means, 3).tolist()}")
    if pattern != probe.expected:
        fault = Fault.MOVED
        if pattern == probe.expected[::-1]:
            fault = Fault.REVERSED
        elif pattern == tuple(1 - bit for bit in probe.expected):
            fault = Fault.INVERTED
        return say(fault, f"expected {_shown(probe.expected)}, got {_shown(pattern)}")
    if exact and (off > 1e-9).any():
        return say(Fault.INEXACT, f"shares of ones are {np.round(means, 3).tolist()}")
    if isinstance(probe.program, Annealing) and reading.energies is not None:
        true = probe.program.form.energies(1 - 2 * bits.astype(np.int8))
        apart = float(np.abs(true - reading.energies).max())
        if not apart <= 1e-6:  # NaN is apart, too
            return say(Fault.ENERGIES, f"claims differ from the form's energies by {apart:.3g}")
    return None


def _permuted(probes: Sequence[Probe], readings: Sequence[Reading]) -> bool:
    """Whether the readings are those of all probes, in another order."""
    patterns = []
    for reading in readings:
        bits = np.asarray(reading.bits)
        if bits.ndim != 2 or not reading.shots:
            return False
        means = reading.occurrences @ bits.astype(np.float64) / reading.shots
        patterns.append(tuple((means > 0.5).astype(int).tolist()))
    return sorted(patterns) == sorted(probe.expected for probe in probes)


def _named(probes: Sequence[Probe]) -> str:
    return probes[0].name if len(probes) == 1 else f"a batch of {len(probes)} programs"


def _shown(bits: Sequence[int]) -> str:
    """Bits as text, qubit 0 first."""
    return "".join(str(bit) for bit in bits)
