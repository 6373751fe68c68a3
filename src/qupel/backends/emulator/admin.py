"""Administration under ``/admin``: the ledger, time travel, scenarios, drift and outages."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any

from qupel.backends.emulator.books import plain_money
from qupel.backends.emulator.hooks import Denied
from qupel.backends.emulator.provider import Provider
from qupel.backends.emulator.scenario import scenario_named, scenarios, unplayed_at_ionq
from qupel.backends.emulator.terms import Outage


def check_token(token: str, wanted: str) -> None:
    """Let nobody in but who has the administrator's token."""
    if not wanted or not hmac.compare_digest(token.encode(), wanted.encode()):
        raise Denied(404, "no-such-page", "there is nothing at this path")


def answer(provider: Provider, method: str, parts: list[str], document: Any) -> tuple[int, Any]:
    """HTTP status and document of an administrator's request."""
    routes: dict[tuple[str, ...], Callable[[], Any]] = {
        ("GET", "ledger"): lambda: _ledger(provider),
        ("GET", "clock"): lambda: {"now": provider.now()},
        ("POST", "clock"): lambda: _travel(provider, _number(document, "advance")),
        ("GET", "scenarios"): lambda: _on(provider),
        ("POST", "scenarios"): lambda: _turn_on(provider, _text(document, "name")),
        ("POST", "outages"): lambda: _outage(provider, document),
        ("POST", "drift"): lambda: provider.drift(
            _text(document, "device"), _number(document, "factor")
        ),
        ("POST", "recalibrate"): lambda: provider.recalibrate(_text(document, "device")),
        ("POST", "refund"): lambda: provider.refund(_text(document, "job")),
        ("POST", "expire-tokens"): lambda: provider.accounts.expire(provider.now()),
    }
    if method == "DELETE" and parts[:1] == ["scenarios"] and len(parts) == 2:
        provider.stage.turn_off(parts[1])
        return 200, _on(provider)
    act = routes.get((method, *parts))
    if act is None:
        raise Denied(404, "no-such-page", f"there is no {method:.10} /admin/{'/'.join(parts):.80}")
    return 200, act() or {}


def _ledger(provider: Provider) -> dict[str, Any]:
    entries = provider.ledger()
    books = provider.books
    return {
        "entries": [entry.to_dict() for entry in entries],
        "billed": {code: plain_money(money) for code, money in books.billed().items()},
        "accepted_twice": list(books.accepted_twice().values()),
        "paid_twice": list(books.paid_twice().values()),
    }


def _travel(provider: Provider, seconds: float) -> dict[str, Any]:
    advance = getattr(provider.clock, "advance", None)
    if advance is None or seconds < 0:
        raise Denied(409, "no-time-travel", "this emulator's clock cannot be moved so")
    advance(seconds)
    return {"now": provider.catch_up()}


def _on(provider: Provider) -> dict[str, Any]:
    return {
        "on": {name: chosen.rate for name, chosen in provider.stage.on.items()},
        "remarks": [unplayed] if (unplayed := unplayed_at_ionq(provider.stage.on.values())) else [],
        "known": list(scenarios()),
    }


def _turn_on(provider: Provider, name: str) -> dict[str, Any]:
    provider.stage.turn_on(scenario_named(name))
    return _on(provider)


def _outage(provider: Provider, document: Any) -> None:
    begin = provider.now() + _number(document, "after", 0.0)
    device, region = (_text(document, name, "") for name in ("device", "region"))
    if device:
        provider.device(device)
    provider.add_outage(Outage(begin, begin + _number(document, "seconds"), device, region))


def _number(document: Any, name: str, usual: float | None = None) -> float:
    value = document.get(name, usual) if isinstance(document, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Denied(422, "bad-request", f"{name} must be a number")
    return float(value)


def _text(document: Any, name: str, usual: str | None = None) -> str:
    value = document.get(name, usual) if isinstance(document, dict) else None
    if not isinstance(value, str):
        raise Denied(422, "bad-request", f"{name} must be a text")
    return value
