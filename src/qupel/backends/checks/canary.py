"""Canaries: asymmetric programs that show whether a backend's bits are in our order.

A mistake in bit order costs nothing but the truth: every histogram looks right. So each adapter
must read programs whose answer is known and is no mirror image of itself, one bit set among n,
for many n, one by one and in a batch, before anything is paid to it (see
`qupel.backends.checks.locks.Lock`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.metadata import version
from typing import Any, Self

import numpy as np

from qupel.backends.checks.direct import Direct, Runner, order_of
from qupel.backends.clock import Clock, SystemClock
from qupel.backends.contract import Annealing, Backend, Kind, Order, Program, Reading, Result
from qupel.errors import BudgetError, InputError, RefusedError, RunError
from qupel.model.circuit import Circuit
from qupel.model.ising import Ising
from qupel.model.money import Money

#: Sizes of the programs.
SIZES = tuple(range(1, 21))
#: Size up to which every qubit has its turn; above it one qubit, which is not in the middle.
EVERY = 4
SHOTS = 100
#: How far from a half the share of ones must be for a bit to count as read.
CLEAR = 0.2
#: Offset of the annealing programs: an adapter that drops it claims wrong energies.
OFFSET = 2.5


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


@dataclass(frozen=True, slots=True)
class CanaryReport:
    """What the canaries of one adapter and device showed.

    Attributes
    ----------
    provider, device, version
        Which adapter, in which version, reached which device.
    checked
        When, in UTC seconds since 1970.
    sizes, shots, orders
        Sizes of the programs, shots of each, and orders placed.
    findings
        Faults, single orders before batches.
    skipped
        Programs that the backend refuses to run; nothing is known of them.
    billed
        What the orders cost as far as bills have come; None where nothing is billed.
    """

    provider: str
    device: str
    version: str
    checked: float
    sizes: tuple[int, ...]
    shots: int
    orders: int
    findings: tuple[Finding, ...] = ()
    skipped: tuple[str, ...] = ()
    billed: Money | None = None

    @property
    def passed(self) -> bool:
        """Whether no fault was found."""
        return not self.findings

    @property
    def first(self) -> Finding | None:
        """The first fault."""
        return self.findings[0] if self.findings else None

    def plain(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self)

    @classmethod
    def of_plain(cls, data: dict[str, Any]) -> Self:
        """Report from plain data, as `plain` gives it."""
        findings = tuple(Finding(**{**f, "fault": Fault(f["fault"])}) for f in data["findings"])
        billed = Money(**data["billed"]) if data["billed"] else None
        sizes, skipped = tuple(data["sizes"]), tuple(data["skipped"])
        changed = {"findings": findings, "billed": billed, "sizes": sizes, "skipped": skipped}
        return cls(**{**data, **changed})


@dataclass(frozen=True, slots=True)
class Probe:
    """A program whose answer is known.

    Attributes
    ----------
    name
        In words.
    program
        What runs.
    expected
        The bits it must give.
    """

    name: str
    program: Program
    expected: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CanaryCost:
    """What a canary will take: orders, shots of all programs, seconds, and money at most."""

    orders: int
    shots: int
    seconds: float | None
    cost: Money | None


@dataclass(frozen=True, slots=True, eq=False)
class Canary:
    """Probes for one backend, and the orders that carry them.

    Attributes
    ----------
    backend
        Which is checked.
    probes
        Programs with known answers.
    skipped
        Names of programs that it refuses to run.
    orders
        Each with the places of its probes: every probe alone, then all in batches.
    checked
        When it was made, in UTC seconds; orders of another time have other keys.
    """

    backend: Backend
    probes: tuple[Probe, ...]
    skipped: tuple[str, ...]
    orders: tuple[tuple[tuple[int, ...], Order], ...]
    sizes: tuple[int, ...]
    shots: int
    checked: float

    @classmethod
    def of(
        cls, backend: Backend, now: float, sizes: Iterable[int] = SIZES, shots: int = SHOTS
    ) -> Self:
        """Return the canary of a backend: sizes as far as it takes them.

        Parameters
        ----------
        backend
            It is asked for estimates only.
        now
            UTC seconds since 1970.
        sizes
            Numbers of qubits or spins.
        shots
            Of each program.
        """
        able = backend.capabilities()
        fitting = tuple(sorted({size for size in sizes if 1 <= size <= able.qubits}))
        if not fitting:
            raise InputError(f"sizes must name numbers from 1 to {able.qubits}, got {tuple(sizes)}")
        shots = min(shots, able.max_shots)
        probes, skipped = [], []
        for probe in probes_of(able.kind, fitting):
            try:
                backend.estimate(order_of((probe.program,), shots, "canary", {}, now))
                probes.append(probe)
            except RefusedError:
                skipped.append(probe.name)
        chunk = max(1, able.max_programs)
        places: list[tuple[int, ...]] = [(k,) for k in range(len(probes))]
        if chunk > 1:
            every = tuple(range(len(probes)))
            places += [every[begin : begin + chunk] for begin in range(0, len(every), chunk)]
        orders = tuple(
            (held, order_of(tuple(probes[k].program for k in held), shots, "canary", {}, now, held))
            for held in places
        )
        return cls(backend, tuple(probes), tuple(skipped), orders, fitting, shots, now)

    def cost(self) -> CanaryCost:
        """What all orders together will take, before any is placed."""
        told = [self.backend.estimate(order) for _, order in self.orders]
        seconds = [one.run_seconds for one in told]
        known = [second for second in seconds if second is not None]
        costs = [one.cost for one in told if one.cost is not None]
        return CanaryCost(
            orders=len(told),
            shots=sum(one.shots for one in told),
            seconds=sum(known) if len(known) == len(seconds) else None,
            cost=total(costs),
        )

    def judge(self, results: Sequence[Result | RunError]) -> CanaryReport:
        """Compare what came for each order, a result or an error, with what must come."""
        findings: list[Finding] = []
        for (places, order), result in zip(self.orders, results, strict=True):
            probes = [self.probes[k] for k in places]
            findings += _findings(probes, order, result)
        bills = [r.billed for r in results if isinstance(r, Result) and r.billed is not None]
        return CanaryReport(
            provider=self.backend.provider,
            device=self.backend.device,
            version=adapter_version(self.backend),
            checked=self.checked,
            sizes=self.sizes,
            shots=self.shots,
            orders=len(self.orders),
            findings=tuple(findings),
            skipped=self.skipped,
            billed=total(bills),
        )


def check_canary(
    backend: Backend,
    *,
    sizes: Iterable[int] = SIZES,
    shots: int = SHOTS,
    most: Money | None = None,
    run: Runner | None = None,
    clock: Clock | None = None,
) -> CanaryReport:
    """Run the canaries of a backend and report what they show.

    Parameters
    ----------
    backend
        Which is checked.
    sizes, shots
        Of the programs; fewer cost less and show less.
    most
        What all orders together may cost; None pays for nothing.
    run
        Carries out an order, through a ledger say; without it, directly.
    clock
        Dates the report, and waits.

    Raises
    ------
    BudgetError
        If the estimate of all orders is above ``most``; nothing was ordered then.
    """
    clock = clock or SystemClock()
    canary = Canary.of(backend, clock.now(), sizes, shots)
    cost = canary.cost().cost
    if cost is not None and cost.micros and (most is None or not cost <= most):
        raise BudgetError(
            f"the canary of {backend.provider}:{backend.device} is {len(canary.orders)} orders for "
            f"{cost} at most, and {most or 'nothing'} may be paid; allow it (--most '{cost}'), "
            "or check fewer sizes"
        )
    runner = run or Direct(backend, most, clock)
    results: list[Result | RunError] = []
    for _, order in canary.orders:
        try:
            results.append(runner(order))
        except RunError as error:
            results.append(error)
    return canary.judge(results)


def adapter_version(backend: Backend) -> str:
    """Version of a backend's adapter: its own ``version`` if it has one, else Qupel's."""
    return str(getattr(backend, "version", "")) or version("qupel")


def probes_of(kind: Kind, sizes: Iterable[int]) -> Iterator[Probe]:
    """Programs with known answers, small ones first."""
    for n in sizes:
        for k in range(n) if n <= EVERY else (n // 3,):
            expected = tuple(int(place == k) for place in range(n))
            if kind is Kind.CIRCUIT:
                yield Probe(f"x on qubit {k} of {n}", Circuit(n).x(k), expected)
            else:
                yield Probe(f"spin {k} of {n} down", Annealing(_form(n, k)), expected)
        if kind is Kind.CIRCUIT and n == 3:
            for measured in ((2, 0), (1, 2, 0)):
                bits = tuple(int(qubit == 2) for qubit in measured)
                circuit = Circuit(3).x(2).measure(*measured)
                yield Probe(f"x on qubit 2 of 3, measured {measured}", circuit, bits)


def total(amounts: Iterable[Money]) -> Money | None:
    """Sum of amounts of one currency; None of none."""
    held = list(amounts)
    return sum(held[1:], held[0]) if held else None


def _form(n: int, k: int) -> Ising:
    """Distinct fields that hold every spin up but one, and couplings too weak to turn any."""
    fields = -(1 + np.arange(n) / (2 * n))
    fields[k] *= -1
    return Ising(fields, np.diag(np.full(n - 1, 0.05), 1), OFFSET)


def _findings(
    probes: Sequence[Probe], order: Order, result: Result | RunError
) -> Iterator[Finding]:
    batch = len(probes) > 1
    if isinstance(result, RunError):
        yield Finding(Fault.FAILED, _named(probes), batch, str(result))
        return
    if len(result.readings) != len(probes):
        text = f"{len(probes)} programs gave {len(result.readings)} readings"
        yield Finding(Fault.READINGS, _named(probes), batch, text)
        return
    found = [
        _finding(probe, reading, order.shots, batch)
        for probe, reading in zip(probes, result.readings, strict=True)
    ]
    if batch and any(found) and _permuted(probes, result.readings):
        text = "every program's bits came, at other places of the batch"
        yield Finding(Fault.ORDER, _named(probes), batch, text)
        return
    yield from (finding for finding in found if finding is not None)


def _finding(probe: Probe, reading: Reading, shots: int, batch: bool) -> Finding | None:
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
    if (np.abs(means - 0.5) < CLEAR).any():
        return say(Fault.UNCLEAR, f"shares of ones are {np.round(means, 3).tolist()}")
    pattern = tuple((means > 0.5).astype(int).tolist())
    if pattern != probe.expected:
        fault = Fault.MOVED
        if pattern == probe.expected[::-1]:
            fault = Fault.REVERSED
        elif pattern == tuple(1 - bit for bit in probe.expected):
            fault = Fault.INVERTED
        return say(fault, f"expected {_shown(probe.expected)}, got {_shown(pattern)}")
    if isinstance(probe.program, Annealing) and reading.energies is not None:
        true = probe.program.form.energies(1 - 2 * bits.astype(np.int8))
        off = float(np.abs(true - reading.energies).max())
        if not off <= 1e-6:  # NaN is off, too
            return say(Fault.ENERGIES, f"claims differ from the form's energies by {off:.3g}")
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
