from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qupel.backends.clock import ManualClock
from qupel.backends.contract import JobStatus, Lookup, Order, Result, State
from qupel.errors import (
    BudgetError,
    ContractError,
    InputError,
    RefusedError,
    ResultError,
    TransientError,
    UnknownOutcomeError,
)
from qupel.model.evidence import Evidence
from qupel.model.money import Money
from qupel.runs.database import Database
from qupel.runs.ledger import AttemptState, Cause, JobState, Ledger, Patience, Retry
from tests.runs.ledger.fake import Fake
from tests.runs.ledger.orders import BELL, DOLLAR, finish, order, plan


def test_a_planned_job_is_submitted_once_and_ends_with_its_result(
    ledger: Ledger, fake: Fake
) -> None:
    job = plan(ledger)
    assert job.state is JobState.PLANNED
    ended = finish(ledger, fake, job)
    assert (ended.state, ended.attempts, ended.settled) == (JobState.DONE, 1, True)
    assert ended.billed == DOLLAR
    result = ledger.result(job.id)
    assert result is not None
    assert result.readings[0].shots == 100
    assert fake.calls["submit"] == 1


def test_planning_again_gives_the_same_job_and_holds_nothing_twice(ledger: Ledger) -> None:
    first, second = plan(ledger), plan(ledger)
    assert first == second
    assert ledger.account("team:a").held.money == DOLLAR.micros
    assert len(ledger.jobs()) == 1


def test_a_key_stands_for_one_order(ledger: Ledger) -> None:
    plan(ledger)
    with pytest.raises(ContractError, match="a new order needs a new key"):
        ledger.plan(order(shots=7), backend="fake:one", bound=DOLLAR)
    with pytest.raises(ContractError, match="another order or backend"):
        plan(ledger, backend="fake:two")


@pytest.mark.parametrize("backend", ["fake", "fake:", ":one"])
def test_a_backend_needs_a_provider_and_a_device(ledger: Ledger, backend: str) -> None:
    with pytest.raises(InputError, match="provider:device"):
        plan(ledger, backend=backend)


def test_the_job_that_would_exceed_the_cap_is_refused_with_what_remains(ledger: Ledger) -> None:
    ledger.set_budget("team:a", money=Money.of(2), shots=250, runs=9)
    plan(ledger, "1")
    plan(ledger, "2")
    with pytest.raises(BudgetError, match=r"1\.00 USD of money, 0\.00 USD of the cap of 2\.00"):
        plan(ledger, "3")
    with pytest.raises(BudgetError, match="100 of shots, 50 of the cap of 250"):
        plan(ledger, "4", bound=None)
    assert ledger.account("team:a").remaining() == {"money": 0, "shots": 50, "runs": 7}
    assert [event.kind for event in ledger.events(kind="budget refused")] == ["budget refused"] * 2


def test_a_refused_job_holds_nothing_in_its_other_accounts(ledger: Ledger) -> None:
    ledger.set_budget("team:z", runs=0)
    with pytest.raises(BudgetError, match="team:z"):
        plan(ledger, accounts=["experiment:e", "team:z"])
    assert [account.name for account in ledger.accounts()] == ["team:z"]
    assert ledger.jobs() == []


def test_an_alert_is_given_once_at_eighty_per_cent(database: Database, clock: ManualClock) -> None:
    told: list[str] = []
    ledger = Ledger(database, clock, listener=lambda event: told.append(event.kind))
    ledger.set_budget("team:a", money=Money.of(5))
    for number in range(5):
        plan(ledger, str(number))
    assert told.count("budget alert") == 1
    [alert] = ledger.events(kind="budget alert")
    assert alert.alarm
    assert ledger.job(alert.job).key == "3"


