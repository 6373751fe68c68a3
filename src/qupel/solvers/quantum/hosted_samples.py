"""Samples of a form from what a backend read, energies recomputed here."""

from __future__ import annotations

import math

import numpy as np

from qupel.backends.contract import Reading, Result
from qupel.backends.spin_reads import distinct_rows
from qupel.errors import ResultError
from qupel.model import Ising, Outcome, Samples
from qupel.model.quota import keep_quotas


def samples_of(form: Ising, result: Result) -> Samples:
    """Return the samples of an order of one program for a form, energies recomputed by us.

    Rows that break a quota are dropped, unless all do; facts tell of all shots.

    Raises
    ------
    ResultError
        If the result is not one reading of as many bits as the form has spins.
    """
    reading = _only_reading(form, result)
    bits, where = distinct_rows(reading.bits)
    occurrences = np.zeros(len(bits), np.int64)
    np.add.at(occurrences, where, reading.occurrences)
    spins = (1 - 2 * bits.astype(np.int8)).astype(np.int8)
    energies = form.energies(spins)
    shots = int(occurrences.sum())
    mean = float(energies @ occurrences / shots)
    spread = float((energies - mean) ** 2 @ occurrences) / max(shots - 1, 1)
    kept = keep_quotas(bits, form.quotas)
    kept = kept if kept.any() else np.ones_like(kept)
    spins, energies, occurrences = spins[kept], energies[kept], occurrences[kept]
    order = np.lexsort((*spins.T[::-1], energies))
    queued = result.times.queue_seconds
    return Samples(
        spins[order],
        energies[order],
        occurrences[order],
        Outcome.SAMPLED,
        seconds={} if queued is None else {"queue": queued},
        facts={
            "shots": shots,
            "device": result.device,
            "job": result.job,
            "calibration": result.calibration,
            "kept": int(occurrences.sum()),
            "mean_of_shots": mean,
            "standard_error": math.sqrt(spread / shots),
            **{f"device_{name}": value for name, value in result.facts.items()},
        },
    )


def _only_reading(form: Ising, result: Result) -> Reading:
    if len(result.readings) != 1:
        raise ResultError(f"job {result.job}: one program gave {len(result.readings)} readings")
    [reading] = result.readings
    bits, times = np.asarray(reading.bits), np.asarray(reading.occurrences)
    if bits.ndim != 2 or bits.shape[1] != form.variables or not bits.shape[0]:
        raise ResultError(
            f"job {result.job}: {form.variables} spins were measured, and the reading has rows of "
            f"shape {bits.shape}"
        )
    if bits.dtype != np.uint8 or (bits > 1).any():
        raise ResultError(f"job {result.job}: bits are 0 or 1, got {np.unique(bits)[:5].tolist()}")
    if times.shape != (bits.shape[0],) or times.dtype.kind not in "iu" or (times < 1).any():
        raise ResultError(
            f"job {result.job}: {bits.shape[0]} rows come once or more each, got occurrences "
            f"{times.dtype} of shape {times.shape}"
        )
    return reading
