"""Addresses of hosts: which can be used, which may be, and those that the environment names."""

from __future__ import annotations

import ipaddress
import os
from urllib.parse import SplitResult, urlsplit

from qupel.backends.secrets import cleaned
from qupel.errors import InputError

#: Hosts that this machine may talk to, by name and separated by commas; any host if it is unset.
HOSTS_VARIABLE = "QUPEL_ALLOWED_HOSTS"
_FORM = "an address is https://host[:port][/path], or http:// on this machine"


def address_in(variable: str, usual: str = "") -> str:
    """Address that a variable of the environment names; ``usual`` where it is unset.

    A variable that is set but empty is an error: what was meant for an emulator must not go to
    the provider by a slip of a script.

    Raises
    ------
    InputError
        Naming the variable, what it holds as far as that may be shown, and the remedy.
    """
    held = os.environ.get(variable)
    if held is None and usual:
        return usual
    given = (held or "").strip()
    if not given:
        what = "is not set" if held is None else "is set, but empty"
        other = f"; unset it for {usual}" if usual else ""
        raise InputError(f"{variable} {what}: {_FORM}{other}")
    try:
        checked_address(given)
    except InputError as error:
        raise InputError(f"{variable} is {shown(given)!r}: {error}; set {variable} anew") from None
    return given


def checked_address(base_url: str, hosts: frozenset[str] = frozenset()) -> SplitResult:
    """The parts of an address, whose host is among ``hosts`` and those of the environment.

    Raises
    ------
    InputError
        If it cannot be used or its host is not allowed; no part that may be secret is shown.
    """
    try:
        address = urlsplit(base_url)
        _ = address.port
    except ValueError:
        raise InputError(f"{_FORM}; the port is a number up to 65535") from None
    host = address.hostname or ""
    if address.scheme not in ("http", "https"):
        raise InputError(f"{_FORM}; this one does not start so")
    if not host or not is_plain(base_url):
        raise InputError(f"{_FORM}; this one has {'odd characters' if host else 'no host'}")
    if address.username or address.password or address.query or address.fragment:
        raise InputError("an address holds no credentials and no query; they come from elsewhere")
    if address.scheme == "http" and not _is_loopback(host):
        raise InputError(f"{host} is not this machine, so its address must start with https://")
    allowed = os.environ.get(HOSTS_VARIABLE)
    named = None if allowed is None else {name.strip().lower() for name in allowed.split(",")}
    if (hosts and host not in hosts) or (named is not None and host not in named):
        raise InputError(
            f"host {host!r} is not allowed; allow it in {HOSTS_VARIABLE}, or ask another"
        )
    return address


def is_plain(text: str) -> bool:
    """Whether a text is printable ASCII without blanks."""
    return text.isascii() and text.isprintable() and " " not in text


def shown(address: str) -> str:
    """An address as it may be shown: without a user, a password and a query."""
    before, at, after = address.partition("?")[0].partition("#")[0].rpartition("@")
    scheme = f"{before.partition('://')[0]}://***@" if at else ""
    return f"{cleaned(scheme + after):.80}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
