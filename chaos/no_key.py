"""Paid once where the provider knows no keys: by looking after the settle window, or not at all."""

from __future__ import annotations

from dataclasses import replace

from chaos.campaign import Campaign, Outcome, run_campaign
from chaos.finding import Finding
from chaos.options import Options, Say
from chaos.paid_once import details, findings
from chaos.places import places

FAULTS = ("reply-lost-after-accept:0.05", "bad-gateway-after-accept:0.05")
#: Seconds until the provider lists a job, and what it promises.
LAG, PROMISED = 0.3, 0.8


def main(options: Options, say: Say) -> list[Finding]:
    """Run a campaign with a known settle window, and one with none."""
    [(name, place), *_] = places(options, both=False).items()
    known = Campaign(
        orders=options.size(500, 12),
        kills=options.size(125, 3),
        seed=options.seed,
        faults=FAULTS,
        keys=False,
        listing_lag=LAG,
        promised_lag=PROMISED,
        timeout=0.7,
    )
    with place() as database:
        outcome = run_campaign(known, database, say)
    found = findings(f"no key, settle window known, {name}", known, outcome)
    unknown = replace(known, promised_lag=None, orders=options.size(300, 24))
    with place() as database:
        outcome = run_campaign(unknown, database, say)
    return [*found, doubtful(f"no key, settle window unknown, {name}", unknown, outcome)]


def doubtful(where: str, campaign: Campaign, outcome: Outcome) -> Finding:
    """The promise that nothing is sent again of which nobody knows whether it was accepted."""
    seen = outcome.judgement
    again, doubt = seen.unsure_sent_again, seen.unsure_ambiguous
    share = 100.0 * doubt / seen.unsure if seen.unsure else 0.0
    return Finding(
        promise=f"paid once: {where}",
        target="100 % of the doubtful ambiguous, 0 sent again, 0 billed twice",
        figure=f"{share:.4g} % ambiguous, {again} sent again, {seen.paid_twice} billed twice",
        n=f"{campaign.orders} orders, {outcome.kills} kills, {seen.unsure} of unknown fate",
        passed=outcome.ended
        and not outcome.crashes
        and seen.unsure > 0
        and doubt == seen.unsure
        and not (again or seen.paid_twice or seen.ordered_twice or seen.orphans or seen.open),
        seconds=outcome.seconds,
        details=details(outcome),
    )
