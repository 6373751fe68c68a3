"""The emulated provider itself: no sockets, no threads; a clock and a seed are given to it.

A seed and a script of calls replay: what happens between two calls is worked off, in the order of
its time, when the later one comes.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from threading import RLock

from qupel.backends.clock import Clock
from qupel.backends.contract import State
from qupel.backends.emulator.accounts import Accounts
from qupel.backends.emulator.agenda import Agenda
from qupel.backends.emulator.books import Books, Entry, What
from qupel.backends.emulator.calibration import Calibration, Drifting
from qupel.backends.emulator.courses import Courses
from qupel.backends.emulator.devices import Device
from qupel.backends.emulator.fitting import check_fits
from qupel.backends.emulator.hooks import Bill, Denied, Draft, Fate, Findings
from qupel.backends.emulator.job import EmulatedJob, Submission
from qupel.backends.emulator.register import Register
from qupel.backends.emulator.scenario import Scenario, Stage
from qupel.backends.emulator.terms import Outage, Terms
from qupel.backends.emulator.waiting import Queue
from qupel.model.money import Money

#: Note of a refund that an administrator made.
BY_HAND = "by hand"


@dataclass(slots=True, eq=False)
class Provider:
    """A paid quantum provider.

    Every method may raise `Denied`, which carries the HTTP status that says so.

    Attributes
    ----------
    terms
        How it works when nothing goes wrong.
    clock
        Its time, which it never lets go back.
    books
        Who was billed for what.
    accounts
        Who may ask.
    stage
        The faults that are on.
    register
        Every job ever accepted.
    lock
        Held by whoever serves a call while others may.
    """

    terms: Terms
    clock: Clock
    scenarios: Iterable[Scenario] = ()
    books: Books = field(default_factory=Books)
    accounts: Accounts = field(init=False)
    stage: Stage = field(init=False)
    register: Register = field(init=False, repr=False)
    devices: dict[str, Device] = field(init=False)
    outages: list[Outage] = field(init=False)
    lock: RLock = field(default_factory=RLock, init=False, repr=False)
    _courses: Courses = field(init=False, repr=False)
    _queues: dict[str, Queue] = field(default_factory=dict, init=False)
    _agenda: Agenda = field(default_factory=Agenda, init=False, repr=False)
    _latest: float = field(default=float("-inf"), init=False)
    _submissions: int = field(default=0, init=False)
    _listings: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.accounts = Accounts(self.terms.seed, self.terms.token_seconds)
        self.register = Register(self.terms.key_seconds)
        self._courses = Courses(self.terms.seed)
        self.stage = Stage(self, self.terms.seed)
        self.devices = {device.name: device for device in self.terms.devices}
        self.outages = list(self.terms.outages)
        for chosen in self.scenarios:
            self.stage.turn_on(chosen)

    def now(self) -> float:
        """UTC seconds since 1970; stands still where the clock is set back."""
        self._latest = max(self._latest, self.clock.now())
        return self._latest

    @property
    def jobs(self) -> dict[str, EmulatedJob]:
        """Every job ever accepted, by name."""
        return self.register.jobs

    def open_account(self, account: str, token: str | None = None) -> str:
        """Open an account; return its first token."""
        return self.accounts.open(account, self.now(), token)

    def submit(
        self,
        account: str,
        submission: Submission,
        key: str = "",
        errors: Drifting | None = None,
    ) -> EmulatedJob:
        """Accept a submission, or return the job that its key has already.

        ``errors`` are those of a simulated noise model, in place of the device's own.
        """
        now = self.catch_up()
        device = self.device(submission.device)
        check_fits(submission, device)
        if errors is not None:
            device = replace(device, errors=errors)
        self.check_open(device)
        self._submissions += 1
        draft = Draft(account, submission.shots, device)
        draft = self.stage.play("on_submit", f"submission-{self._submissions}", draft)
        keyed = bool(key) and self.terms.keys and draft.keyed
        known = self.register.under_key(account, key, now) if keyed else None
        if known is not None:
            if known.digest != submission.digest():
                raise Denied(409, "key-reused", "this idempotency key belongs to another order")
            return known
        first, *_ = [self._accept(draft, submission, key, now) for _ in range(draft.copies)]
        return first

    def job(self, account: str, name: str) -> EmulatedJob:
        """One of an account's jobs; those of others are as little known as those of nobody."""
        self.catch_up()
        job = self.jobs.get(name)
        if job is None or job.account != account or job.deleted:
            raise Denied(404, "no-such-job", f"you have no job {name!r:.80}")
        return job

    def state(self, job: EmulatedJob) -> State:
        """Where a job stands."""
        return job.state(self.now())

    def findings(self, job: EmulatedJob) -> Findings:
        """The content of a job's result, once it is done."""
        self.catch_up()
        state = self.state(job)
        if state is not State.DONE:
            raise Denied(409, "not-done", f"the job is {state}, so it has no result")
        readings = job.readings(self.calibration_of(job))
        return self.stage.play("on_result", job.id, Findings(job.id, job.digests(), readings), job)

    def cancel(self, account: str, name: str) -> EmulatedJob:
        """Cancel a job that still waits; nothing happens to one that runs or is over."""
        job = self.job(account, name)
        now = self.now()
        if job.state(now) is State.QUEUED:
            job.cancelled = now
            self._book("cancel", job, now)
            self._end(job)
        return job

    def forget(self, job: EmulatedJob) -> None:
        """Let a job be unknown from now on, to everybody but the books."""
        job.listed = float("inf")
        job.deleted = True

    def listed(self, account: str, tag: str | None) -> list[EmulatedJob]:
        """Jobs of an account, or of one tag of it, that listings show by now, newest first."""
        now = self.catch_up()
        if not self.terms.listing:
            raise Denied(501, "no-listing", "this provider lists no jobs")
        shown = [job for job in self.register.newest(account, tag) if job.listed <= now]
        self._listings += 1
        return self.stage.play("on_list", f"list-{self._listings}", shown)

    def quote(self, submission: Submission) -> Money:
        """Bill to be expected."""
        device = self.device(submission.device)
        check_fits(submission, device)
        return device.bill(submission.programs, submission.shots)

    def expected_wait(self, device: str) -> float:
        """Seconds that a job would wait which is submitted now."""
        return self.queue(device).expected(self.catch_up())

    def queue(self, device: str) -> Queue:
        """A device's queue."""
        if device not in self._queues:
            self._queues[device] = Queue(self.terms.waiting, self.terms.seed, device)
        return self._queues[device]

    def device(self, name: str) -> Device:
        """A device for hire."""
        try:
            return self.devices[name]
        except KeyError:
            raise Denied(404, "no-such-device", f"there is no device {name!r:.80}") from None

    def calibration_of(self, job: EmulatedJob) -> Calibration:
        """The device as it is when a job runs."""
        return self.calibration(job.device.name, job.starts, job.device.errors)

    def calibration(
        self, device: str, at: float | None = None, errors: Drifting | None = None
    ) -> Calibration:
        """A device as it is now, or was at another time, or would be with other errors."""
        errors = errors or self.device(device).errors
        return self._courses.at(device, errors, self.now() if at is None else at)

    def drift(self, device: str, factor: float, at: float | None = None) -> None:
        """Multiply all errors of a device from now on, or from another time."""
        self.device(device)
        self._courses.drift(device, factor, self.now() if at is None else at)

    def recalibrate(self, device: str, at: float | None = None) -> None:
        """Calibrate a device out of turn."""
        self.device(device)
        self._courses.recalibrate(device, self.now() if at is None else at)

    def check_open(self, device: Device | None = None) -> None:
        """Raise `Denied` during an outage of a device, or of the service."""
        now = self.now()
        for outage in self.outages:
            if outage.covers(now, device):
                what = outage.device or outage.region or "the service"
                wait = f"{max(1, round(outage.end - now))}"
                raise Denied(503, "outage", f"{what} is off", {"retry-after": wait})

    def add_outage(self, outage: Outage) -> None:
        """Announce an outage; jobs that would start in it wait for its end."""
        self.catch_up()
        self.outages.append(outage)
        for job in self.jobs.values():
            if job.cancelled is None and job.starts > self._latest and self._put_off(job):
                self._book("delay", job, self._latest, note=repr(job.starts))

    def refund(self, name: str) -> None:
        """Pay back everything a job was billed."""
        now = self.catch_up()
        job = self.jobs.get(name)
        if job is None:
            raise Denied(404, "no-such-job", f"there is no job {name!r:.80}")
        for currency in sorted({bill.currency for bill in job.bills}):
            owed = sum(bill.micros for bill in job.bills if bill.currency == currency)
            if owed > 0:
                job.bills.append(Money(-owed, currency))
                self._book("refund", job, now, Money(owed, currency), BY_HAND)

    def ledger(self) -> tuple[Entry, ...]:
        """Every entry of the books up to now."""
        self.catch_up()
        return tuple(self.books.entries)

    def pending(self, account: str) -> int:
        """How many of an account's jobs are not over."""
        now = self.now()
        mine = (job for job in self.jobs.values() if job.account == account)
        return sum(not job.state(now).final for job in mine)

    def catch_up(self) -> float:
        """Work off everything that was due up to now, and return the time."""
        now = self.now()
        self._agenda.work_off(now)
        return now

    def later(self, at: float, act: Callable[[], None]) -> None:
        """Have something happen at a time."""
        self._agenda.add(at, act)

    def go_on(self) -> None:
        """Take up every job of the books where it stood; time goes on from the last entry."""
        last = max((entry.at for entry in self.books.entries), default=self._latest)
        behind, advance = last - self.now(), getattr(self.clock, "advance", None)
        if behind > 0 and advance is not None:
            advance(behind)
        self._latest = max(self._latest, last)
        for job in self.jobs.values():
            if job.closed:
                self._expect_bills(job)
            else:
                self._expect_end(job)

    def _accept(self, draft: Draft, submission: Submission, key: str, now: float) -> EmulatedJob:
        number = len(self.jobs)
        device, shots = draft.device, draft.shots
        name = hashlib.sha256(f"{self.terms.seed}/job/{number}".encode()).hexdigest()
        seconds = device.seconds(len(submission.programs), shots)
        lag = self.terms.listing_lag if draft.listed_after is None else draft.listed_after
        job = EmulatedJob(
            id=str(uuid.UUID(name[:32], version=4)),
            number=number,
            account=draft.account,
            device=device,
            submission=submission,
            key=key,
            shots=shots,
            digest=submission.digest(),
            created=now,
            starts=now,
            ends=now,
            fate=Fate(State.DONE, "", seconds),
            listed=float("inf") if draft.hidden else now + lag,
            seed=self.terms.seed,
        )
        job.fate = fate = self.stage.play("on_run", job.id, job.fate, job)
        job.starts = self.queue(device.name).start(now, min(fate.seconds, seconds)) + fate.waits
        job.ends = job.starts + fate.seconds
        self._put_off(job)
        if fate.recalibrated:
            self.recalibrate(device.name, at=job.starts)
        self.register.file(job)
        self._book("accept", job, now)
        self._expect_end(job)
        return job

    def _put_off(self, job: EmulatedJob) -> bool:
        """Move the start of a job out of its device's outages; whether it had to be."""
        before = job.starts
        for outage in sorted(self.outages, key=lambda outage: outage.start):
            if outage.covers(job.starts, job.device):
                job.starts = outage.end
                job.ends = job.starts + job.fate.seconds
        return job.starts > before

    def _expect_end(self, job: EmulatedJob) -> None:
        if job.ends < float("inf"):
            self.later(job.ends, lambda: self._end(job))

    def _end(self, job: EmulatedJob) -> None:
        """Book a job's end, once, and expect its bills."""
        over = job.ended()
        if over is None or over > self._latest:  # put off since
            self._expect_end(job)
        elif not job.closed:
            job.closed = True
            self._book("end", job, over, note=str(job.state(over)))
            self._expect_bills(job)

    def _expect_bills(self, job: EmulatedJob) -> None:
        over = job.ended() or 0.0
        usual: tuple[Bill, ...] = ()
        if job.state(over) is State.DONE:
            usual = (Bill(job.device.bill(job.submission.programs, job.shots)),)
        bills = self.stage.play("on_bill", job.id, usual, job)
        for bill in bills[job.booked :]:
            at = over + bill.after
            if at <= self._latest:
                self._bill(job, bill, at)
            else:
                self.later(at, partial(self._bill, job, bill, at))

    def _bill(self, job: EmulatedJob, bill: Bill, at: float) -> None:
        job.booked += 1
        job.bills.append(bill.amount * -1 if bill.refund else bill.amount)
        self._book("refund" if bill.refund else "bill", job, at, bill.amount, bill.note)

    def _book(
        self, what: What, job: EmulatedJob, at: float, amount: Money | None = None, note: str = ""
    ) -> None:
        self.books.add(
            Entry(
                at, what, job.id, job.account, job.device.name, job.key, job.submission.tag,
                amount, note,
            )
        )  # fmt: skip
