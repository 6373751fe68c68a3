"""The provider's core: acceptance, money, keys, tags, accounts, outages."""

from __future__ import annotations

import pytest

from qupel.backends.contract import State
from qupel.backends.emulator import Outage, Waiting, device_named, direct
from qupel.backends.emulator.hooks import Denied
from qupel.backends.emulator.job import Submission
from qupel.errors import InputError, RefusedError, TransientError, UnknownOutcomeError
from qupel.model.circuit import Circuit
from qupel.model.money import Money
from tests.backends.emulator.stand import annealing, circuits, stand

START = 1_800_000_000.0


def test_a_job_waits_runs_and_is_billed_when_it_is_done() -> None:
    held = stand()
    backend, order = held.backend(), circuits(Circuit(3).x(0), Circuit(1))
    job = backend.submit(order)
    assert backend.status(job).state is State.QUEUED
    held.clock.advance(7.0)
    assert backend.status(job).state is State.RUNNING
    held.clock.advance(1.0)
    status = backend.status(job)
    assert status.state is State.DONE
    assert status.times.queue_seconds == 7.0
    assert status.times.run_seconds == pytest.approx(200 * 1e-5, abs=1e-6)
    assert status.billed == Money.of("0.67")
    assert backend.estimate(order).cost == status.billed


def test_the_ledger_tells_who_was_billed_for_what() -> None:
    held = stand()
    job = held.backend().submit(circuits())
    held.clock.advance(100.0)
    told = [(e.what, e.job, e.account, e.key, e.tag, e.amount) for e in held.provider.ledger()]
    mine = (job, "tenant", "key-1", "tag-1")
    assert told == [
        ("accept", *mine, None),
        ("end", *mine, None),
        ("bill", *mine, Money.of("0.335")),
    ]


def test_the_same_key_gives_the_same_job_and_one_bill() -> None:
    held = stand()
    backend = held.backend()
    assert backend.submit(circuits()) == backend.submit(circuits())
    held.clock.advance(100.0)
    held.provider.catch_up()
    assert len(held.provider.books.of("bill")) == 1


def test_the_same_key_for_another_order_makes_no_job() -> None:
    held = stand()
    held.backend().submit(circuits())
    with pytest.raises(UnknownOutcomeError, match="another order"):
        held.backend().submit(circuits(Circuit(3).x(1)))
    assert len(held.provider.jobs) == 1


def test_a_key_is_forgotten_after_its_time() -> None:
    held = stand(key_seconds=60.0)
    backend = held.backend()
    first = backend.submit(circuits())
    held.clock.advance(59.0)
    assert backend.submit(circuits()) == first
    held.clock.advance(2.0)
    assert backend.submit(circuits()) != first


def test_without_keys_every_submission_is_a_job_and_the_books_show_who_paid_twice() -> None:
    held = stand(keys=False)
    backend = held.backend()
    jobs = [backend.submit(circuits()), backend.submit(circuits())]
    backend.submit(circuits(name="2"))
    held.clock.advance(100.0)
    held.provider.catch_up()
    assert held.provider.books.accepted_twice() == {("tenant", "tag-1"): jobs}
    assert held.provider.books.paid_twice() == {("tenant", "tag-1"): jobs}


def test_jobs_are_found_by_their_tag_after_the_lag_over_several_pages() -> None:
    held = stand(keys=False, listing_lag=5.0, page=2)
    backend = held.backend()
    jobs = {backend.submit(circuits()) for _ in range(5)}
    backend.submit(circuits(name="2"))
    assert backend.find(circuits()) == []
    held.clock.advance(5.0)
    assert set(backend.find(circuits())) == jobs


def test_a_provider_without_listings_says_so() -> None:
    backend = stand(listing=False).backend()
    with pytest.raises(RefusedError, match="lists no jobs"):
        backend.find(circuits())


def test_a_waiting_job_can_be_cancelled_and_costs_nothing() -> None:
    held = stand()
    backend = held.backend()
    job = backend.submit(circuits())
    backend.cancel(job)
    held.clock.advance(100.0)
    assert backend.status(job).state is State.CANCELLED
    assert held.provider.books.billed() == {}


def test_a_running_job_cannot_be_cancelled_any_more() -> None:
    held = stand()
    backend = held.backend()
    job = backend.submit(circuits())
    held.clock.advance(7.0)
    backend.cancel(job)
    held.clock.advance(1.0)
    assert backend.status(job).state is State.DONE


def test_another_account_sees_nothing_of_a_job() -> None:
    held = stand()
    job = held.backend().submit(circuits())
    other = direct(held.provider, held.provider.open_account("other"))
    with pytest.raises(Denied, match="no job"):
        held.provider.job("other", job)
    held.transport = other
    assert held.backend().status(job).state is State.UNKNOWN
    assert held.backend().find(circuits()) == []


def test_a_wrong_token_is_refused() -> None:
    held = stand()
    held.transport = direct(held.provider, "guessed")
    with pytest.raises(RefusedError, match="401"):
        held.backend().submit(circuits())


