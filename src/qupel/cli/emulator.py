"""`qupel emulator`: a provider on this machine, with queues, prices and faults."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qupel.cli.output import flush, print_document, print_text, say

if TYPE_CHECKING:
    from qupel.backends.emulator.serve import Address


def emulator(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Loopback port; 0 takes a free one.")
    ] = 0,
    device: Annotated[
        list[str] | None,
        typer.Option(help="Device to offer: ideal, noisy, annealer or a profile; may be repeated."),
    ] = None,
    scenario: Annotated[
        list[str] | None,
        typer.Option(help="Fault to play, NAME or NAME:RATE; may be repeated."),
    ] = None,
    list_scenarios: Annotated[
        bool, typer.Option("--list-scenarios", help="Print every fault and what it does.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Chooses waits, shots, drift, faults.")] = 0,
    queue_seconds: Annotated[
        float, typer.Option(min=0, help="How long jobs wait; the mean under --load.")
    ] = 0.0,
    load: Annotated[
        float, typer.Option(help="Share of the devices' time that other tenants take.")
    ] = 0.0,
    speed: Annotated[
        float, typer.Option(min=0, help="Its seconds in one of ours; 0 stands still until moved.")
    ] = 1.0,
    token: Annotated[str, typer.Option(help="The tenant's token; made from the seed.")] = "",
    ledger: Annotated[
        Path | None, typer.Option(help="File that keeps its books; goes on with one that is there.")
    ] = None,
    keys: Annotated[bool, typer.Option(help="Honour idempotency keys.")] = True,
    listing: Annotated[bool, typer.Option(help="List jobs by tag.")] = True,
    listing_lag: Annotated[float, typer.Option(min=0, help="Seconds until a job is listed.")] = 0.0,
    token_seconds: Annotated[
        float, typer.Option(min=0.001, help="How long a token is valid; for ever by default.")
    ] = float("inf"),
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Be a paid quantum provider on this machine, with its own books, until interrupted."""
    from qupel.backends.emulator.scenario import scenario_named, scenarios, unplayed_at_ionq
    from qupel.backends.emulator.serve import Settings, serve

    if list_scenarios:
        if as_json:
            told = [
                {"name": s.name, "group": s.group, "about": s.about, "link": s.link}
                for s in scenarios().values()
            ]
            print_document({"scenarios": told})
        else:
            print_text("\n".join(f"{s.name:34} {s.about}" for s in scenarios().values()))
        return
    unplayed = unplayed_at_ionq(scenario_named(text) for text in scenario or ())
    if unplayed:
        say(f"strikes {unplayed}")
    settings = Settings(
        port, tuple(device or ()), tuple(scenario or ()), seed, queue_seconds, load, speed, token,
        ledger, keys, listing, listing_lag, token_seconds,
    )  # fmt: skip
    serve(settings, lambda address: _tell(address, as_json=as_json))


def _tell(address: Address, *, as_json: bool) -> None:
    """Print where it listens, at once: whoever started it waits for this line."""
    if as_json:
        print_document(
            {
                "url": address.url,
                "token": address.token,
                "secret": address.secret,
                "admin_token": address.admin_token,
            }
        )
    else:
        print_text(
            f"{address.url} token {address.token} secret {address.secret} "
            f"admin {address.admin_token}"
        )
    flush()
