"""Never stalls: a route answers in time under every fault that the emulator knows, and others."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from chaos.finding import Finding
from chaos.options import Options, Say
from qupel.backends.adapters.neutral import Neutral
from qupel.backends.emulator.process import Running, running_emulator
from qupel.backends.emulator.scenario import scenarios
from qupel.backends.http import HttpTransport
from qupel.errors import TransientError
from qupel.model.money import Money
from qupel.problems.maxcut import MaxCut
from qupel.runs.ledger import Patience
from qupel.runs.routes import gates
from qupel.runs.routes.decision import Decision
from qupel.runs.routes.desk import FALLBACK, PRIMARY
from qupel.runs.routes.route import Arm, Budget, Mode, Route, Slo
from qupel.runs.routes.service import Routes

ACCOUNT = "team:chaos"
DEADLINE, LEEWAY = 1.5, 1.0
CUT = MaxCut.random(1, nodes=8)[0]
#: Arms that order circuits and annealings, by the emulator's device.
ARMS = {
    "ideal": Arm("qupel.solvers.quantum.hosted:HostedQaoa", {"shots": 100, "angles": "fixed"}),
    "annealer": Arm("qupel.solvers.quantum.hosted_annealing:HostedAnnealing", {"reads": 100}),
}
#: Scenarios in which the provider itself makes several jobs of one submission.
MAKES_SEVERAL = {"accepted-twice", "one-run-makes-six-jobs", "keys-ignored"}
#: Of a decision that waits for its result.
BRISK = Patience(first=0.05, longest=0.5, probe=0.5)

Fault = Callable[["Stand"], AbstractContextManager[object]]


class Named(Neutral):
    """A device behind a provider's name of its own, so that breakers of two faults never meet."""

    name: str = "emulator"

    @property
    def provider(self) -> str:
        """As it was named."""
        return self.name


@dataclass(slots=True, eq=False)
class Stand:
    """A route's surroundings, and what can be done to them.

    Attributes
    ----------
    routes
        Of a database of their own.
    emulator
        A process.
    folder
        Of the database.
    url
        Where devices are looked for; the emulator's unless a fault changes it.
    """

    routes: Routes
    emulator: Running
    folder: Path
    url: str
    numbers: int = 0
    orders: dict[str, str] = field(default_factory=dict)

    def device(self, name: str) -> Neutral:
        """Open ``provider:device`` at the present address."""
        provider, _, device = name.partition(":")
        token = self.emulator.token
        transport = HttpTransport(self.url, lambda: {"Authorization": f"Bearer {token}"})
        named = Named(device, transport, timeout=5.0)
        named.name = provider
        return named

    def decide(self, fault: str, device: str = "ideal") -> tuple[Decision, float]:
        """Deploy a route of this fault's own, and decide once by it."""
        self.numbers += 1
        backend = f"emulator{self.numbers}:{device}"
        arm = ARMS[device]
        route = Route(
            name=f"chaos-{self.numbers}",
            family="maxcut",
            owner="chaos",
            slo=Slo(),
            deadline_seconds=DEADLINE,
            primary=Arm(arm.solver, {**arm.settings, "backend": backend}),
            fallback=Arm("greedy"),
            fallback_seconds=0.3,
            budget=Budget((ACCOUNT,), "5 USD"),
            tier="cloud simulator",
        )
        roster = self.routes.desk.roster()
        roster.add_version(route, at=1.0)
        for gate in (gates.FALLBACK, gates.SIMULATOR):
            roster.pass_gate(route.version, gate, who="chaos", detail="", at=1.0)
        roster.deploy(route, mode=Mode.QUANTUM, who="chaos", why="", at=1.0)
        self.routes.desk.remember(roster.standing(route.name))
        with FAULTS.get(fault, _playing(fault))(self):
            began = time.monotonic()
            decision = self.routes.decide(route.name, CUT)
            seconds = time.monotonic() - began
        if decision.job:
            self.orders[decision.job] = fault
        return decision, seconds


def main(options: Options, say: Say) -> list[Finding]:
    """Decide under every fault, one after the other."""
    wanted = [(fault, "ideal") for fault in FAULTS]
    for name, scenario in scenarios().items():
        wanted.append((name, "ideal"))
        if scenario.group in ("results", "content"):
            wanted.append((name, "annealer"))
    if options.quick:
        wanted = [
            ("none", "ideal"), ("fallback worker killed", "ideal"), ("network-silent", "ideal"),
            ("reply-lost-after-accept", "ideal"), ("energies-too-good", "annealer"),
        ]  # fmt: skip
    with stand(options.seed) as surroundings:
        surroundings.decide("none")  # so that the first fault finds everything warm
        made = []
        for fault, device in wanted:
            decision, seconds = surroundings.decide(fault, device)
            made.append((fault, device, decision, seconds))
            if not _is_good(decision, seconds):
                who = decision.answered_by
                say(f"{fault}, {device}: {who} after {seconds:.2f} s: {decision.why}")
        twice = _ordered_twice(surroundings)
    slowest = max(seconds for *_, seconds in made)
    good = sum(_is_good(decision, seconds) for _, _, decision, seconds in made)
    in_time = sum(seconds <= DEADLINE for *_, seconds in made)
    by = sorted({str(decision.answered_by) for _, _, decision, _ in made})
    told = ", ".join(f"{sum(str(d.answered_by) == who for _, _, d, _ in made)} {who}" for who in by)
    return [
        Finding(
            promise="never stalls: a route under every fault",
            target=f"all feasible, within {DEADLINE:g} + {LEEWAY:g} s; none ordered twice",
            figure=f"{good} of {len(made)} answered, slowest {slowest:.2f} s, {in_time} by the "
            f"deadline, {twice} ordered twice; answers by {told}",
            n=f"{len(made)} faults (p100)",
            passed=good == len(made) and not twice,
            details={f"{fault}, {device}": f"{seconds:.3f} s, {decision.answered_by}"
                     for fault, device, decision, seconds in made},
        )
    ]  # fmt: skip


