"""Scenarios by name: faults that a provider, its network or its results may have."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from qupel.backends.emulator.hooks import Hooks, Scene
from qupel.errors import InputError, unknown_name

if TYPE_CHECKING:
    from qupel.backends.emulator.provider import Provider

Hook = Literal[
    "on_call", "on_reply", "on_submit", "on_run", "on_status", "on_result", "on_bill", "on_list",
    "on_device",
]  # fmt: skip

#: Modules whose functions are scenarios.
GROUPS = (
    "transport",
    "load",
    "acceptance",
    "listing",
    "lifecycle",
    "results",
    "content",
    "money",
    "device",
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One fault, or a few that come together.

    Attributes
    ----------
    name
        Words joined by hyphens.
    group
        The idea it belongs to.
    about
        One sentence: what happens.
    link
        Public issue that reports it, empty if there is none.
    hooks
        What it does.
    rate
        Share of events that it strikes.
    neutral_only
        Whether it can strike on the neutral protocol only, since IonQ's has nothing of the kind.
    """

    name: str
    group: str
    about: str
    link: str
    hooks: Hooks
    rate: float = 1.0
    neutral_only: bool = False


def scenario(made: Callable[[], Hooks]) -> Callable[[], Hooks]:
    """Mark a function as a scenario: its name, its docstring and the link in that are told."""
    made.__dict__["is_scenario"] = True
    return made


def neutral_only(made: Callable[[], Hooks]) -> Callable[[], Hooks]:
    """Mark a scenario that means nothing on IonQ's protocol."""
    made.__dict__["neutral_only"] = True
    return made


@cache
def scenarios() -> dict[str, Scenario]:
    """Every scenario by name, in the order of the groups."""
    found = {}
    for group in GROUPS:
        module = import_module(f"qupel.backends.emulator.scenarios.{group}")
        for made in vars(module).values():
            if getattr(made, "is_scenario", False) and made.__module__ == module.__name__:
                name = made.__name__.replace("_", "-")
                words = inspect.getdoc(made) or ""
                about, _, rest = words.partition("\n")
                found[name] = Scenario(
                    name,
                    group,
                    about,
                    rest.strip(),
                    made(),
                    neutral_only=getattr(made, "neutral_only", False),
                )
    return found


def scenario_named(text: str) -> Scenario:
    """The scenario that ``NAME`` or ``NAME:RATE`` names.

    Raises
    ------
    InputError
        If there is none of that name, or the rate is not from 0 to 1.
    """
    name, colon, rate = text.partition(":")
    if name not in scenarios():
        raise unknown_name("scenario", name, scenarios())
    try:
        share = float(rate) if colon else 1.0
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise InputError(f"the rate of a scenario is from 0 to 1, got {rate!r} in {text!r}")
    return replace(scenarios()[name], rate=share)


def unplayed_at_ionq(chosen: Iterable[Scenario]) -> str:
    """A sentence on those that cannot strike on IonQ's protocol; empty if all can."""
    names = ", ".join(one.name for one in chosen if one.neutral_only)
    return names and f"on the neutral protocol (/v1) only, never on IonQ's (/v0.4): {names}"


@dataclass(slots=True)
class Stage:
    """The scenarios that are on, and what each remembers.

    Attributes
    ----------
    provider
        The provider they are played at.
    seed
        Chooses which events they strike.
    """

    provider: Provider
    seed: int
    on: dict[str, Scenario] = field(default_factory=dict)
    _memory: dict[str, dict[Any, Any]] = field(default_factory=dict)
    _calls: int = 0

    def count_call(self) -> int:
        """How many requests there were, this one included."""
        self._calls += 1
        return self._calls

    def turn_on(self, chosen: Scenario) -> None:
        """Play a scenario from now on, in place of one of the same name."""
        self.on[chosen.name] = chosen
        self._memory[chosen.name] = {}

    def turn_off(self, name: str) -> None:
        """Play it no more; nothing happens if it is not on."""
        self.on.pop(name, None)

    def play(self, hook: Hook, event: object, value: Any, *about: Any) -> Any:
        """Pass a value through this hook of every scenario that strikes the event, in turn.

        Hooks take the value, what it is about, and a `Scene`; ``on_call`` has no value of its own.
        """
        for chosen in tuple(self.on.values()):
            hooked = getattr(chosen.hooks, hook)
            if hooked is None:
                continue
            rng = random.Random(f"{self.seed}/{chosen.name}/{event}")  # noqa: S311  # not for secrets
            if chosen.rate < 1 and rng.random() >= chosen.rate:
                continue
            memory = self._memory[chosen.name]
            scene = Scene(self.provider, self.provider.now(), rng, memory)
            if hook == "on_call":
                if (found := hooked(*about, scene)) is not None:
                    return found
            elif hook == "on_reply":
                value = hooked(*about, value, scene)
            else:
                value = hooked(value, *about, scene)
        return value
