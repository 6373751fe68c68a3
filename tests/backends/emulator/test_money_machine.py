"""Whatever is submitted, cancelled, waited for or restarted: every job is billed as it ended."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from qupel.backends.clock import ManualClock
from qupel.backends.contract import State
from qupel.backends.emulator import Outage, Provider, Terms, Waiting
from qupel.backends.emulator.hooks import Denied
from qupel.backends.emulator.job import Submission
from qupel.backends.emulator.journal import Journal, keep_books
from qupel.model.circuit import Circuit
from qupel.model.money import Money

COST = Money.of("0.3035")  # 0.30 and ten shots


class Paying(RuleBasedStateMachine):
    """Two devices, a few keys, and books in a file."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "books.jsonl"
        self.clock = ManualClock()
        self.keys: dict[str, str] = {}
        self.cancelled: set[str] = set()
        self.refunded: Counter[str] = Counter()
        self.journal, self.provider = self.opened()

    def opened(self) -> tuple[Journal, Provider]:
        provider = Provider(Terms(waiting=Waiting(30.0, 0.5), seed=3), self.clock)
        return keep_books(provider, self.path), provider

    @rule(key=st.sampled_from("abcde"), device=st.sampled_from(["ideal", "noisy"]))
    def submit(self, key: str, device: str) -> None:
        order = Submission(device, (Circuit(1).x(0),), 10, f"tag-{key}")
        try:
            job = self.provider.submit("tenant", order, f"key-{key}")
        except Denied as denied:
            assert denied.code in ("key-reused", "outage")  # noqa: PT017
            return
        assert self.keys.setdefault(key, job.id) == job.id

    @rule(seconds=st.floats(0.0, 200.0))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(key=st.sampled_from("abcde"))
    def cancel(self, key: str) -> None:
        if key in self.keys:
            job = self.provider.cancel("tenant", self.keys[key])
            if self.provider.state(job) is State.CANCELLED:
                self.cancelled.add(job.id)

    @rule(after=st.floats(0.0, 100.0), seconds=st.floats(0.1, 300.0))
    def outage(self, after: float, seconds: float) -> None:
        begin = self.provider.now() + after
        self.provider.add_outage(Outage(begin, begin + seconds, device="noisy"))

    @rule(key=st.sampled_from("abcde"))
    def refund(self, key: str) -> None:
        if key in self.keys:
            self.provider.catch_up()
            job = self.provider.jobs[self.keys[key]]
            self.provider.refund(job.id)
            self.refunded[job.id] = int(self.provider.state(job) is State.DONE)  # once, in full

    @rule()
    def crash(self) -> None:
        self.journal.close()
        self.journal, self.provider = self.opened()

    @invariant()
    def books_tell_what_happened(self) -> None:
        entries = self.provider.ledger()
        assert [e.at for e in entries] == sorted(e.at for e in entries)
        told = Counter((entry.what, entry.job) for entry in entries)
        assert {job for what, job in told if what == "accept"} == set(self.keys.values())
        for job in self.provider.jobs.values():
            state = self.provider.state(job)
            assert told["accept", job.id] == 1
            assert told["end", job.id] == state.final
            assert told["bill", job.id] == (state is State.DONE)
            assert told["refund", job.id] == self.refunded[job.id]
            assert (state is State.CANCELLED) == (job.id in self.cancelled)
        owed = sum(
            count * {"bill": 1, "refund": -1}.get(what, 0) for (what, _), count in told.items()
        )
        assert self.provider.books.billed().get("USD", Money(0)) == COST * owed
        assert not self.provider.books.accepted_twice()

    def teardown(self) -> None:
        self.journal.close()
        self.folder.cleanup()


TestPaying = Paying.TestCase
TestPaying.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