@contextlib.contextmanager
def stand(seed: int) -> Iterator[Stand]:
    """Routes on a database of their own beside an emulator."""
    with (
        tempfile.TemporaryDirectory(prefix="qupel-chaos-") as place,
        running_emulator("--seed", str(seed)) as emulator,
    ):
        folder = Path(place)
        held: list[Stand] = []
        routes = Routes(
            folder / "qupel.db",
            backend=lambda name: held[0].device(name),
            lock=None,
            folder=folder / "machine",
            patience=BRISK,
        )
        with routes:
            routes.desk.ledger().set_budget(ACCOUNT, money=Money.of(10_000))
            held.append(Stand(routes, emulator, folder, emulator.url))
            yield held[0]


def _is_good(decision: Decision, seconds: float) -> bool:
    """Whether it came in time and is what it says it is, by the weights of the edges it cuts."""
    if seconds > DEADLINE + LEEWAY or not decision.feasible or not decision.solution:
        return False
    answer = CUT.read_answer(decision.solution)
    edges = zip(CUT.graph.edges.tolist(), CUT.graph.weights.tolist(), strict=True)
    cut = sum(weight for (i, j), weight in edges if answer.side[i] != answer.side[j])
    return decision.objective is not None and abs(decision.objective - cut) < 1e-9


def _ordered_twice(stand: Stand) -> int:
    """Decisions for which the provider accepted several jobs, by its own books."""
    jobs: dict[str, set[str]] = {}
    for entry in stand.emulator.ledger():
        if entry["what"] == "accept":
            jobs.setdefault(entry["tag"], set()).add(entry["job"])
    several = {tag for tag, held in jobs.items() if len(held) > 1}
    faults = {job: fault for job, fault in stand.orders.items() if fault not in MAKES_SEVERAL}
    return sum(any(job in tag for tag in several) for job in faults)


@contextlib.contextmanager
def _nothing(_: Stand) -> Iterator[None]:
    yield


def _playing(scenario: str) -> Fault:
    @contextlib.contextmanager
    def play(stand: Stand) -> Iterator[None]:
        stand.emulator.turn_on(scenario)
        try:
            yield
        finally:
            stand.emulator.turn_off(scenario)

    return play


@contextlib.contextmanager
def _at(stand: Stand, url: str) -> Iterator[None]:
    kept, stand.url = stand.url, url
    try:
        yield
    finally:
        stand.url = kept


@contextlib.contextmanager
def _nobody_listens(stand: Stand) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with _at(stand, f"http://127.0.0.1:{port}"):
        yield


@contextlib.contextmanager
def _nobody_answers(stand: Stand) -> Iterator[None]:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        _at(stand, f"http://127.0.0.1:{silent.getsockname()[1]}"),
    ):
        yield


def _killed(*roles: str) -> Fault:
    """Kill the workers of these roles, right after the decision began."""

    @contextlib.contextmanager
    def kill(stand: Stand) -> Iterator[None]:
        def strike() -> None:
            for role in roles:
                workers = stand.routes.desk.seat(role)._workers  # noqa: SLF001  nobody else may
                if workers is not None and (pid := workers._process.pid):  # noqa: SLF001
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)

        strike()
        later = threading.Timer(0.02, strike)
        later.start()
        yield
        later.join()
        for role in roles:
            stand.routes.desk.seat(role).wait_until_warm(20)

    return kill


def _reached(reach: Callable[[], None]) -> Fault:
    @contextlib.contextmanager
    def change(stand: Stand) -> Iterator[None]:
        kept, stand.routes.desk.reach = stand.routes.desk.reach, reach
        try:
            yield
        finally:
            stand.routes.desk.reach = kept

    return change


def _gone() -> None:
    raise TransientError("the database is down")


@contextlib.contextmanager
def _locked(stand: Stand) -> Iterator[None]:
    """Somebody else writes for three seconds."""
    other = sqlite3.connect(
        stand.folder / "qupel.db", isolation_level=None, check_same_thread=False
    )
    other.execute("BEGIN IMMEDIATE")
    freed = threading.Timer(3.0, other.rollback)
    freed.start()
    yield
    freed.join()
    other.close()


@contextlib.contextmanager
def _stopped(stand: Stand) -> Iterator[None]:
    """The provider's process is stopped, and goes on afterwards."""
    stand.emulator.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        stand.emulator.process.send_signal(signal.SIGCONT)


FAULTS: dict[str, Fault] = {
    "none": _nothing,
    "nobody listens at the provider's port": _nobody_listens,
    "nobody answers at the provider's port": _nobody_answers,
    "provider stopped": _stopped,
    "fallback worker killed": _killed(FALLBACK),
    "both workers killed": _killed(FALLBACK, PRIMARY),
    "database gone": _reached(_gone),
    "database hangs for 4 s": _reached(lambda: time.sleep(4.0)),
    "database locked for 3 s": _locked,
}
