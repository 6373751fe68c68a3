"""What the environment holds for providers: secrets, and plain words beside them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from qupel.backends.secrets import keep_secret
from qupel.errors import InputError


def no_headers() -> Mapping[str, str]:
    """No credentials."""
    return {}


def secret_in(variable: str) -> str:
    """A secret from the environment; from now on no text that is passed on holds it.

    Raises
    ------
    InputError
        Naming the variable, if it is unset or holds what no header can.
    """
    secret = os.environ.get(variable, "").strip()
    if not secret:
        empty = " (it is set, but empty)" if variable in os.environ else ""
        raise InputError(f"no credentials: set the environment variable {variable}{empty}")
    if not (secret.isascii() and secret.isprintable()):
        raise InputError(f"{variable} holds characters that no credential has; set it anew")
    keep_secret(secret)
    return secret


def word_in(variable: str, form: str, example: str, usual: str = "") -> str:
    """A word of the environment that is no secret, such as a region; ``usual`` where it is unset.

    Parameters
    ----------
    variable
        Its name.
    form
        Regular expression that the whole word matches.
    example
        A word of that form.
    usual
        In place of a variable that is unset; an error where this is empty too.

    Raises
    ------
    InputError
        Naming the variable, its value and an example.
    """
    held = os.environ.get(variable)
    if held is None and usual:
        return usual
    word = (held or "").strip()
    if not word:
        what = "is not set" if held is None else "is set, but empty"
        raise InputError(f"{variable} {what}: give it a value such as {example}")
    if not re.fullmatch(form, word):
        raise InputError(f"{variable} is {word!r:.80}, not a value such as {example}; set it anew")
    return word


@dataclass(frozen=True, slots=True)
class EnvironmentToken:
    """An ``Authorization`` header, read from the environment anew for every request.

    Attributes
    ----------
    variable
        Environment variable that holds the secret.
    scheme
        Word before it.
    """

    variable: str
    scheme: str = "Bearer"

    def __call__(self) -> Mapping[str, str]:
        """The header."""
        return {"Authorization": f"{self.scheme} {secret_in(self.variable)}"}
