"""Clauses of a backend's contract about what its programs compute."""

from __future__ import annotations

import math

from scipy.stats import binom

from qupel.backends.checks.direct import Direct
from qupel.backends.checks.findings import findings_of
from qupel.backends.checks.gate_probes import gate_probes
from qupel.backends.checks.probes import Probe, couplings_probe
from qupel.backends.clock import Clock
from qupel.backends.contract import Backend, Capabilities, Kind, Order, Program
from qupel.errors import RefusedError
from qupel.model.circuit import Circuit
from qupel.model.evidence import Evidence
from qupel.model.money import Money
from qupel.testing.requiring import require

#: Share of ones of the turn that is measured often, and between what errors of a qubit that can
#: still be read, 0.3 at most, move it.
SHARE, NOISY_SHARES = 0.2, (0.2 * 0.7, 0.2 + 0.8 * 0.3)
#: Chance that a right backend is found wrong by its share.
DOUBT = 1e-6


def check_programs(
    backend: Backend,
    limits: Capabilities,
    *,
    shots: int,
    most: Money | None,
    clock: Clock,
    mark: str,
) -> None:
    """Hold a backend to the outcomes of every gate that it takes, or of fields and couplings."""
    run = Direct(backend, most, clock)
    probes = [one for one in _probes(limits) if _takes(backend, one.program, shots, mark)]
    for begin in range(0, len(probes), limits.max_programs):
        held = probes[begin : begin + limits.max_programs]
        name = f"{mark}-gates-{begin}"
        order = Order(tuple(one.program for one in held), shots, key=name, tag=name)
        for finding in findings_of(held, order, run(order)):
            require(False, f"{finding.fault} ({finding.program}): {finding.text}")
    if limits.kind is Kind.CIRCUIT:
        turn = Circuit(1).ry(2 * math.asin(math.sqrt(SHARE)), 0)
        order = Order((turn,), shots, key=f"{mark}-share", tag=f"{mark}-share")
        result = run(order)
        _check_share(
            int(result.readings[0].occurrences @ result.readings[0].bits[:, 0]),
            result.readings[0].shots,
            result.evidence,
        )


def _probes(limits: Capabilities) -> list[Probe]:
    if limits.kind is Kind.CIRCUIT:
        return list(gate_probes(limits.qubits))
    return [couplings_probe()] if limits.qubits >= 3 else []


def _takes(backend: Backend, program: Program, shots: int, mark: str) -> bool:
    """Whether a backend takes a program: none has to take every gate."""
    try:
        backend.estimate(Order((program,), shots, key=f"{mark}-ask", tag=f"{mark}-ask"))
    except RefusedError:
        return False
    return True


def _check_share(ones: int, shots: int, evidence: Evidence) -> None:
    """The share of ones is that of the turn, within the error of its shots."""
    low, high = (SHARE, SHARE) if evidence is Evidence.NOISELESS else NOISY_SHARES
    likely = binom.sf(ones - 1, shots, high) >= DOUBT and binom.cdf(ones, shots, low) >= DOUBT
    require(
        bool(likely),
        f"a turn that gives 1 in a share of {SHARE:g} gave it in {ones} of {shots} shots",
    )
