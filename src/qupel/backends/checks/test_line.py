"""The line from simulator to hardware: what a circuit and a device must pass before release.

The steps are ordered by what they cost and by what they can blame: a wrong gate shows where there
is no noise, more noise in the model shows before a device is asked, and a device that changes
shows only over time. The line stops at the first step that does not pass; whoever deploys falls
back to the classical answer then. A step that its shots cannot decide is called unclear: nothing
is known to be wrong, and nothing is released.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from jaxtyping import Float64

from qupel.backends.checks.diagnosis import Right, share_right, shots_to_tell
from qupel.backends.checks.direct import Direct, Runner, order_of
from qupel.backends.checks.drift import Detector
from qupel.backends.checks.parity import Agreement, parity
from qupel.backends.checks.smoke import Smoke, SmokeRun, run_smoke, smoke_circuits
from qupel.backends.contract import Backend
from qupel.errors import InputError, RunError
from qupel.model.circuit import Circuit
from qupel.simulators.statevector import StateVector


class Step(StrEnum):
    """The steps, in order."""

    UNIT = "circuit unit test"
    NOISELESS = "noiseless simulator"
    NOISY = "noisy simulator"
    PARITY = "emulator/device parity"
    SMOKE = "smoke run"
    DRIFT = "drift"


class Verdict(StrEnum):
    """How the line ends."""

    RELEASE = "release"
    FALLBACK = "fallback"


#: Whether a step passed, None if its shots cannot tell, and why; and a step with what finds it.
_Found = tuple[bool | None, str]
_Walked = tuple[Step, Callable[[], _Found]]


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step: whether it passed, None if its shots cannot tell, and the figures why."""

    step: Step
    passed: bool | None
    text: str


@dataclass(frozen=True, slots=True)
class LineReport:
    """What the line showed.

    Attributes
    ----------
    steps
        Those that ran; the last is the one that did not pass, if one did not.
    missing
        What has to be done before the device can be asked, where the steps on this machine have
        passed; empty if nothing.
    """

    steps: tuple[StepReport, ...]
    missing: str = ""

    @property
    def caught(self) -> Step | None:
        """The step that failed."""
        last = self.steps[-1]
        return last.step if last.passed is False else None

    @property
    def unclear(self) -> Step | None:
        """The step that its shots cannot decide."""
        last = self.steps[-1]
        return last.step if last.passed is None else None

    @property
    def verdict(self) -> Verdict:
        """Release if every step was walked and passed, else fall back."""
        is_sound = bool(self.steps[-1].passed) and not self.missing
        return Verdict.RELEASE if is_sound else Verdict.FALLBACK


