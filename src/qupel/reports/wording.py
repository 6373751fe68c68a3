"""How a memo writes numbers: a space that does not break stands before a unit."""

from __future__ import annotations

from qupel.benchmarks.figures import Estimate, Rate
from qupel.benchmarks.rule import Kpi

FIRM = "\N{NO-BREAK SPACE}"


def sentence(text: str) -> str:
    """The text with a capital letter and a full stop."""
    ended = text if text.endswith((".", "!", "?")) else f"{text}."
    return ended[:1].upper() + ended[1:]


def named(kpi: Kpi) -> str:
    """The KPI with its unit, if it has one."""
    return f"{kpi.name} ({kpi.unit})" if kpi.unit else kpi.name


def with_unit(number: str, unit: str) -> str:
    """A number and its unit, kept together."""
    return f"{number}{FIRM}{unit}" if unit else number


def interval(estimate: Estimate, unit: str = "", *, digits: int = 3, scale: float = 1.0) -> str:
    """A figure with its interval; a line may break between the two and nowhere else."""
    text = with_unit(f"{scale * estimate.value:.{digits}g}", unit)
    if estimate.low is None or estimate.high is None:
        return text
    low, high = (f"{scale * bound:.{digits}g}" for bound in (estimate.low, estimate.high))
    return f"{text} ({low}{FIRM}to{FIRM}{high})"


def rate(known: Rate) -> str:
    """So many per cent of so many."""
    return "–" if known.share is None else f"{100 * known.share:.0f}{FIRM}% of{FIRM}{known.of}"


def percent(share: float | None, digits: int = 3) -> str:
    """A share in per cent; a dash for none."""
    return "–" if share is None else f"{100 * share:.{digits}g}{FIRM}%"


def time_to_solution(value: float | None, low: float) -> str:
    """Seconds, or the lower bound where no run succeeded."""
    return f">{FIRM}{low:.3g}" if value is None else f"{value:.3g}"


def money(value: float | None, currency: str) -> str:
    """An amount with its currency."""
    return "unknown" if value is None else f"{value:.3g}{FIRM}{currency}"


def seconds(value: float) -> str:
    """A duration in seconds."""
    return f"{value:g}{FIRM}s"


def hours(value: float) -> str:
    """A duration in hours, or in minutes or seconds where it is short."""
    if value >= 1:
        return f"{value:.1f}{FIRM}h"
    if value >= 1 / 60:
        return f"{60 * value:.0f}{FIRM}min"
    return f"{3600 * value:.0f}{FIRM}s"
