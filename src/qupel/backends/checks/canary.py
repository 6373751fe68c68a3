"""Canaries: asymmetric programs that show whether a backend's bits and gates are ours.

A mistake in bit order costs nothing but the truth: every histogram looks right. So each adapter
must read programs whose answer is known and is no mirror image of itself, one bit set among n,
for many n, one by one and in a batch, before anything is paid to it (see
`qupel.backends.checks.locks.Lock`). One program more, in the batch where there is one, has turns by
angles and gates between qubits, or fields and couplings: an adapter may read every bit right and
still take degrees for radians, or a control for its target.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any, Self

from qupel.backends.checks.direct import Direct, Runner, order_of
from qupel.backends.checks.findings import Fault, Finding, findings_of
from qupel.backends.checks.gate_probes import short_probe
from qupel.backends.checks.probes import Probe, couplings_probe, probes_of
from qupel.backends.clock import Clock, SystemClock
from qupel.backends.contract import Backend, Kind, Order, Result
from qupel.errors import BudgetError, InputError, RefusedError, RunError
from qupel.model.money import Money

#: Sizes of the programs.
SIZES = tuple(range(1, 21))
SHOTS = 100


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
        Each with the places of its probes: every probe of bit order alone, then all in batches;
        where there are no batches, every probe alone.
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
        wanted = list(probes_of(able.kind, fitting))
        if able.kind is Kind.CIRCUIT:
            wanted.append(short_probe(able.qubits))
        elif able.qubits >= 3:
            wanted.append(couplings_probe())
        probes, skipped = [], []
        for probe in wanted:
            try:
                backend.estimate(order_of((probe.program,), shots, "canary", {}, now))
                probes.append(probe)
            except RefusedError:
                skipped.append(probe.name)
        chunk = max(1, able.max_programs)
        places: list[tuple[int, ...]] = [
            (k,) for k, probe in enumerate(probes) if chunk == 1 or not probe.shows
        ]
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
            findings += findings_of(probes, order, result)
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


def total(amounts: Iterable[Money]) -> Money | None:
    """Sum of amounts of one currency; None of none."""
    held = list(amounts)
    return sum(held[1:], held[0]) if held else None
