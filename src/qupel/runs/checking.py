"""Checks of backends: canaries and smoke runs, through the ledger where they cost money."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from qupel.backends.catalogue.profile import DeviceProfile
from qupel.backends.checks.canary import (
    SHOTS,
    SIZES,
    Canary,
    CanaryCost,
    CanaryReport,
    check_canary,
)
from qupel.backends.checks.diagnosis import one_of
from qupel.backends.checks.direct import Direct, Runner
from qupel.backends.checks.drift import Alarm, Detector
from qupel.backends.checks.locks import CanaryStore, FileCanaries, canary_file
from qupel.backends.checks.plausible import Implausible, implausible, most_failures
from qupel.backends.checks.smoke import SmokeRun, keep_run, read_runs, run_smoke, smoke_circuits
from qupel.backends.checks.test_line import LineReport, TestLine
from qupel.backends.clock import Clock, SystemClock
from qupel.backends.contract import Backend, Order, Result
from qupel.backends.local import MODELLED, PROVIDER, Local
from qupel.backends.machines import Ideal, Noisy
from qupel.backends.registry import backend_named
from qupel.errors import BudgetError, InputError, ResultError
from qupel.model.circuit import Circuit
from qupel.model.home import home
from qupel.model.money import Money
from qupel.runs.database import Database
from qupel.runs.ledger import Ledger
from qupel.runs.ledger.permission import KNOWN

#: Account of the ledger that checks are charged to.
ACCOUNT = "experiment:checks"


@dataclass(frozen=True, slots=True, eq=False)
class Paying:
    """Runs orders through a ledger: paid once, known after a crash, charged to `ACCOUNT`.

    What the programs of checks must give is known by definition, and compared with it. So hardware
    runs them although no simulator has, as the ledger asks of all others.

    Attributes
    ----------
    ledger
        Its clock waits.
    backend
        Where orders run.
    share
        What an order may be billed whose estimate names no price; None where there is none such.
    patience
        Seconds after which an order is wanted no more.
    """

    ledger: Ledger
    backend: Backend
    share: Money | None = None
    patience: float = 86_400.0

    def __call__(self, order: Order) -> Result:
        """Run one order; `ResultError` with the ledger's reason if it gives no result."""
        clock = self.ledger.clock
        job = self.ledger.plan(
            order,
            backend=f"{self.backend.provider}:{self.backend.device}",
            accounts=(ACCOUNT,),
            bound=self.backend.estimate(order).cost or self.share,
            deadline=clock.now() + self.patience,
            purpose={"check": order.tag, KNOWN: "definition"},
        )
        while (progress := self.ledger.advance(job.id, self.backend)).wait is not None:
            clock.sleep(progress.wait)
        result = self.ledger.result(job.id)
        if result is None:
            ended = progress.job
            raise ResultError(
                f"job {job.id} ended {ended.state}: {ended.why}; see `qupel jobs show {job.id}`"
            )
        return result


@dataclass(frozen=True, slots=True)
class Watched:
    """What a smoke run added to what was known.

    Attributes
    ----------
    run
        The run just made.
    baseline, needed
        Runs of the baseline so far, and how many it needs.
    alarms
        What no baseline may look like, then alarms since the baseline, oldest first.
    run_length
        Mean number of runs until a false alarm, at least; None until the baseline is whole.
    """

    run: SmokeRun
    baseline: int
    needed: int
    alarms: tuple[Alarm | Implausible, ...] = ()
    run_length: float | None = None


def canary_cost(name: str, *, sizes: Iterable[int] = SIZES, shots: int = SHOTS) -> CanaryCost:
    """What the canaries of a backend will take; nothing is ordered."""
    return Canary.of(backend_named(name), 0.0, sizes, shots).cost()


