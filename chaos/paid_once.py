"""Paid once, and nothing lost, at a provider that honours keys."""

from __future__ import annotations

from chaos.campaign import Campaign, Outcome, run_campaign
from chaos.finding import Finding
from chaos.options import Options, Say
from chaos.places import places

#: Every tenth reply to a submission or a question is lost or replaced after the job was accepted.
FAULTS = (
    "reply-lost-after-accept:0.05",
    "bad-gateway-after-accept:0.05",
    "request-arrives-late:0.01",
    "reset-mid-body:0.01",
)


def main(options: Options, say: Say) -> list[Finding]:
    """Run a campaign on every database there is."""
    found = []
    for name, place in places(options).items():
        first = name == "SQLite" or bool(options.database)
        campaign = Campaign(
            orders=options.size(2000 if first else 500, 30),
            kills=options.size(500 if first else 125, 8),
            seed=options.seed,
            faults=FAULTS,
            timeout=1.0,
            stops=0.1,
        )
        with place() as database:
            outcome = run_campaign(campaign, database, say)
        found += findings(f"keyed provider, {name}", campaign, outcome)
    return found


def findings(where: str, campaign: Campaign, outcome: Outcome) -> list[Finding]:
    """Two promises of a campaign in which every order must come to a certain end."""
    seen, ended = outcome.judgement, outcome.ended and not outcome.crashes
    open_jobs = seen.open if outcome.ended else max(seen.open, 1)
    n = f"{campaign.orders} orders, {outcome.kills} kills, {outcome.stops} stops past the lease"
    enough = outcome.kills >= campaign.kills and sum(seen.states.values()) == campaign.orders
    told = details(outcome)
    paid = Finding(
        promise=f"paid once: {where}",
        target="0 billed twice, all jobs done",
        figure=f"{seen.paid_twice} billed twice, {seen.ordered_twice} accepted twice, "
        f"{_states(seen.states)}",
        n=n,
        passed=ended
        and enough
        and not (seen.paid_twice or seen.ordered_twice)
        and seen.states == {"done": campaign.orders}
        and seen.billed == seen.booked,
        seconds=outcome.seconds,
        details=told,
    )
    lost = Finding(
        promise=f"nothing lost: {where}",
        target="0 orphans, 0 open, same sum in both books",
        figure=f"{seen.orphans} orphans, {open_jobs} open, "
        f"{(seen.billed - seen.booked) / 1e6:g} USD apart",
        n=f"{seen.accepted} jobs of the provider",
        passed=ended
        and not (seen.orphans or seen.strangers or seen.open or seen.billed != seen.booked),
        seconds=outcome.seconds,
    )
    return [paid, lost]


def details(outcome: Outcome) -> dict[str, object]:
    """What a campaign saw, as plain data."""
    seen = outcome.judgement
    return {
        "states": seen.states,
        "billed": seen.billed / 1e6,
        "kills by point": dict(sorted(outcome.points.items())),
        "kills": outcome.kills,
        "requests of unknown fate": seen.unsure,
        "errors of processes": outcome.crashes,
        "said": outcome.said if outcome.crashes else "",
    }


def _states(states: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
