"""The short form of every section: a promise that breaks stops a change."""

from __future__ import annotations

import pytest
from chaos.campaign import Campaign, run_campaign
from chaos.command import SECTIONS, section
from chaos.no_key import doubtful
from chaos.options import Options
from chaos.paid_once import findings
from chaos.places import sqlite

QUICK = Options(quick=True)
#: Below five seconds each.
SHORT = {"fallback", "fan-out"}


def names() -> list[object]:
    return [
        name if name in SHORT else pytest.param(name, marks=pytest.mark.slow) for name in SECTIONS
    ]


@pytest.mark.parametrize("name", names())
def test_every_promise_holds(name: str) -> None:
    said: list[str] = []
    found = section(name)(QUICK, said.append)
    broken = [finding.line() for finding in found if finding.passed is False]
    assert found
    assert not broken, said


@pytest.mark.slow
def test_a_provider_that_promises_keys_and_ignores_them_is_found_out_by_its_books() -> None:
    campaign = Campaign(12, 3, faults=("keys-ignored", "reply-lost-after-accept:0.4"), timeout=1.0)
    with sqlite() as database:
        outcome = run_campaign(campaign, database)
    paid, _ = findings("", campaign, outcome)
    assert outcome.judgement.paid_twice > 0
    assert paid.verdict == "BROKEN"


@pytest.mark.slow
def test_nothing_doubtful_is_no_proof_that_doubt_is_handled() -> None:
    campaign = Campaign(4, 0, keys=False, deadly=0.0)
    with sqlite() as database:
        outcome = run_campaign(campaign, database)
    assert outcome.judgement.unsure == 0
    assert doubtful("", campaign, outcome).verdict == "BROKEN"
