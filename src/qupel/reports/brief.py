"""What a memo is told beside the comparison: the words of the charter, and pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Brief:
    """What the memo says that the comparison does not know: the words of the charter.

    Attributes
    ----------
    title, decision, owner, approved_by, hypothesis
        As in the charter.
    bottleneck, share
        The step that is to become better, and its share of the pipeline.
    role
        The one job of the quantum step.
    fallback
        Who answers when the primary does not, in words.
    stop_rule
        In words.
    engineering_metric
        The second number.
    expected_effect
        In percent, as stated before the run.
    created, charter_hash
        When and over what the charter was locked.
    amendments
        Later changes, one text each.
    hours
        Wall-clock hours the cells took.
    complete
        Whether every planned cell has run.
    written
        When the memo's figures were computed, UTC, ISO 8601.
    commands
        Shell commands that repeat the run.
    """

    title: str
    decision: str
    owner: str
    approved_by: str
    hypothesis: str
    bottleneck: str
    share: float
    role: str
    fallback: str
    stop_rule: str
    engineering_metric: str
    expected_effect: float
    created: str
    charter_hash: str
    amendments: tuple[str, ...]
    hours: float
    complete: bool
    written: str
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """The answer itself, drawn."""

    spec: dict[str, Any]
    caption: str