def test_every_cap_has_an_alert_of_its_own_with_its_figures(ledger: Ledger) -> None:
    ledger.set_budget("team:a", money=Money.of(10), shots=1000, runs=5)
    for number in range(4):
        plan(ledger, str(number), bound=Money.of("0.01"))
    plan(ledger, "4", bound=Money.of("9.90"))
    told = [event.detail for event in ledger.events(kind="budget alert")]
    assert told == [
        {"account": "team:a", "of": "runs", "used": "4", "cap": "5"},
        {"account": "team:a", "of": "money", "used": "9.94 USD", "cap": "10.00 USD"},
    ]
    assert ledger.account("team:a").alerts == ("runs", "money")


def test_a_cap_that_is_changed_is_alerted_anew_and_no_other(ledger: Ledger) -> None:
    ledger.set_budget("team:a", money=Money.of(5), runs=5)
    for number in range(4):
        plan(ledger, str(number))
    ledger.set_budget("team:a", money=Money.of(5), runs=6)
    plan(ledger, "4")
    told = [event.detail["of"] for event in ledger.events(kind="budget alert")]
    assert sorted(told) == ["money", "runs", "runs"]


def test_a_free_job_is_no_news_to_a_cap_of_no_money(ledger: Ledger) -> None:
    ledger.set_budget("team:a", money=Money.of(0))
    plan(ledger, bound=None)
    assert ledger.events(kind="budget alert") == []


def test_three_retries_are_four_attempts_under_one_correlation_with_timings(
    ledger: Ledger, fake: Fake
) -> None:
    fake.faults["submit"] = [TransientError("busy", wait=7.0)] * 3
    job = plan(ledger, correlation="c-1")
    began = ledger.clock.now()
    ended = finish(ledger, fake, job)
    assert ended.state is JobState.DONE
    attempts = ledger.attempts(job.id)
    assert [one.state for one in attempts] == [AttemptState.NOTHING_DONE] * 3 + [
        AttemptState.ACCEPTED
    ]
    assert all(one.seconds is not None and one.seconds >= 0 for one in attempts)
    assert ledger.clock.now() - began >= 21.0
    assert {event.correlation for event in ledger.events(job.id)} == {"c-1"}
    assert len(ledger.events(job.id, kind="submission failed")) == 3


def test_after_the_last_attempt_a_job_fails_and_its_money_is_free(
    database: Database, clock: ManualClock, fake: Fake
) -> None:
    ledger = Ledger(database, clock, retry=Retry(attempts=2), patience=Patience(failures=99))
    fake.dead = True
    job = finish(ledger, fake, plan(ledger))
    assert (job.state, job.cause) == (JobState.FAILED, Cause.SERVICE)
    assert fake.calls["submit"] == 2
    account = ledger.account("team:a")
    assert (account.held.money, account.spent.money, account.spent.runs) == (0, 0, 0)


def test_a_refusal_ends_the_job_and_frees_its_money(ledger: Ledger, fake: Fake) -> None:
    fake.faults["submit"] = [RefusedError("the circuit has 40 qubits, the device 30")]
    job = finish(ledger, fake, plan(ledger))
    assert (job.state, job.cause, job.settled) == (JobState.REFUSED, Cause.CIRCUIT, True)
    assert ledger.account("team:a").held.money == 0


def test_a_lost_reply_is_cleared_up_under_the_same_key(ledger: Ledger, fake: Fake) -> None:
    fake.faults["submit"] = [UnknownOutcomeError("502"), UnknownOutcomeError("reset")]
    job = finish(ledger, fake, plan(ledger))
    assert job.state is JobState.DONE
    assert len({one.key for one in ledger.attempts(job.id)}) == 1
    assert (len(fake.jobs), fake.calls["submit"]) == (1, 3)


def test_a_lost_reply_is_looked_up_after_the_settle_window(ledger: Ledger) -> None:
    fake = Fake(ledger.clock, Lookup.TAG, settle=30.0, lag=20.0)
    fake.faults["submit"] = [UnknownOutcomeError("502")]
    job = plan(ledger)
    ledger.advance(job.id, fake)
    waiting = ledger.advance(job.id, fake)
    assert waiting.wait == pytest.approx(30.0)
    assert fake.calls["find"] == 0
    assert finish(ledger, fake, job).state is JobState.DONE
    assert (len(fake.jobs), fake.calls["submit"]) == (1, 1)