@dataclass(frozen=True, slots=True, eq=False)
class TestLine:
    """A circuit, what it must do, and the backends that it must do it on.

    Attributes
    ----------
    circuit
        The candidate.
    expected
        Probability of each outcome by definition, qubit 0 the lowest bit: of an independent
        calculation, not of the circuit.
    right
        Of rows of bits, which count as right.
    wanted
        Least share of right shots, without noise and with it, above 0 and below 1.
    noiseless, noisy
        A simulator, and one with the noise that the device's profile or calibration tells.
    device
        The device, its emulator, or a model of it.
    run
        Carries out orders to the device: through a ledger, or directly if it is free.
    baseline
        Smoke runs of the device while it was known to be good.
    limit
        Total variation distance from which on device and noisy simulator diverge.
    rise, run_length
        See `qupel.backends.checks.drift.Detector.of`.
    shots
        Of every circuit, smoke circuits excepted: those have the baseline's.
    seed
        Of backends that are simulated.
    smoke
        Smoke circuits; those of the circuit's width unless given.
    missing
        What has to be done before the device can be asked, such as a baseline to be made: the
        steps on this machine are walked, and no other. Empty if nothing.
    """

    __test__ = False  # no test of pytest's

    circuit: Circuit
    expected: Float64[np.ndarray, " outcomes"]
    right: Right
    wanted: tuple[float, float]
    noiseless: Backend
    noisy: Backend
    device: Backend
    baseline: Sequence[SmokeRun]
    run: Runner | None = None
    limit: float = 0.1
    rise: float = 1.5
    run_length: float = 2000.0
    shots: int = 4000
    seed: int = 0
    smoke: tuple[Smoke, ...] = field(default=())
    missing: str = ""

    def __post_init__(self) -> None:
        for share in self.wanted:
            if not 0 < share < 1:
                raise InputError(
                    f"a share of right shots that is wanted is above 0 and below 1, got {share}"
                )
        if not 0 < self.limit < 1:
            raise InputError(f"limit must be above 0 and below 1, got {self.limit}")
        if not self.smoke:
            object.__setattr__(self, "smoke", smoke_circuits(max(2, self.circuit.qubits)))
        if not self.baseline and not self.missing:
            raise InputError("the line needs a baseline of smoke runs to tell drift from noise")

    def check(self, latest: Sequence[SmokeRun], now: float) -> LineReport:
        """Walk the line once.

        Parameters
        ----------
        latest
            Scheduled smoke runs of the device since the baseline, in order.
        now
            UTC seconds since 1970, at which a smoke run is made.
        """
        here: tuple[_Walked, ...] = (
            (Step.UNIT, self._unit),
            (Step.NOISELESS, lambda: self._share(self.noiseless, self.wanted[0])),
            (Step.NOISY, lambda: self._share(self.noisy, self.wanted[1])),
        )
        there: tuple[_Walked, ...] = (
            (Step.PARITY, self._parity),
            (Step.SMOKE, lambda: self._smoke(now)),
            (Step.DRIFT, lambda: self._drift(latest)),
        )
        if not self.missing:
            return LineReport(tuple(_until_one_fails((*here, *there))))
        steps = tuple(_until_one_fails(here))
        return LineReport(steps, self.missing if steps[-1].passed else "")

    def _unit(self) -> _Found:
        found = StateVector().probabilities(self.circuit)
        if found.shape != self.expected.shape:
            return False, f"{found.size} outcomes, {self.expected.size} expected"
        off = float(np.abs(found - self.expected).max())
        return off < 1e-9, f"probabilities are off by {off:.3g} at most"

    def _share(self, backend: Backend, wanted: float) -> _Found:
        order = order_of((self.circuit,), self.shots, "line", {"seed": self.seed}, backend.device)
        reading = Direct(backend)(order).readings[0]
        share, low, high = share_right(reading, self.right)
        text = f"{share:.2%} of shots are right ({low:.2%} to {high:.2%}), {wanted:.2%} wanted"
        if low >= wanted or high < wanted:
            return low >= wanted, text
        enough = shots_to_tell(share, wanted)
        more = (
            "no number of shots tells equal shares apart"
            if enough is None
            else f"about {enough} would tell, if the share stays so"
        )
        return None, f"{text}: {self.shots} shots cannot tell; {more}"

    def _parity(self) -> _Found:
        run = self._runner()
        first = order_of((self.circuit,), self.shots, "line", {"seed": self.seed}, "model")
        second = order_of((self.circuit,), self.shots, "line", {"seed": self.seed + 1}, "device")
        found = parity(
            Direct(self.noisy)(first).readings[0],
            run(second).readings[0],
            limit=self.limit,
            rng=np.random.default_rng(self.seed),
        )
        if found.agreement is Agreement.UNCLEAR:
            # What chance alone gives falls as the root of the shots.
            enough = self.shots * (found.slack / (found.distance - found.limit)) ** 2
            return None, f"{found}; about {math.ceil(enough)} would, if the distance stays so"
        return found.agreement is Agreement.WITHIN, str(found)

    def _smoke(self, now: float) -> _Found:
        shots = self.baseline[0].shots
        done = run_smoke(self._runner(), self.smoke, shots=shots, at=now, seed=self.seed + 2)
        tried = shots * len(self.baseline)
        for name, failures in done.failures.items():
            before = sum(run.failures[name] for run in self.baseline) / tried
            # Five standard deviations of a single run, and a shot for shares near zero.
            most = before * shots + 5 * np.sqrt(before * (1 - before) * shots) + 1
            if failures > most:
                return False, f"{name}: {failures} of {shots} shots fail, {most:.0f} at most before"
        shown = ", ".join(f"{name} {count}" for name, count in done.failures.items())
        return True, f"failures of {shots} shots: {shown}"

    def _drift(self, latest: Sequence[SmokeRun]) -> _Found:
        detector = Detector.of(self.baseline, rise=self.rise, run_length=self.run_length)
        alarms = detector.alarms(latest)
        if alarms:
            return False, str(alarms[0])
        return True, (
            f"no alarm in {len(latest)} runs; a false one in {detector.run_length:.0f} at most"
        )

    def _runner(self) -> Runner:
        return self.run or Direct(self.device)


def _until_one_fails(steps: Sequence[_Walked]) -> Iterator[StepReport]:
    for step, check in steps:
        try:
            passed, text = check()
        except RunError as error:
            passed, text = False, f"{type(error).__name__}: {error}"
        yield StepReport(step, passed, text)
        if not passed:
            return
