"""Accounts, and tokens that expire."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field

from qupel.backends.emulator.hooks import Denied


@dataclass(slots=True)
class Accounts:
    """Who may ask, and with which token.

    Attributes
    ----------
    seed
        Tokens follow from it: a script of calls meets the same ones again.
    lifetime
        Seconds a token is valid; infinity for ever.
    """

    seed: int
    lifetime: float = math.inf
    _valid: dict[str, tuple[str, float]] = field(default_factory=dict, repr=False)
    _secrets: dict[str, str] = field(default_factory=dict, repr=False)
    _issued: int = 0

    def open(self, account: str, now: float, token: str | None = None) -> str:
        """Open an account and return its first token; ``token`` is taken if one is given."""
        self._secrets[self._made(f"secret/{account}")] = account
        return self._issue(account, now, token)

    def secret(self, account: str) -> str:
        """What an account is given a new token for; it does not expire."""
        return self._made(f"secret/{account}")

    def renew(self, secret: str, now: float) -> tuple[str, float]:
        """Return a new token for an account's secret, and when it expires."""
        account = self._secrets.get(secret)
        if account is None:
            raise Denied(401, "unauthorized", "this secret belongs to no account")
        token = self._issue(account, now, None)
        return token, self._valid[token][1]

    def who(self, token: str, now: float) -> str:
        """Account of a token."""
        account, until = self._valid.get(token, ("", 0.0))
        if not account:
            raise Denied(401, "unauthorized", "this token belongs to no account")
        if now >= until:
            raise Denied(401, "token-expired", "this token has expired; ask for a new one")
        return account

    def expire(self, now: float) -> None:
        """Let every token end now."""
        self._valid = {
            token: (account, min(until, now)) for token, (account, until) in self._valid.items()
        }

    def _issue(self, account: str, now: float, token: str | None) -> str:
        self._issued += 1
        held = token or self._made(f"token/{account}/{self._issued}")
        self._valid[held] = (account, now + self.lifetime)
        return held

    def _made(self, words: str) -> str:
        return hashlib.sha256(f"{self.seed}/{words}".encode()).hexdigest()[:32]
