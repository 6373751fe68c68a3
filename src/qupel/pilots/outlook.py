"""The outlook of a pilot: what would run, how long, and with what chance of a decision."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from qupel.benchmarks.power import power
from qupel.pilots.pilot import Prepared, rule_of
from qupel.pilots.plan import entries
from qupel.pilots.tuning import trials_of
from qupel.problems.registry import family
from qupel.runs.pool import processes

#: Spreads of the effect between cases that power is told for, as multiples of the margin.
SPREADS = (0.5, 1.0, 2.0)
#: True effects that power is told for, as multiples of the margin.
EFFECTS = (1.5, 2.0, 3.0)


@dataclass(frozen=True, slots=True)
class Power:
    """Chance that an effect is shown to be beyond the margin; effect and spread in percent."""

    effect: float
    spread: float
    chance: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a pilot would do.

    Attributes
    ----------
    arms
        All arms, the placebos that Qupel adds among them.
    tuning_cells, cells
        Attempts for tuning and for the comparison.
    seconds
        Longest time they can take together on this machine's cores.
    powers
        Chances of showing an effect with the planned cases and seeds.
    """

    pilot: str
    family: str
    cases: tuple[str, ...]
    seeds: tuple[int, ...]
    arms: tuple[str, ...]
    margin: float
    tuning_cells: int
    cells: int
    seconds: float
    powers: tuple[Power, ...]

    def to_json(self) -> dict[str, Any]:
        """The outlook as plain JSON values."""
        return asdict(self)

    def text(self) -> str:
        """The outlook for people."""
        lines = [
            f"{self.pilot}: {len(self.cases)} {self.family} cases, {len(self.seeds)} seeds, "
            f"{len(self.arms)} arms ({', '.join(self.arms)})",
            f"{self.cells} cells to compare and {self.tuning_cells} to tune, "
            f"at most {self.seconds / 60:.1f} min",
            f"margin {self.margin:g} %; chance to show an effect beyond it with "
            f"{len(self.cases)} cases, by the effect's spread between cases:",
        ]
        for effect in dict.fromkeys(known.effect for known in self.powers):
            row = [known for known in self.powers if known.effect == effect]
            chances = ", ".join(f"{100 * p.chance:.0f} % (spread {p.spread:g} %)" for p in row)
            lines.append(f"  effect {effect:g} %: {chances}")
        return "\n".join(lines)


def outlook(prepared: Prepared) -> Outlook:
    """Return the outlook of a pilot that may run."""
    charter, cases = prepared.charter, prepared.cases
    problem = next(iter(cases.compared.values()))
    arms = [entry.arm for entry in entries(charter, problem, {})]
    cells = len(arms) * len(cases.compared) * len(charter.seeds)
    trials = [trials_of(arm, charter, family(charter.family)) for arm in charter.arms]
    tried = sum(len(each) for each in trials if len(each) > 1)
    tuning = tried * min(charter.tuning.cases, len(cases.tuning))
    seconds = cells * charter.budget.seconds
    seconds += tuning * (charter.tuning.seconds or charter.budget.seconds)
    candidates = max(1, sum(arm.has_quantum_step for arm in arms))
    rule = rule_of(charter)
    margin = charter.kpi.margin
    powers = tuple(
        Power(
            effect * margin,
            spread * margin,
            power(
                rule,
                len(cases.compared),
                len(charter.seeds),
                spread * margin,
                effect * margin,
                candidates=candidates,
            ),
        )
        for effect in EFFECTS
        for spread in SPREADS
    )
    return Outlook(
        charter.name,
        charter.family,
        tuple(cases.compared),
        tuple(charter.seeds),
        tuple(arm.name for arm in arms),
        margin,
        tuning,
        cells,
        seconds / processes(None),
        powers,
    )