def test_a_request_that_never_arrived_is_sent_again_under_another_tag(ledger: Ledger) -> None:
    fake = Fake(ledger.clock, Lookup.TAG, settle=30.0)
    fake.faults["submit"] = ["late"]
    job = plan(ledger)
    ledger.advance(job.id, fake)
    fake.late.clear()
    assert finish(ledger, fake, job).state is JobState.DONE
    states = [(one.state, one.key[-2:]) for one in ledger.attempts(job.id)]
    assert states == [(AttemptState.ABSENT, "-1"), (AttemptState.ACCEPTED, "-2")]


@pytest.mark.parametrize(("lookup", "settle"), [(Lookup.NONE, 5.0), (Lookup.TAG, None)])
def test_what_cannot_be_known_is_ambiguous_and_never_sent_again(
    ledger: Ledger, lookup: Lookup, settle: float | None
) -> None:
    fake = Fake(ledger.clock, lookup, settle)
    fake.faults["submit"] = [UnknownOutcomeError("502")]
    job = finish(ledger, fake, plan(ledger))
    assert job.state is JobState.AMBIGUOUS
    for _ in range(5):
        assert isinstance(ledger.clock, ManualClock)
        ledger.clock.advance(1e6)
        assert ledger.advance(job.id, fake).wait is None
    assert fake.calls["submit"] == 1
    assert ledger.account("team:a").held.money == DOLLAR.micros
    assert [event.kind for event in ledger.events(alarms=True)] == ["ambiguous"]


def test_a_refusal_does_not_make_up_for_an_unknown_outcome(ledger: Ledger, fake: Fake) -> None:
    fake.faults["submit"] = [UnknownOutcomeError("502"), RefusedError("credentials expired")]
    job = finish(ledger, fake, plan(ledger))
    assert job.state is JobState.AMBIGUOUS
    assert ledger.account("team:a").held.money == DOLLAR.micros


def test_an_adapter_that_breaks_while_sending_leaves_doubt(ledger: Ledger) -> None:
    fake = Fake(ledger.clock, Lookup.NONE, None)
    fake.faults["submit"] = [ZeroDivisionError("a bug")]
    job = finish(ledger, fake, plan(ledger))
    assert job.state is JobState.AMBIGUOUS


@pytest.mark.parametrize("kind", [None, 3.0])
def test_ambiguous_jobs_are_resolved_by_people(ledger: Ledger, kind: float | None) -> None:
    fake = Fake(ledger.clock, Lookup.NONE, None)
    fake.faults["submit"] = [UnknownOutcomeError("502")]
    job = finish(ledger, fake, plan(ledger))
    if kind is None:
        resolved = ledger.resolve(job.id, not_accepted=True, who="Ada")
        assert (resolved.state, resolved.settled) == (JobState.CANCELLED, True)
        assert ledger.account("team:a").held.money == 0
    else:
        ledger.resolve(job.id, adopt_job="p1", who="Ada")
        assert finish(ledger, fake, job).state is JobState.DONE
    with pytest.raises(InputError, match="only an ambiguous job"):
        ledger.resolve(job.id, not_accepted=True)


def test_a_person_may_have_it_sent_again(ledger: Ledger) -> None:
    fake = Fake(ledger.clock, Lookup.NONE, None)
    fake.faults["submit"] = ["late"]
    job = finish(ledger, fake, plan(ledger))
    fake.late.clear()
    ledger.resolve(job.id, not_accepted=True, again=True, who="Ada")
    assert finish(ledger, fake, job).state is JobState.DONE
    assert fake.calls["submit"] == 2
    with pytest.raises(InputError, match="decide one thing"):
        ledger.resolve(job.id, adopt_job="p1", not_accepted=True)


