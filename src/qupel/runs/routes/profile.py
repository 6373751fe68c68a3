"""Profiles: which instances a quantum step is tried on, as rules over what can be measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qupel.errors import InputError


@dataclass(frozen=True, slots=True)
class Rule:
    """One measure and the range it must lie in.

    Attributes
    ----------
    measure
        Name of a measure; see `measures`.
    at_least, at_most
        The range, both ends included; None for no end.
    """

    measure: str
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        if not self.measure or (self.at_least is None and self.at_most is None):
            raise InputError("a rule needs a measure, and at_least, at_most or both")
        if None not in (self.at_least, self.at_most) and self.at_least > self.at_most:  # type: ignore[operator]
            raise InputError(
                f"no {self.measure} is at least {self.at_least} and at most {self.at_most}"
            )

    def objection(self, measured: Mapping[str, float]) -> str | None:
        """Why an instance breaks this rule, None if it does not."""
        value = measured.get(self.measure)
        if value is None:
            return f"the instance has no measure {self.measure!r}"
        if self.at_least is not None and value < self.at_least:
            return f"{self.measure} is {value:g}, below {self.at_least:g}"
        if self.at_most is not None and value > self.at_most:
            return f"{self.measure} is {value:g}, above {self.at_most:g}"
        return None


@dataclass(frozen=True, slots=True)
class Profile:
    """Rules that all must hold; without a rule every instance fits.

    Attributes
    ----------
    rules
        Looked at in order; the first one broken is the reason given.
    """

    rules: tuple[Rule, ...] = ()

    def objection(self, measured: Mapping[str, float]) -> str | None:
        """Why an instance is none for the quantum step, None if it is one."""
        found = (rule.objection(measured) for rule in self.rules)
        return next((why for why in found if why is not None), None)


def measures(problem: Any) -> dict[str, float]:
    """What an instance measures, by name.

    Of its form ``variables``, ``interactions``, ``constraints`` and ``density`` (interactions per
    pair of variables); of its document ``document.<field>``: a number, or the length of a list.
    """
    from qupel.encodings.encoded import Size

    form = problem.form()
    size = Size.of(form)
    pairs = size.variables * (size.variables - 1) / 2
    found = {
        "variables": float(size.variables),
        "interactions": float(size.interactions),
        "constraints": float(size.constraints),
        "density": size.interactions / pairs if pairs else 0.0,
    }
    for name, value in problem.document().items():
        if isinstance(value, list | tuple | Mapping):
            found[f"document.{name}"] = float(len(value))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[f"document.{name}"] = float(value)
    return found