def canary(
    name: str,
    *,
    sizes: Iterable[int] = SIZES,
    shots: int = SHOTS,
    most: Money | None = None,
    store: CanaryStore | None = None,
    clock: Clock | None = None,
    ledger: Ledger | None = None,
) -> CanaryReport:
    """Run the canaries of a backend and keep the report, which locks or unlocks its adapter.

    Parameters
    ----------
    name
        ``provider:device``.
    sizes, shots
        Of the programs.
    most
        What they may cost; None pays for nothing.
    store
        Where the report is kept; by default in this user's file.
    clock
        Dates the report.
    ledger
        Pays for what is billed; by default the one in the usual database.
    """
    backend, clock = backend_named(name), clock or SystemClock()
    orders = len(Canary.of(backend, 0.0, sizes, shots).orders)
    run = _runner(backend, most, clock, ledger, orders)
    report = check_canary(backend, sizes=sizes, shots=shots, most=most, run=run, clock=clock)
    (FileCanaries(canary_file()) if store is None else store).save(report)
    return report


def watch(
    name: str,
    *,
    qubits: int = 3,
    shots: int = 500,
    baseline: int = 24,
    rise: float = 1.5,
    run_length: float = 2000.0,
    anew: bool = False,
    most: Money | None = None,
    path: Path | None = None,
    clock: Clock | None = None,
    seed: int | None = None,
    ledger: Ledger | None = None,
) -> Watched:
    """Run the smoke circuits of a backend once, keep the run, and look for drift in all so far.

    A scheduler calls this every hour, say. The first plausible runs are the baseline: one whose
    failures the device's profile cannot explain raises an alarm, and is not kept.

    Parameters
    ----------
    name
        ``provider:device``.
    qubits, shots
        Of the smoke circuits; the same in every run of a file.
    baseline
        Runs of the baseline.
    rise, run_length
        See `qupel.backends.checks.drift.Detector.of`.
    anew
        Whether to begin a new baseline, after a recalibration say; older runs are kept aside.
    most
        What the run may cost; None pays for nothing.
    path
        Where runs are kept; by default below ``QUPEL_HOME``, a file each backend.
    clock
        Dates the run.
    seed
        Of backends that are simulated; without it each run has its own.
    ledger
        Pays for what is billed; by default the one in the usual database.
    """
    if baseline < 1:
        raise InputError(f"baseline must be at least 1, got {baseline}")
    backend, clock = backend_named(name), clock or SystemClock()
    path = smoke_file(name) if path is None else path
    if anew and path.exists():
        path.replace(path.with_suffix(f".until-{clock.now():.0f}.jsonl"))
    before = read_runs(path)
    circuits = smoke_circuits(qubits)
    runner = _runner(backend, most, clock, ledger, 1)
    run = run_smoke(runner, circuits, shots=shots, at=clock.now(), seed=seed)
    runs = [*before, run]
    shares = most_failures(circuits, backend.capabilities())
    if len(runs) <= baseline:
        for held in before:
            Detector.check_alike(held, run)
        doubts = tuple(implausible([run], shares))
        if not doubts:
            keep_run(path, run)
        return Watched(run, len(runs) - bool(doubts), baseline, doubts)
    doubts = tuple(implausible(runs[:baseline], shares))
    detector = Detector.of(runs[:baseline], rise=rise, run_length=run_length)
    alarms = detector.alarms(runs[baseline:])
    keep_run(path, run)
    return Watched(run, baseline, baseline, (*doubts, *alarms), detector.run_length)


def smoke_file(name: str) -> Path:
    """Where smoke runs of a backend are kept."""
    return home() / "smoke" / f"{name.replace(':', '-').replace('/', '-')}.jsonl"


