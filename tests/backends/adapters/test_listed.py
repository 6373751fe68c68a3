"""What providers list under our tags, and how orphans come back into the books from it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from qupel.backends.adapters.azure import Azure
from qupel.backends.adapters.braket_aws import Aws
from qupel.backends.adapters.claims import profile_behind
from qupel.backends.adapters.dwave import Dwave
from qupel.backends.adapters.dwave_sapi import Sapi
from qupel.backends.adapters.ibm import Ibm
from qupel.backends.adapters.ibm_service import Service
from qupel.backends.adapters.ionq import Ionq
from qupel.backends.adapters.neutral import Neutral
from qupel.backends.clock import ManualClock
from qupel.backends.contract import Backend, Order
from qupel.backends.emulator import Provider, Terms, direct, scenario_named
from qupel.backends.transport import Reply, Request, Transport
from qupel.errors import RefusedError, TransientError, UnknownOutcomeError
from qupel.model.circuit import Circuit
from qupel.runs.database import Database
from qupel.runs.ledger import Job, JobState, Ledger
from qupel.runs.ledger.reconcile import Listing
from tests.backends.adapters.clouds import Cloud, FakeAzure, FakeIbm, FakeSapi
from tests.backends.adapters.test_dwave import PLACED

CIRCUITS = (Circuit(2).h(0).cx(0, 1),)
IONQ = "qpu.forte-1"


def order(tag: str, key: str = "") -> Order:
    return Order(CIRCUITS, 100, key or tag, tag)


@dataclass
class Lost:
    """A transport that loses the reply to every submission, after the work was done."""

    inner: Transport
    posts: int = 0

    def send(self, request: Request) -> Reply:
        reply = self.inner.send(request)
        if request.method == "POST" and request.path.endswith("/jobs"):
            self.posts += 1
            raise UnknownOutcomeError("the reply was lost")
        return reply


@dataclass
class World:
    """An emulated provider whose replies are lost, and a backend in front of it."""

    provider: Provider
    clock: ManualClock
    lost: Lost
    backend: Neutral | Ionq

    def ended(self, ledger: Ledger, job: Job) -> Job:
        for _ in range(300):
            progress = ledger.advance(job.id, self.backend)
            if progress.wait is None:
                return progress.job
            self.clock.advance(progress.wait)
        raise AssertionError(f"{job.id} did not end: {progress}")


def world(protocol: str, **terms: Any) -> World:
    clock = ManualClock()
    provider = Provider(Terms(keys=False, **terms), clock)
    if protocol == "neutral":
        lost = Lost(direct(provider))
        return World(provider, clock, lost, Neutral("ideal", lost))
    lost = Lost(direct(provider, prefix="/v0.4"))
    return World(provider, clock, lost, Ionq(IONQ, lost, profile_behind("ionq", IONQ)))


def restored(tmp_path: Path, here: World) -> tuple[Ledger, Job]:
    """A ledger from before a job that the provider accepted, and the job that it forgot."""
    with Database.open(tmp_path / "there") as database:
        Ledger(database, here.clock)
        database.engine.dispose()
        shutil.copy(tmp_path / "there" / "qupel.db", tmp_path / "backup.db")
        ledger = Ledger(database, here.clock)
        job = plan(ledger, here)
        while not here.lost.posts:
            here.clock.advance(ledger.advance(job.id, here.backend).wait or 0.0)
    return Ledger(Database.open(tmp_path / "backup.db"), here.clock), job


def plan(ledger: Ledger, here: World) -> Job:
    name = f"{here.backend.provider}:{here.backend.device}"
    bound = here.backend.estimate(order("tag", "work")).cost
    return ledger.plan(order("tag", "work"), backend=name, accounts=["team:a"], bound=bound)


@pytest.mark.parametrize("protocol", ["neutral", "ionq"])
def test_an_orphan_is_adopted_and_billed_once_and_nothing_is_sent_again(
    tmp_path: Path, protocol: str
) -> None:
    here = world(protocol)
    ledger, forgotten = restored(tmp_path, here)
    assert ledger.jobs() == []
    found = ledger.reconcile(here.backend)
    [job] = here.provider.jobs
    assert (found.orphans, found.seconds, found.lists) == ((job,), (), True)
    assert ledger.reconcile(here.backend).orphans == ()
    # Whoever plans that work again finds it accepted.
    again = plan(ledger, here)
    assert again.id == forgotten.id
    ended = here.ended(ledger, again)
    assert (ended.state, ended.settled) == (JobState.DONE, True)
    here.clock.advance(86_400.0)
    assert ledger.reconcile(here.backend).orphans == ()
    [bill] = [b.amount for b in here.provider.ledger() if b.amount and b.amount.micros]
    assert ended.billed == bill
    assert ledger.account("team:a").spent.money == bill.micros
    assert (here.lost.posts, len(here.provider.jobs)) == (1, 1)
    ledger.database.close()


def test_an_orphan_that_is_listed_late_is_found_once_it_is(tmp_path: Path) -> None:
    here = world("neutral", listing_lag=600.0)
    ledger, _ = restored(tmp_path, here)
    assert ledger.reconcile(here.backend).orphans == ()
    here.clock.advance(600.0)
    assert len(ledger.reconcile(here.backend).orphans) == 1
    assert here.lost.posts == 1
    ledger.database.close()


def test_a_provider_that_lists_nothing_is_reconciled_without_orphans(tmp_path: Path) -> None:
    here = world("neutral", listing=False)
    with pytest.raises(RefusedError, match="lists no jobs"):
        here.backend.listed("qupel-")
    ledger, _ = restored(tmp_path, here)
    found = ledger.reconcile(here.backend)
    assert (found.orphans, found.lists) == ((), False)
    ledger.database.close()


@pytest.mark.parametrize("protocol", ["neutral", "ionq"])
def test_all_pages_are_read_and_others_jobs_left_out(protocol: str) -> None:
    cloud = Provider(Terms(page=2), ManualClock())
    names = ("ideal", "noisy") if protocol == "neutral" else (IONQ, "simulator")
    prefix = "" if protocol == "neutral" else "/v0.4"
    carrier = direct(cloud, prefix=prefix)
    backends: list[Neutral | Ionq] = [
        Neutral(name, carrier)
        if protocol == "neutral"
        else Ionq(name, carrier, profile_behind("ionq", name))
        for name in names
    ]
    first, second = backends
    count = 5 if protocol == "neutral" else 103
    jobs = [(first.submit(order(f"mine-{k}")), f"mine-{k}") for k in range(count)]
    first.submit(order("another"))
    there = second.submit(order("mine-there"))
    assert sorted(first.listed("mine-")) == sorted(jobs)
    assert second.listed("mine-") == [(there, "mine-there")]


def ibm(cloud: FakeIbm) -> Ibm:
    return Ibm("ibm_fez", Service(cloud, "ibm_fez"), profile_behind("ibm", "ibm_fez"))


def ibm_filled() -> FakeIbm:
    here = {"backend": "ibm_fez"}
    jobs = {f"j{k}": {"tags": ["x", f"mine-{k}"], **here} for k in range(401)}
    jobs |= {"other": {"tags": ["another"], **here}, "bare": {"tags": [], **here}}
    return FakeIbm(jobs=jobs | {"there": {"tags": ["mine-there"], "backend": "ibm_kingston"}})


def dwave(cloud: FakeSapi) -> Dwave:
    name = "Advantage_system4.1"
    return Dwave(name, Sapi(cloud, name), profile_behind("dwave", name))


def dwave_filled() -> FakeSapi:
    named = [("Advantage_system4.1", f"mine-{k}") for k in range(3)]
    named += [("Advantage_system4.1", "another"), ("Advantage2_system1", "mine-there")]
    jobs: dict[str, dict[str, Any]] = {
        f"j{k}": {"solver": {"name": solver}, "label": label}
        for k, (solver, label) in enumerate(named)
    }
    jobs["j5"] = {"solver": "Advantage_system4.1", "label": None}
    return FakeSapi(jobs=jobs)


def azure(cloud: FakeAzure) -> Azure:
    device = "quantinuum.qpu.h2-1"
    profile = profile_behind("azure", device)
    return Azure(device, cloud, "/workspaces/w", cloud.storage, profile)


def azure_filled() -> FakeAzure:
    jobs: dict[str, dict[str, Any]] = {
        f"j{k}": {"target": "quantinuum.qpu.h2-1", "metadata": {"qupel_tag": f"mine-{k}"}}
        for k in range(3)
    }
    jobs["other"] = {"target": "quantinuum.qpu.h2-1", "metadata": None}
    jobs["there"] = {"target": "ionq.simulator", "metadata": {"qupel_tag": "mine-there"}}
    return FakeAzure(jobs={name: {"id": name, **job} for name, job in jobs.items()})


CLOUDS: dict[str, tuple[Callable[[Any], Any], Callable[[], Cloud], int]] = {
    "ibm": (ibm, ibm_filled, 401),
    "dwave": (dwave, dwave_filled, 3),
    "azure": (azure, azure_filled, 3),
}


@pytest.mark.parametrize("provider", CLOUDS)
def test_only_jobs_of_the_device_under_our_tags_are_listed(provider: str) -> None:
    opened, filled, count = CLOUDS[provider]
    backend = opened(filled())
    assert isinstance(backend, Backend)
    assert isinstance(backend, Listing)
    assert sorted(backend.listed("mine-")) == sorted((f"j{k}", f"mine-{k}") for k in range(count))


@pytest.mark.parametrize("provider", CLOUDS)
@pytest.mark.parametrize("fault", [401, 429, 500, "lost", "refused", b"<html>", b'{"jobs": 1}'])
def test_a_listing_that_cannot_be_had_is_asked_for_again_later(
    provider: str, fault: int | str | bytes
) -> None:
    opened, filled, _ = CLOUDS[provider]
    cloud = filled()
    cloud.faults = [("(jobs|problems)", fault)]
    with pytest.raises(TransientError):
        opened(cloud).listed("mine-")


def test_what_was_sent_is_listed() -> None:
    sapi = Sapi(FakeSapi(), "s")
    assert sapi.listed("mine-") == []
    job = sapi.post(PLACED, 20, None, "mine-1")
    assert sapi.listed("mine-") == [(job, "mine-1")]
    held: Ibm | Azure
    for held in (ibm(FakeIbm()), azure(FakeAzure())):
        job = held.submit(order("mine-1"))
        assert held.listed("mine-") == [(job, "mine-1")]


@pytest.mark.parametrize(
    "link",
    ["https://evil.example/workspaces/other/jobs?x=1", "/workspaces/w/jobs", 5, "https://h/?x=1"],
)
def test_azure_s_next_page_is_only_looked_for_in_the_workspace(link: Any) -> None:
    class Odd(FakeAzure):
        def answer(self, request: Request) -> tuple[int, Any]:
            return 200, {"value": [], "nextLink": link}

    cloud = Odd()
    with pytest.raises(TransientError, match="next page"):
        azure(cloud).listed("mine-")
    assert len(cloud.asked) == 1


def test_listings_without_an_end_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    from qupel.backends.adapters import azure as of_azure
    from qupel.backends.adapters import ibm_service

    monkeypatch.setattr(of_azure, "MOST_PAGES", 2)
    monkeypatch.setattr(ibm_service, "MOST_PAGES", 2)
    for backend in (azure(azure_filled()), ibm(ibm_filled())):
        with pytest.raises(TransientError, match="more than 2 pages"):
            backend.listed("mine-")


def test_braket_s_tasks_are_listed_by_their_tags_over_all_pages() -> None:
    asked: list[dict[str, Any]] = []

    class Client:
        def search_quantum_tasks(self, **wanted: Any) -> dict[str, Any]:
            asked.append(wanted)
            tag = {"qupel_tag": f"mine-{len(asked)}"}
            tasks = [{"quantumTaskArn": f"t{len(asked)}", "tags": tag}]
            tasks += [{"quantumTaskArn": "x", "tags": odd} for odd in ({}, {"qupel_tag": "y"})]
            return {"quantumTasks": tasks, **({"nextToken": "n"} if len(asked) < 3 else {})}

    pytest.importorskip("botocore")
    line = Aws("arn", "us-east-1", "bucket", "qupel")
    line._held["braket"] = Client()
    assert line.listed("mine-") == [(f"t{k}", f"mine-{k}") for k in (1, 2, 3)]
    assert all(wanted["filters"][0]["values"] == ["arn"] for wanted in asked)


ODD: dict[str, Any] = {"id": "a\u202eb\0", "name": "other", "status": 5}


@pytest.mark.parametrize("provider", CLOUDS)
@pytest.mark.parametrize("whose", [None, 5, "another", ["another"], {"qupel_tag": 5}])
def test_what_is_not_under_our_tag_may_be_odd(
    monkeypatch: pytest.MonkeyPatch, provider: str, whose: Any
) -> None:
    opened, filled, count = CLOUDS[provider]
    cloud = filled()
    key = {"ibm": "tags", "dwave": "label", "azure": "metadata"}[provider]
    page = {"ibm": "jobs", "azure": "value"}.get(provider)
    inner = cloud.answer

    def answer(request: Request) -> tuple[int, Any]:
        status, told = inner(request)
        jobs = told[page] if page else told
        if isinstance(jobs, list):
            jobs.insert(0, {**ODD, key: whose})
        return status, told

    monkeypatch.setattr(cloud, "answer", answer)
    assert len(opened(cloud).listed("mine-")) == count
    if provider != "azure":
        assert opened(cloud).find(order("mine-1")) == ["j1"]


@pytest.mark.parametrize("protocol", ["neutral", "ionq"])
def test_an_odd_job_of_somebody_else_blocks_no_look_up(protocol: str) -> None:
    here = world(protocol)
    here.provider.stage.turn_on(scenario_named("listing-holds-an-odd-entry"))
    with pytest.raises(UnknownOutcomeError):
        here.backend.submit(order("mine-1"))
    [job] = here.provider.jobs
    assert here.backend.find(order("mine-1")) == [job]
    assert here.backend.listed("mine-") == [(job, "mine-1")]