def test_tokens_expire_and_the_secret_gets_a_new_one() -> None:
    held = stand(token_seconds=60.0)
    job = held.backend().submit(circuits())
    held.clock.advance(61.0)
    with pytest.raises(TransientError, match="token-expired"):
        held.backend().status(job)
    accounts = held.provider.accounts
    token, until = accounts.renew(accounts.secret("tenant"), held.provider.now())
    assert until == START + 121.0
    held.transport = direct(held.provider, token)
    assert held.backend().status(job).state is State.DONE


def test_an_outage_makes_submissions_fail_and_says_when_to_come_back() -> None:
    held = stand(outages=(Outage(START + 10, START + 70),))
    backend = held.backend()
    job = backend.submit(circuits())
    held.clock.advance(10.0)
    with pytest.raises(UnknownOutcomeError, match="503"):
        backend.submit(circuits(name="2"))
    with pytest.raises(TransientError) as failed:
        backend.status(job)
    assert failed.value.wait == 60.0
    held.clock.advance(60.0)
    assert backend.status(job).state is State.DONE
    assert len(held.provider.jobs) == 1


def test_a_device_that_is_off_keeps_its_jobs_waiting_and_others_work_on() -> None:
    held = stand()
    backend, other = held.backend(), held.backend("noisy")
    job = backend.submit(circuits())
    held.provider.add_outage(Outage(START, START + 600, device="ideal"))
    done = other.submit(circuits(name="2"))
    held.clock.advance(60.0)
    assert backend.status(job).state is State.QUEUED
    assert other.status(done).state is State.DONE
    with pytest.raises(UnknownOutcomeError, match="503"):
        backend.submit(circuits(name="3"))
    held.clock.advance(541.0)
    status = backend.status(job)
    assert (status.state, status.times.queue_seconds) == (State.DONE, 600.0)


def test_a_region_that_is_off_takes_its_devices_with_it() -> None:
    devices = (device_named("ideal"), device_named("ionq-forte-1"))
    held = stand(devices=devices)
    held.provider.add_outage(Outage(START, START + 600, region="us-east-1"))
    held.backend().submit(circuits())
    with pytest.raises(UnknownOutcomeError, match="503"):
        held.backend("ionq-forte-1").submit(circuits(name="2"))


def test_an_outage_ends_after_it_starts() -> None:
    with pytest.raises(InputError, match="ends after it starts"):
        Outage(5.0, 5.0)


def test_a_refund_is_booked_and_the_job_costs_nothing_then() -> None:
    held = stand()
    job = held.backend().submit(circuits())
    held.clock.advance(100.0)
    held.provider.refund(job)
    assert held.provider.books.billed() == {"USD": Money(0)}
    assert held.backend().status(job).billed == Money(0)


@pytest.mark.parametrize(
    ("device", "order", "message"),
    [
        ("ideal", circuits(Circuit(21)), "21"),
        ("ideal", annealing(), "circuit"),
        ("ideal", circuits(shots=100_001), "100001"),
        ("ideal", circuits(*[Circuit(1)] * 101), "101"),
        ("nowhere", circuits(), "nowhere"),
    ],
)
def test_what_does_not_fit_is_refused_with_numbers(
    device: str, order: object, message: str
) -> None:
    held = stand()
    assert isinstance(order, type(circuits()))
    submission = Submission(device, order.programs, order.shots, order.tag)
    with pytest.raises(Denied, match=message):
        held.provider.submit("tenant", submission, order.key)
    assert held.provider.ledger() == ()


def test_a_seed_and_a_script_of_calls_replay() -> None:
    def played() -> list[object]:
        held = stand("reply-lost-after-accept:0.3,failed-job-billed,every-other-job-fails", seed=5)
        told: list[object] = []
        for k in range(20):
            order = circuits(Circuit(4).h(0).cx(0, 1).ry(0.3, 2), name=str(k))
            try:
                job = held.backend("noisy").submit(order)
            except UnknownOutcomeError as lost:
                told.append(str(lost))
                continue
            held.clock.advance(13.0)
            status = held.backend("noisy").status(job)
            told += [job, status]
            if status.state is State.DONE:
                [reading] = held.backend("noisy").result(job, order).readings
                told += [reading.bits.tobytes(), reading.occurrences.tobytes()]
        return [*told, *held.provider.ledger()]

    first = played()
    assert first == played()
    assert any(isinstance(entry, str) and "closed" in entry for entry in first)


def test_a_queue_of_seven_seconds_changes_no_run_time() -> None:
    runs = []
    for seconds in (0.0, 7.0):
        held = stand(waiting=Waiting(seconds))
        job = held.backend().submit(circuits())
        held.clock.advance(60.0)
        times = held.backend().status(job).times
        assert times.queue_seconds == seconds
        runs.append(times.run_seconds)
    assert runs[0] == pytest.approx(runs[1], abs=1e-6)


def test_time_never_goes_back_at_the_provider() -> None:
    held = stand()
    job = held.backend().submit(circuits())
    held.clock.advance(60.0)
    assert held.backend().status(job).state is State.DONE
    held.clock.set_wall(START - 3600)
    assert held.backend().status(job).state is State.DONE