def _runner(
    backend: Backend, most: Money | None, clock: Clock, ledger: Ledger | None, orders: int
) -> Runner:
    """Runs orders directly where nothing is billed, else through the ledger up to ``most``.

    An order whose estimate names no price is bounded by its share of ``most``.
    """
    if not backend.capabilities().currency:
        return Direct(backend, None, clock)
    paying: list[Paying] = []
    name = f"{backend.provider}:{backend.device}"

    def run(order: Order) -> Result:
        cost = backend.estimate(order).cost
        if cost is None and most is None:
            raise InputError(
                f"no price of an order is known for {name}; say what all {orders} may be billed "
                "(--most '1 USD')"
            )
        if cost is not None and cost.micros and (most is None or not cost <= most):
            raise BudgetError(
                f"an order to {name} costs up to {cost}, and "
                f"{most or 'nothing'} may be paid; allow it (--most '{cost}')"
            )
        if not paying:
            share = None if most is None else Money(most.micros // orders, most.currency)
            paying.append(Paying(ledger or Ledger(Database.open(), clock), backend, share))
        return paying[0](order)

    return run


def release_line(
    circuit: Circuit,
    outcomes: Mapping[tuple[int, ...], float],
    profile: DeviceProfile,
    *,
    name: str = "",
    wanted: tuple[float, float] = (0.99, 0.8),
    baseline: int = 24,
    limit: float = 0.1,
    shots: int = 4000,
    seed: int = 0,
    most: Money | None = None,
    path: Path | None = None,
    clock: Clock | None = None,
) -> LineReport:
    """Walk a circuit along the line from unit test to release.

    `qupel.backends.checks.test_line` tells its steps.

    Parameters
    ----------
    circuit
        The candidate, measured whole.
    outcomes
        Probability of every outcome that is right, qubit 0 first, by definition; all others have
        none.
    profile
        Tells the noise.
    name
        The device as a backend; by default this machine's model of the profile.
    wanted
        Least share of right shots without noise, and with it.
    baseline
        Smoke runs of the baseline.
    limit, shots, seed
        See `TestLine`.
    most
        What each order may cost; None pays for nothing.
    path
        Where smoke runs of the device are kept; by default where `watch` keeps them. With fewer
        than the baseline needs the steps on this machine are walked, and the report's ``missing``
        says what to do before the device is asked.
    """
    expected = expected_of(outcomes, circuit.qubits)
    name, clock = name or f"{PROVIDER}:{MODELLED}{profile.name}", clock or SystemClock()
    device = backend_named(name)
    runs = read_runs(smoke_file(name) if path is None else path)
    missing = (
        f"{name} has {len(runs)} smoke runs, and the baseline needs {baseline}: run "
        f"`qupel drift {name} --qubits {max(2, circuit.qubits)}` on schedule first"
        if len(runs) < baseline
        else ""
    )
    line = TestLine(
        circuit=circuit,
        expected=expected,
        right=one_of(*outcomes),
        wanted=wanted,
        noiseless=Local("statevector", Ideal()),
        noisy=Local(f"{MODELLED}{profile.name}", Noisy.of(profile, compiles=True)),
        device=device,
        baseline=runs[:baseline],
        run=_runner(device, most, clock, None, 2),
        limit=limit,
        shots=shots,
        seed=seed,
        missing=missing,
    )
    return line.check(runs[baseline:], clock.now())


def expected_of(
    outcomes: Mapping[tuple[int, ...], float], qubits: int
) -> Float64[np.ndarray, " outcomes"]:
    """Probabilities of all outcomes, the first qubit the lowest bit; zero for those not named."""
    expected = np.zeros(1 << qubits)
    for bits, chance in outcomes.items():
        if len(bits) != qubits or not set(bits) <= {0, 1}:
            raise InputError(
                f"an outcome of {qubits} qubits has as many bits, each 0 or 1, got "
                f"{''.join(map(str, bits))!r}"
            )
        if not 0 <= chance <= 1:
            raise InputError(
                f"the probability of outcome {''.join(map(str, bits))} is from 0 to 1, got "
                f"{chance:g}"
            )
        expected[sum(bit << place for place, bit in enumerate(bits))] = chance
    if abs(expected.sum() - 1) > 1e-6:
        raise InputError(f"probabilities of outcomes sum to one, got {expected.sum():g}")
    return expected