def test_a_job_nobody_sent_is_cancelled_for_nothing(ledger: Ledger, fake: Fake) -> None:
    job = plan(ledger)
    ledger.cancel(job.id)
    assert finish(ledger, fake, job).state is JobState.CANCELLED
    assert fake.calls.total() == 0
    assert ledger.account("team:a").held.money == 0


def test_a_waiting_job_is_cancelled_and_freed_when_the_provider_says_so(
    ledger: Ledger, fake: Fake
) -> None:
    fake.queue = 1000.0
    job = plan(ledger)
    ledger.advance(job.id, fake)
    ledger.cancel(job.id)
    assert ledger.account("team:a").held.money == DOLLAR.micros
    ended = finish(ledger, fake, job)
    assert (ended.state, ended.billed) == (JobState.CANCELLED, Money(0))
    assert ledger.account("team:a").held.money == 0


def test_a_deadline_cancels_at_the_provider(ledger: Ledger, fake: Fake) -> None:
    fake.queue = 1e5
    job = plan(ledger, deadline=ledger.clock.now() + 60.0)
    ended = finish(ledger, fake, job)
    assert (ended.state, ended.why) == (JobState.CANCELLED, "its deadline has passed")
    assert ledger.clock.now() < job.planned + 70.0


def test_a_result_after_the_deadline_is_kept(ledger: Ledger, fake: Fake) -> None:
    fake.queue = 10.0
    job = plan(ledger, deadline=ledger.clock.now() + 5.0)
    ledger.advance(job.id, fake)
    assert isinstance(ledger.clock, ManualClock)
    ledger.clock.advance(3600.0)
    assert finish(ledger, fake, job).state is JobState.DONE


@pytest.mark.parametrize("word", ["CANCELLED - RAN TOO LONG", "deleted", "", "RUNNING\x00"])
def test_unknown_words_raise_an_alarm_and_never_loop_for_ever(
    ledger: Ledger, fake: Fake, word: str
) -> None:
    fake.words["*"] = [JobStatus(State.UNKNOWN, word)]
    job = finish(ledger, fake, plan(ledger))
    assert job.state is JobState.AMBIGUOUS
    assert fake.calls["cancel"] == 1
    assert fake.calls["status"] < 200
    assert len(ledger.events(job.id, kind="unknown word")) == 1
    assert ledger.account("team:a").held.money == DOLLAR.micros


def test_running_for_ever_ends_in_doubt_after_the_deadline(ledger: Ledger, fake: Fake) -> None:
    fake.words["*"] = [JobStatus(State.RUNNING, "running")]
    job = finish(ledger, fake, plan(ledger, deadline=ledger.clock.now() + 600.0))
    assert job.state is JobState.AMBIGUOUS
    assert ledger.clock.now() < job.planned + 600.0 + 700.0
    fake.words.clear()
    assert ledger.reconcile(fake).adopted == (job.id,)
    assert finish(ledger, fake, job).state is JobState.DONE


def test_final_states_never_change_and_late_words_are_kept(ledger: Ledger, fake: Fake) -> None:
    fake.words["*"] = [JobStatus(State.FAILED, "failed", "readout error"), JobStatus(State.DONE)]
    job = finish(ledger, fake, plan(ledger))
    assert (job.state, job.cause, job.settled) == (JobState.FAILED, Cause.DEVICE_NOISE, False)
    assert isinstance(ledger.clock, ManualClock)
    ledger.clock.advance(3600.0)
    fake.words["*"] = [JobStatus(State.DONE, "done", billed=DOLLAR)]
    assert ledger.advance(job.id, fake).job.state is JobState.FAILED
    assert len(ledger.events(job.id, kind="late word")) == 1
    assert ledger.job(job.id).billed == DOLLAR


