"""Tokens that expire: a new one is asked for when the last one ends, by a secret that stays."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field, replace

from qupel.backends.adapters import exchange
from qupel.backends.adapters.documents import mapping, number, text
from qupel.backends.clock import Clock, SystemClock
from qupel.backends.secrets import keep_secret
from qupel.backends.transport import Reply, Request, Transport
from qupel.errors import ResultError, TransientError


@dataclass(slots=True, eq=False)
class Renewing:
    """A transport that brings its own token.

    A request that is refused because the token had ended is not sent again: nothing was done, and
    whoever sent it is told so. The next one brings a new token. The refusal of a token just given
    is passed on: the secret has lost its rights.

    Attributes
    ----------
    transport
        Carries the requests.
    secret
        What a new token is given for.
    clock
        Tells when a token has ended.
    margin
        Seconds before its end from which a token is no longer used.
    """

    transport: Transport
    secret: str = field(repr=False)
    clock: Clock = field(default_factory=SystemClock)
    margin: float = 30.0
    _token: str = field(default="", init=False, repr=False)
    _until: float = field(default=-math.inf, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def send(self, request: Request) -> Reply:
        """Send a request once, after one for a token where that is due."""
        keep_secret(self.secret)
        with self._lock:
            ended = self.clock.now() >= self._until
            if ended:
                self._renew(request.timeout)
            token = self._token
        headers = {**request.headers, "Authorization": f"Bearer {token}"}
        reply = self.transport.send(replace(request, headers=headers))
        if reply.status != 401:
            return reply
        with self._lock:
            if self._token == token:
                self._until = -math.inf
        if ended:  # another new token would fare no better
            return reply
        raise TransientError("the token had ended, and nothing was done; try again", wait=0.0)

    def _renew(self, timeout: float) -> None:
        wish = exchange.post("/v1/token", {"secret": self.secret}, {}, timeout)
        try:
            given = mapping(exchange.ask(self.transport, wish, secret=True), "the reply")
            self._token = text(given.get("token"), "the token")
            keep_secret(self._token)
            ends = given.get("expires")
            self._until = math.inf if ends is None else number(ends, "its end") - self.margin
        except ResultError:  # it may show what was given
            raise TransientError("no new token was given in a form that can be read") from None
        if self._until <= self.clock.now():  # shorter than the margin: good for one request
            self._until = -math.inf
