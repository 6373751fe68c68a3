"""Switching routes at run time: off and on, modes, trials, back, approved.

Every switch holds from the next decision on, in every process on the database, and is written down
with who and why.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from qupel.runs.routes import arms
from qupel.runs.routes.change import Change
from qupel.runs.routes.desk import Desk
from qupel.runs.routes.route import Mode, Route
from qupel.runs.routes.standing import Trial


@dataclass(frozen=True, slots=True, eq=False)
class Switches:
    """The switches of every route.

    Attributes
    ----------
    desk
        Where they are written down, and remembered for a time without a database.
    """

    desk: Desk

    def off(self, name: str, *, who: str, why: str) -> Change:
        """Switch the quantum step off."""
        return self._change(name, "off", who, why, is_on=False)

    def on(self, name: str, *, who: str, why: str) -> Change:
        """Switch the quantum step on again."""
        return self._change(name, "on", who, why, is_on=True)

    def set_mode(self, name: str, mode: Mode, *, who: str, why: str) -> Change:
        """Answer in another mode; `InputError` if the route has no arm for it."""
        arms.arm_for(self.desk.roster().standing(name).route, mode)
        return self._change(name, "mode", who, why or str(mode), mode=str(mode))

    def roll_back(self, name: str, *, who: str, why: str) -> Change:
        """Put the version before the one in force in force again."""
        change = self.desk.roster().roll_back(name, who=who, why=why, at=self.desk.clock.now())
        return self._remembered(change)

    def try_beside(
        self, name: str, candidate: Mode | Route | str, *, who: str, share: float
    ) -> Change:
        """Begin a trial of another mode, or of another version."""
        roster, now = self.desk.roster(), self.desk.clock.now()
        standing = roster.standing(name)
        salt = f"{name} {now}"
        if isinstance(candidate, Route):
            roster.add_version(candidate, at=now)
            candidate = candidate.version
        if candidate in set(Mode):
            arms.arm_for(standing.route, Mode(candidate))
            trial = Trial(Mode(candidate), "", share, salt)
        else:
            other = roster.version(str(candidate))
            trial = Trial(arms.mode_of(other), other.version, share, salt)
        beside = f"{trial.mode} {trial.version[:12]}".strip()
        held = json.dumps({**asdict(trial), "mode": str(trial.mode)})
        return self._change(name, "trial", who, f"{beside} beside, share {share:g}", trial=held)

    def end_trial(self, name: str, *, who: str, why: str) -> Change:
        """End the trial under way."""
        return self._change(name, "trial", who, why, trial="null")

    def approve(self, version: str, *, who: str, why: str) -> Change:
        """Approve a version for hardware; `InputError` if it is the owner who does."""
        change = self.desk.roster().approve(version, who=who, why=why, at=self.desk.clock.now())
        return self._remembered(change)

    def _change(self, name: str, kind: str, who: str, why: str, **row: Any) -> Change:
        roster, now = self.desk.roster(), self.desk.clock.now()
        return self._remembered(roster.change(name, kind, who=who, why=why, at=now, **row))

    def _remembered(self, change: Change) -> Change:
        if change.route in self.desk.roster().names():
            self.desk.remember(self.desk.roster().standing(change.route))
        return change