def test_money_of_a_failed_job_is_freed_only_on_the_providers_word(
    ledger: Ledger, fake: Fake
) -> None:
    fake.words["*"] = [JobStatus(State.FAILED, "failed")]
    job = finish(ledger, fake, plan(ledger))
    assert ledger.account("team:a").held.money == DOLLAR.micros
    fake.words["*"] = [JobStatus(State.FAILED, "failed", billed=Money(0))]
    assert isinstance(ledger.clock, ManualClock)
    ledger.clock.advance(3600.0)
    ledger.advance(job.id, fake)
    account = ledger.account("team:a")
    assert (account.held.money, account.spent.money, account.spent.runs) == (0, 0, 1)


def test_a_bill_that_never_comes_raises_one_alarm(ledger: Ledger, fake: Fake) -> None:
    fake.words["*"] = [JobStatus(State.CANCELLED, "cancelled")]
    job = finish(ledger, fake, plan(ledger))
    assert isinstance(ledger.clock, ManualClock)
    for _ in range(60):
        ledger.clock.advance(3600.0)
        assert ledger.advance(job.id, fake).wait is None
    assert [event.kind for event in ledger.events(alarms=True)] == ["bill missing"]


def test_a_bill_beyond_its_bound_is_booked_and_freezes_the_provider(
    ledger: Ledger, fake: Fake
) -> None:
    ledger.set_budget("team:a", money=Money.of(3))
    fake.price = 2_500_000
    job = finish(ledger, fake, plan(ledger))
    assert job.billed == Money.of("2.5")
    account = ledger.account("team:a")
    assert (account.spent.money, account.over) == (1_000_000, 1_500_000)
    assert ledger.costs("team").total[0].billed == 2_500_000
    with pytest.raises(BudgetError, match=r"0\.50 USD of the cap"):
        plan(ledger, "next")
    ledger.set_budget("team:a", money=Money.of(9))
    second = plan(ledger, "next")
    progress = ledger.advance(second.id, fake)
    assert "frozen" in progress.job.why
    assert fake.calls["submit"] == 1
    ledger.thaw("fake", "Ada")
    assert finish(ledger, fake, second).state is JobState.DONE


def test_a_bill_in_another_currency_is_left_to_people(ledger: Ledger, fake: Fake) -> None:
    fake.words["*"] = [JobStatus(State.CANCELLED, "cancelled", billed=Money.of(1, "EUR"))]
    job = finish(ledger, fake, plan(ledger))
    assert not job.settled
    assert ledger.account("team:a").held.money == DOLLAR.micros
    assert [event.kind for event in ledger.events(alarms=True)] == ["bill in another currency"]


def test_nothing_is_sent_that_is_billed_without_a_bound(ledger: Ledger, fake: Fake) -> None:
    job = finish(ledger, fake, plan(ledger, bound=None))
    assert (job.state, fake.calls["submit"]) == (JobState.REFUSED, 0)
    other = finish(ledger, fake, plan(ledger, "euro", bound=Money.of(1, "EUR"), accounts=[]))
    assert (other.state, fake.calls["submit"]) == (JobState.REFUSED, 0)


def simulated(ledger: Ledger, key: str, **settings: object) -> None:
    """Have a simulator run other programs for the same purpose."""
    wanted = {"accounts": [], "bound": None, **settings}
    other = Order((BELL.x(0),), 100, key, "tag")
    job = ledger.plan(other, backend="fake:simulator", **wanted)  # type: ignore[arg-type]
    free = Fake(ledger.clock, device="simulator", currency="")
    assert finish(ledger, free, job).state is JobState.DONE


def test_hardware_is_paid_only_after_a_simulator_ran_the_same(ledger: Ledger) -> None:
    hardware = Fake(ledger.clock, evidence=Evidence.HARDWARE)
    mine: dict[str, object] = {"purpose": {"version": "7", "experiment": "mine"}}
    refused = finish(ledger, hardware, plan(ledger, "too soon", **mine))
    assert refused.state is JobState.REFUSED
    assert "no simulator has run version '7'" in refused.why
    simulated(ledger, "rehearsal", **mine)
    assert finish(ledger, hardware, plan(ledger, "now", **mine)).state is JobState.DONE


