"""Listings by which a lost job would be found again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from qupel.backends.emulator.hooks import Denied, Draft, Hooks, Scene
from qupel.backends.emulator.job import EmulatedJob
from qupel.backends.emulator.scenario import scenario
from qupel.backends.emulator.scenarios.replies import on_reply, rewritten


@scenario
def listing_lags() -> Hooks:
    """A job is listed only after up to ten minutes."""

    def hook(draft: Draft, scene: Scene) -> Draft:
        return replace(draft, listed_after=600 * scene.rng.random())

    return Hooks(on_submit=hook)


@scenario
def listing_omits_newest() -> Hooks:
    """A listing leaves its newest job out."""
    return Hooks(on_list=lambda jobs, scene: jobs[1:])


@scenario
def listing_omits_for_good() -> Hooks:
    """A job is never listed."""
    return Hooks(on_submit=lambda draft, scene: replace(draft, hidden=True))


@scenario
def listing_in_any_order() -> Hooks:
    """Jobs are listed in another order every time."""

    def hook(jobs: list[EmulatedJob], scene: Scene) -> list[EmulatedJob]:
        return scene.rng.sample(jobs, len(jobs))

    return Hooks(on_list=hook)


@scenario
def listing_repeats_jobs() -> Hooks:
    """Jobs come twice in a listing, as they do when pages shift between two requests."""
    return Hooks(on_list=lambda jobs, scene: [job for job in jobs for _ in range(2)])


@scenario
def listing_ignores_the_tag() -> Hooks:
    """A listing shows every job of the account, whatever its tag."""

    def hook(jobs: list[EmulatedJob], scene: Scene) -> list[EmulatedJob]:
        accounts = {job.account for job in jobs}
        return [job for job in reversed(scene.provider.jobs.values()) if job.account in accounts]

    return Hooks(on_list=hook)


@scenario
def listing_holds_an_odd_entry() -> Hooks:
    """Every page lists, beside ours, a job whose name and device cannot be read."""

    def add(document: dict[str, Any]) -> None:
        document["jobs"].insert(0, {"id": "a\u202eb\x00", "tag": "another", "device": None})

    return on_reply("list", lambda call, answer, scene: rewritten(answer, add))


@scenario
def listing_fails() -> Hooks:
    """Listings are answered 500."""

    def hook(jobs: list[EmulatedJob], scene: Scene) -> list[EmulatedJob]:
        raise Denied(500, "internal", "listing failed")

    return Hooks(on_list=hook)
