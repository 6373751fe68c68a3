"""Prospects: what a device would make of a need, from its published figures alone.

Nothing is compiled or run here. For a gate device of two-qubit fidelity ``f2``, and so on:

- gates: a program's two-qubit gates in native ones, plus three for every swap that routing needs
  (`qupel.backends.advice.placement`); gates on one qubit as they are, two more for every gate
  added;
- time of a shot: ``d2 t2 + d1 t1 + readout + reset``, with ``d2`` layers of two-qubit gates, not
  fewer than gates over those that run at once, and ``d1`` further layers;
- success of a shot: ``f1^g1 f2^g2 (preparation readout)^m idle^n``, where a qubit idle for ``s``
  seconds has ``idle = 1/2 + exp(-s/T1)/6 + exp(-s/T2)/3``, its average fidelity;
- shots that are lost and show it (photons, atoms, gates of linear optics) are repeated: time and
  price grow, success does not;
- shots for a signal: errors shrink every expectation value to a share of ``success``, so as many
  as ``shots / success^2`` are as precise as ``shots`` perfect ones.

References
----------
Arute et al. (2019), doi:10.1038/s41586-019-1666-5, eq. 77 of the supplement, for the product of
fidelities; Nielsen (2002), doi:10.1016/S0375-9601(02)01272-0, for the average fidelity of decay;
Cai et al. (2023), Quantum error mitigation, doi:10.1103/RevModPhys.95.045005, for the overhead.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from qupel.backends.advice.need import Need
from qupel.backends.advice.placement import Embedding, embedding, swaps
from qupel.backends.catalogue.figures import Coherence, Fidelities, GateTimes
from qupel.backends.catalogue.prices import Counts, Unpublished, Usage, price
from qupel.backends.catalogue.profile import DeviceProfile, Runs
from qupel.errors import InputError
from qupel.model.money import Money

#: Native gates that turn two qubits by a free angle.
TURNING = frozenset({"rzz", "rxx", "ryy", "rzx", "cp", "crz", "crx", "cry"})
#: Native gates of which one makes a CX with gates on one qubit.
LIKE_CX = TURNING | {"cx", "cy", "cz", "ch", "ecr"}


@dataclass(frozen=True, slots=True)
class Prospect:
    """What a device would make of a need.

    Attributes
    ----------
    profile
        The device.
    qubits
        Physical qubits used.
    routing_gates
        Native two-qubit gates that are there only because not all qubits are coupled.
    one_qubit_gates, two_qubit_gates, depth
        Native, swaps included; 0 for an annealer.
    ln_success
        Natural logarithm of the chance that a shot has no error; None where the profile tells
        nothing of it (an annealer).
    ln_parts
        The same, by cause: gates, idling, readout.
    shot_seconds
        Of one shot, repetitions of lost ones included.
    run_seconds
        Of all shots, and the job's overhead.
    cost
        Upper bound of the bill, as far as the time is right; None where no price is published.
    shots
        As asked for.
    embedding
        On an annealer.
    """

    profile: DeviceProfile
    qubits: int
    routing_gates: int
    one_qubit_gates: int
    two_qubit_gates: int
    depth: int
    ln_success: float | None
    ln_parts: Mapping[str, float]
    shot_seconds: float
    run_seconds: float
    cost: Money | None
    shots: int
    embedding: Embedding | None = None

    @property
    def success(self) -> float | None:
        """Chance that a shot has no error; 0.0 where it is too small for a number."""
        return None if self.ln_success is None else math.exp(self.ln_success)

    @property
    def signal_seconds(self) -> float:
        """Seconds for a result as precise as the shots would give without errors.

        Infinity where no clock would see the end. Where nothing is known of success, the time of
        the shots alone.
        """
        growth = -2 * (self.ln_success or 0.0)
        if growth >= 600:
            return math.inf
        rest = self.run_seconds - self.shots * self.shot_seconds
        return rest + self.shots * self.shot_seconds * math.exp(growth)

    def document(self, today: date) -> dict[str, Any]:
        """Its numbers as plain data; chances too small for a number stand in their logarithms."""
        ln, lying = self.ln_success, self.embedding
        return {
            "device": self.profile.name,
            "family": str(self.profile.modality),
            "availability": str(self.profile.availability),
            "qubits": self.qubits,
            "routing_gates": self.routing_gates,
            "one_qubit_gates": self.one_qubit_gates,
            "two_qubit_gates": self.two_qubit_gates,
            "depth": self.depth,
            "success": self.success,
            "log10_success": None if ln is None else ln / math.log(10),
            "log10_by_cause": {k: v / math.log(10) for k, v in self.ln_parts.items()},
            "shots": self.shots,
            "shot_seconds": self.shot_seconds,
            "run_seconds": self.run_seconds,
            "signal_seconds": None if ln is None else self.signal_seconds,
            "cost_micros": None if self.cost is None else self.cost.micros,
            "currency": None if self.cost is None else self.cost.currency,
            "chain": None if lying is None else lying.chain,
            "notice": self.profile.notice(today),
        }


def prospect(profile: DeviceProfile, need: Need) -> Prospect:
    """What ``profile`` would make of ``need``, whether or not that fits.

    Raises
    ------
    InputError
        If the profile has no figures to tell: it is not runnable, or runs analogue programs.
    """
    need = need.filled()
    if profile.runs is Runs.ANNEALING and profile.anneal is not None:
        return _annealed(profile, need)
    if profile.runs is not Runs.CIRCUIT or profile.fidelities is None or profile.times is None:
        raise InputError(f"{profile.name} has no figures for circuits")
    return _gated(profile, need, profile.fidelities, profile.times)


def _gated(
    profile: DeviceProfile, need: Need, fidelities: Fidelities, times: GateTimes
) -> Prospect:
    swapped = swaps(profile, need.qubits, need.pairs or 0, need.two_qubit_gates, need.commuting)
    plain = need.two_qubit_gates - need.rotations
    per_cx, per_turn = _native(profile)
    # Any gate on two qubits takes three CX at most, so a swap and a turn of one pair are as cheap
    # as a swap, where gates may come in any order.
    merged = min(swapped, need.rotations) if need.commuting else 0
    unrouted = plain * per_cx + need.rotations * per_turn
    two = unrouted - merged * per_turn + 3 * swapped
    growth = two / need.two_qubit_gates if need.two_qubit_gates else 1.0
    one = (need.one_qubit_gates or 0) + 2 * max(0, two - need.two_qubit_gates)
    two_deep = math.ceil((need.two_qubit_depth or 0) * growth)
    if times.parallel is not None:
        two_deep = max(two_deep, math.ceil(two / times.parallel))
    one_deep = max(0, need.depth - (need.two_qubit_depth or 0))
    circuit_seconds = two_deep * times.two_qubit + one_deep * times.one_qubit
    busy = one * times.one_qubit + 2 * two * times.two_qubit
    waits = max(0.0, circuit_seconds - busy / need.qubits)
    parts = {
        "gates": one * math.log(fidelities.one_qubit) + two * math.log(fidelities.two_qubit),
        "idling": need.qubits * _ln_idle(profile.coherence, waits),
        "readout": (need.measured or 0)
        * (math.log(fidelities.preparation) + math.log(fidelities.readout)),
    }
    ln_trials = -need.qubits * math.log(fidelities.survival) - two * math.log(
        fidelities.two_qubit_yield
    )
    trials = math.exp(min(ln_trials, 600.0))
    shot = (circuit_seconds + times.readout + times.reset) * trials
    states = (one + two) * 2.0 ** min(need.qubits, 1000) * times.per_amplitude
    run = times.job + states + need.shots * shot
    counts = Counts(one, two, need.qubits, need.measured or 0)
    return Prospect(
        profile, need.qubits, two - unrouted, one, two, two_deep + one_deep, sum(parts.values()),
        parts, shot, run, _cost(profile, counts, need.shots, run), need.shots,
    )  # fmt: skip


def _annealed(profile: DeviceProfile, need: Need) -> Prospect:
    assert profile.anneal is not None  # noqa: S101  # the caller looked
    times = profile.anneal
    lying = embedding(profile, need.qubits, need.pairs or 0)
    shot = times.anneal + times.readout + times.delay
    run = times.programming + need.shots * shot
    return Prospect(
        profile, lying.most or lying.least, 0, 0, 0, 0, None, {}, shot, run,
        _cost(profile, Counts(), need.shots, run), need.shots, lying,
    )  # fmt: skip


def _cost(profile: DeviceProfile, counts: Counts, shots: int, seconds: float) -> Money | None:
    if isinstance(profile.price, Unpublished):
        return None
    return price(profile.price, Usage((counts,), shots, Decimal(repr(seconds))))


def _native(profile: DeviceProfile) -> tuple[int, int]:
    """Native gates that a CX takes, and a turn of two qubits by an angle."""
    gates = set(profile.native_gates)
    per_cx = 1 if gates & LIKE_CX else 2
    return per_cx, 1 if gates & TURNING else 2


def _ln_idle(coherence: Coherence | None, seconds: float) -> float:
    """Logarithm of the average fidelity of a qubit that waits."""
    if coherence is None or seconds == 0:
        return 0.0
    relaxed, dephased = math.exp(-seconds / coherence.t1), math.exp(-seconds / coherence.t2)
    return math.log(0.5 + relaxed / 6 + dephased / 3)


def seconds_text(seconds: float) -> str:
    """A duration with a unit that suits it."""
    if math.isinf(seconds):
        return "for ever"
    if seconds == 0:
        return "0 s"
    for limit, unit, size in (
        (1e-6, "ns", 1e-9),
        (1e-3, "µs", 1e-6),
        (1.0, "ms", 1e-3),
        (120.0, "s", 1.0),
        (7200.0, "min", 60.0),
        (172800.0, "h", 3600.0),
        (3.2e7, "days", 86400.0),
    ):
        if seconds < limit:
            return f"{seconds / size:.3g} {unit}"
    years = seconds / 31557600
    return f"{years:.3g} years"


def chance_text(ln_success: float | None) -> str:
    """A chance, as a power of ten where it is tiny."""
    if ln_success is None:
        return "unknown"
    if ln_success > math.log(1e-4):
        return f"{math.exp(ln_success):.3g}"
    power = ln_success / math.log(10)
    return f"10^{power:.3g}" if power > -100 else f"10^{power:.0f}"