def test_programs_that_a_simulator_ran_need_no_version(ledger: Ledger) -> None:
    hardware = Fake(ledger.clock, evidence=Evidence.HARDWARE)
    free = Fake(ledger.clock, device="simulator", currency="")
    finish(ledger, free, plan(ledger, "rehearsal", backend="fake:simulator"))
    assert finish(ledger, hardware, plan(ledger, "now")).state is JobState.DONE


@pytest.mark.parametrize(
    ("simulates", "pays"),
    [
        ({"purpose": {"version": "1", "experiment": "theirs"}}, {"accounts": ["team:a"]}),
        ({"accounts": ["experiment:theirs"]}, {"accounts": ["experiment:mine"]}),
        ({"accounts": ["team:a"]}, {"accounts": ["team:a"]}),
        ({}, {"purpose": {"version": "1", "route": "night"}}),
    ],
)
def test_the_version_of_somebody_else_opens_no_hardware(
    ledger: Ledger, simulates: dict[str, object], pays: dict[str, object]
) -> None:
    plain: dict[str, object] = {"purpose": {"version": "1"}}
    hardware = Fake(ledger.clock, evidence=Evidence.HARDWARE)
    simulated(ledger, "theirs", **{**plain, **simulates})
    job = finish(ledger, hardware, plan(ledger, "mine", **{**plain, **pays}))
    assert (job.state, hardware.calls["submit"]) == (JobState.REFUSED, 0)
    assert "no simulator has run" in job.why


def test_the_version_of_the_same_experiment_is_known_by_its_account(ledger: Ledger) -> None:
    hardware = Fake(ledger.clock, evidence=Evidence.HARDWARE)
    mine: dict[str, object] = {"purpose": {"version": "1"}, "accounts": ["experiment:mine"]}
    simulated(ledger, "rehearsal", **mine)
    assert finish(ledger, hardware, plan(ledger, "now", **mine)).state is JobState.DONE


@pytest.mark.parametrize(
    "spoil",
    [
        lambda result: replace(result, job="another"),
        lambda result: replace(result, readings=()),
        lambda result: replace(
            result, readings=(replace(result.readings[0], bits=np.zeros((2, 3), np.uint8)),)
        ),
    ],
)
def test_a_result_that_cannot_be_one_is_fetched_again_and_then_reclaimed(
    ledger: Ledger, fake: Fake, spoil: object
) -> None:
    fake.spoil = spoil  # type: ignore[assignment]
    job = finish(ledger, fake, plan(ledger))
    assert job.state is JobState.PAID_NO_RESULT
    assert "claim a refund" in job.why
    assert fake.calls["result"] == ledger.patience.fetches
    assert job.billed == DOLLAR
    assert ledger.result(job.id) is None


def test_a_result_that_comes_at_the_second_fetch_counts(ledger: Ledger, fake: Fake) -> None:
    fake.faults["result"] = [ResultError("404"), TransientError("reset"), ValueError("NaN")]
    assert finish(ledger, fake, plan(ledger)).state is JobState.DONE
    assert fake.calls["result"] == 4


def test_fewer_shots_than_ordered_are_remarked(ledger: Ledger, fake: Fake) -> None:
    def spoil(result: Result) -> Result:
        reading = result.readings[0]
        return replace(result, readings=(replace(reading, occurrences=reading.occurrences - 1),))

    fake.spoil = spoil
    job = finish(ledger, fake, plan(ledger))
    assert job.state is JobState.DONE
    [remark] = ledger.events(job.id, kind="odd result")
    assert "100 shots were ordered, 98 came" in remark.detail["remark"]


def test_the_queue_is_told_apart_from_the_run(ledger: Ledger, fake: Fake) -> None:
    fake.queue, fake.run = 7.0, 3.0
    job = finish(ledger, fake, plan(ledger))
    assert (job.queue_seconds, job.run_seconds) == (7.0, 3.0)


