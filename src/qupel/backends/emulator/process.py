"""The emulator as a process of its own, for tests that kill what talks to it, or it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from qupel.backends.http import HttpTransport
from qupel.backends.transport import Request
from qupel.errors import RunError

#: Seconds that a process is given to end.
PATIENCE = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Running:
    """An emulator in a process of its own.

    Attributes
    ----------
    url
        Where it is.
    token, secret, admin_token
        See `qupel.backends.emulator.serve.Address`.
    process
        The process; ``process.kill()`` is a crash.
    """

    url: str
    token: str = field(repr=False)
    secret: str = field(repr=False)
    admin_token: str = field(repr=False)
    process: subprocess.Popen[str] = field(repr=False)

    @property
    def port(self) -> int:
        """Its port."""
        return int(self.url.rpartition(":")[2])

    def transport(self) -> HttpTransport:
        """Carries a tenant's requests to it."""
        return HttpTransport(self.url, lambda: {"Authorization": f"Bearer {self.token}"})

    def ask(self, method: str, path: str, document: Any = None) -> Any:
        """Ask something of the administration, such as ``GET /admin/ledger``.

        Raises
        ------
        RunError
            If it says no.
        """
        body = b"" if document is None else json.dumps(document).encode()
        opened = HttpTransport(self.url, lambda: {"Authorization": f"Bearer {self.admin_token}"})
        reply = opened.send(Request(method, path, body, {"Content-Type": "application/json"}))
        if reply.status >= 300:
            raise RunError(f"{method} {path}: HTTP {reply.status} {reply.body[:300]!r}")
        return json.loads(reply.body)

    def ledger(self) -> list[dict[str, Any]]:
        """Every entry of its books up to now."""
        return self.ask("GET", "/admin/ledger")["entries"]

    def advance(self, seconds: float) -> None:
        """Move its clock on."""
        self.ask("POST", "/admin/clock", {"advance": seconds})

    def turn_on(self, scenario: str) -> None:
        """Play a scenario, given as ``NAME`` or ``NAME:RATE``."""
        self.ask("POST", "/admin/scenarios", {"name": scenario})

    def turn_off(self, scenario: str) -> None:
        """Play a scenario no more."""
        self.ask("DELETE", f"/admin/scenarios/{scenario}")


@contextlib.contextmanager
def running_emulator(*options: str) -> Iterator[Running]:
    """Start ``qupel emulator`` with these options on a free port; end it afterwards.

    Raises
    ------
    RunError
        If it does not start, with what it said.
    """
    port = () if "--port" in options else ("--port", "0")
    command = [sys.executable, "-m", "qupel", "emulator", *port, "--json", *options]
    process = subprocess.Popen(  # noqa: S603  # ourselves
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        try:
            assert process.stdout is not None  # noqa: S101  # a pipe was asked for
            line = process.stdout.readline()
            if not line:
                _, said = process.communicate(timeout=PATIENCE)
                raise RunError(f"the emulator did not start: {said.strip()}")
            told = json.loads(line)
            yield Running(told["url"], told["token"], told["secret"], told["admin_token"], process)
        finally:
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """Ask a process to stop, and kill it if it does not."""
    process.terminate()
    try:
        process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
