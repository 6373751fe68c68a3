"""The emulator as a service: everything from settings to a clean stop."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from qupel.backends.emulator.clocks import AcceleratedClock
from qupel.backends.emulator.devices import OWN, device_named
from qupel.backends.emulator.journal import keep_books
from qupel.backends.emulator.provider import Provider
from qupel.backends.emulator.scenario import scenario_named
from qupel.backends.emulator.server import Server
from qupel.backends.emulator.site import Site
from qupel.backends.emulator.terms import Terms
from qupel.backends.emulator.waiting import Waiting
from qupel.errors import InputError

#: The account that the printed token belongs to.
TENANT = "tenant"


@dataclass(frozen=True, slots=True)
class Settings:
    """What `qupel emulator` is told.

    Attributes
    ----------
    port
        0 takes a free one.
    devices
        Names; none for all of the emulator's own.
    scenarios
        ``NAME`` or ``NAME:RATE`` each.
    seed
        Chooses waits, shots, drift and which events are struck.
    queue_seconds, load
        See `Waiting`.
    speed
        Seconds of the emulator in one of the machine's; 0 stands still until moved.
    token
        The tenant's; one follows from the seed if it is empty.
    ledger
        File that keeps the books; None for memory only.
    keys, listing, listing_lag, token_seconds
        See `Terms`.
    """

    port: int = 0
    devices: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()
    seed: int = 0
    queue_seconds: float = 0.0
    load: float = 0.0
    speed: float = 1.0
    token: str = ""
    ledger: Path | None = None
    keys: bool = True
    listing: bool = True
    listing_lag: float = 0.0
    token_seconds: float = float("inf")

    def terms(self) -> Terms:
        """The terms that these settings make."""
        return Terms(
            devices=tuple(device_named(name) for name in self.devices or OWN),
            seed=self.seed,
            waiting=Waiting(self.queue_seconds, self.load),
            keys=self.keys,
            listing=self.listing,
            listing_lag=self.listing_lag,
            token_seconds=self.token_seconds,
        )


@dataclass(frozen=True, slots=True)
class Address:
    """Where a running emulator is, and what opens it.

    Attributes
    ----------
    url
        Of the server.
    token, secret
        The tenant's token, and what a new one is given for.
    admin_token
        Opens ``/admin``; made anew at every start.
    """

    url: str
    token: str = field(repr=False)
    secret: str = field(repr=False)
    admin_token: str = field(repr=False)


def serve(settings: Settings, ready: Callable[[Address], None]) -> None:
    """Run an emulator until SIGINT or SIGTERM.

    Parameters
    ----------
    settings
        What it is told.
    ready
        Called once it listens.

    Raises
    ------
    InputError
        If a name, number or the ledger file cannot be used, or the port is taken.
    """
    if not settings.speed >= 0 or settings.speed == float("inf"):
        raise InputError(f"speed is a number from 0, got {settings.speed}")
    clock = AcceleratedClock(settings.speed)
    provider = Provider(
        settings.terms(), clock, [scenario_named(text) for text in settings.scenarios]
    )
    with contextlib.ExitStack() as stack:
        if settings.ledger is not None:
            journal = keep_books(provider, settings.ledger)
            stack.callback(journal.close)
        token = provider.open_account(TENANT, settings.token or None)
        site = Site(provider, admin_token=secrets.token_hex(16))
        secret = provider.accounts.secret(TENANT)
        asyncio.run(
            _live(
                Server(site, settings.port),
                lambda url: ready(Address(url, token, secret, site.admin_token)),
            )
        )


async def _live(server: Server, ready: Callable[[str], None]) -> None:
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    try:
        await server.start()
    except OSError as error:
        raise InputError(
            f"port {server.port} cannot be used: {error.strerror}; 0 takes a free one"
        ) from error
    ready(server.url)
    await over.wait()
    await server.stop()