def test_names_of_jobs_and_costs_that_are_not_there_are_told(ledger: Ledger) -> None:
    plan(ledger, "1")
    plan(ledger, "2")
    for name in ("", "zz"):
        with pytest.raises(InputError, match="an id that begins with"):
            ledger.job(name)
    with pytest.raises(InputError, match="costs are grouped by"):
        ledger.costs("weather")
    with pytest.raises(InputError, match="no job"):
        ledger.advance("zz", Fake())


def test_costs_by_any_name_sum_to_the_ledgers_total(ledger: Ledger, fake: Fake) -> None:
    for number in range(4):
        purpose = {"outcome": f"route {number % 2}"}
        accounts = [f"experiment:{number % 3}", "team:a"]
        finish(ledger, fake, plan(ledger, str(number), purpose=purpose, accounts=accounts))
    plan(ledger, "open")
    for by in ("job", "experiment", "team", "backend", "purpose.outcome"):
        report = ledger.costs(by)
        [total] = report.total
        assert sum(line.billed for line in report.lines) == total.billed == 4_000_000
        assert sum(line.held for line in report.lines) == total.held == 1_000_000
        assert sum(line.jobs for line in report.lines) == total.jobs == 5
    account = ledger.account("team:a")
    assert (account.spent.money, account.held.money) == (4_000_000, 1_000_000)


def test_events_of_a_job_tell_its_whole_story(ledger: Ledger, fake: Fake) -> None:
    job = finish(ledger, fake, plan(ledger))
    kinds = [event.kind for event in ledger.events(job.id)]
    assert kinds == ["planned", "intended", "submitted", "fetched", "done", "settled"]
    assert ledger.order(job.id).programs[0].gates == order().programs[0].gates  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"bound": Money(2**53)}, r"the bound of a bill is at most 9007199254\.740991 USD, got"),
        ({"deadline": float("nan")}, "deadline is UTC seconds since 1970.*got nan"),
        ({"deadline": float("inf")}, "deadline is UTC seconds since 1970.*got inf"),
        ({"deadline": "tomorrow"}, "deadline is UTC seconds since 1970.*got 'tomorrow'"),
        ({"bound": "5 USD"}, r"bound is an amount of money such as Money.of\(5\).*got '5 USD'"),
        ({"bound": 5.0}, "bound is an amount of money.*got 5.0"),
        ({"purpose": {"gap": {"x": [1.0, float("nan")]}}}, "purpose, gap, x: a number must be fin"),
        ({"purpose": {"of": {1, 2}}}, "purpose, of: a set is no plain data"),
        ({"correlation": "\udc80"}, "correlation holds characters"),
        ({"purpose": {"version": "a\0b"}}, "version holds characters"),
    ],
)
def test_values_that_no_database_keeps_are_told(
    ledger: Ledger, settings: dict[str, object], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        plan(ledger, **settings)  # type: ignore[arg-type]
    assert ledger.jobs() == []


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Order((BELL,), 2**53, "key", "tag"), "shots of all programs together is at most"),
        (Order((BELL,), 1, "key", "tag", {"a": {1, 2}}), "settings of the order, a: a set"),
        (Order((BELL,), 1, "key", "tag", {"a": float("inf")}), "settings.*must be finite, got inf"),
        (Order((BELL,), 1, "\ud800", "tag"), "key holds characters"),
        (Order((BELL,), 1, "key", "\ud800"), "tag holds characters"),
    ],
)
def test_orders_that_no_database_keeps_are_told(ledger: Ledger, wanted: Order, said: str) -> None:
    with pytest.raises(InputError, match=said):
        ledger.plan(wanted, backend="fake:one", bound=None)


def test_as_many_jobs_as_one_likes_may_be_asked_for(ledger: Ledger) -> None:
    plan(ledger)
    assert len(ledger.jobs(limit=10**30)) == 1
