"""One deployed route, by its name."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qupel.problems.contract import Problem
from qupel.problems.registry import read_problem
from qupel.runs.record import Record
from qupel.runs.routes.book import TRIAL
from qupel.runs.routes.change import Change, Event
from qupel.runs.routes.decision import Decision
from qupel.runs.routes.desk import PATIENCE
from qupel.runs.routes.route import Mode, Route
from qupel.runs.routes.status import Status, status_of

if TYPE_CHECKING:
    from qupel.runs.routes.service import Routes


@dataclass(frozen=True, slots=True)
class DeployedRoute:
    """A route by its name; what it says is looked up anew for each decision.

    Attributes
    ----------
    name
        Of the route.
    routes
        Where it is deployed.
    """

    name: str
    routes: Routes = field(repr=False)

    def read(self, path: Path) -> Problem[Any]:
        """Read an instance file as one of the route's family, in whatever format that reads.

        Raises
        ------
        InputError
            If no such route is known here, or the file holds no instance of its family.
        """
        standing, _ = self.routes.desk.standing(self.name, PATIENCE)
        return read_problem(path, standing.route.family)

    def decide(self, problem: Problem[Any], *, key: str = "", source: str = "") -> Decision:
        """Answer by the route's deadline, whatever becomes of its quantum step.

        Parameters
        ----------
        problem
            An instance of the route's family.
        key
            The caller's name of the decision, by which a trial is split; random if empty.
        source
            Where the problem came from, for its lineage: a file with its hash, say.

        Returns
        -------
        The decision, written down. Where not even a last resort answered, it says so:
        ``answered_by`` is then ``nobody``.

        Raises
        ------
        InputError
            If no such route is deployed, or the problem is of another family.
        TransientError
            If the route is not known on this machine and the database cannot be asked, or the
            desk is closed.
        """
        return self.routes.decide(self.name, problem, key=key, source=source)

    def late(self, decision_id: str) -> Record | None:
        """Return what the quantum step came to after its decision; None if nothing (yet)."""
        return self.routes.late(decision_id)

    def off(self, *, who: str, why: str) -> Change:
        """Switch the quantum step off, from the next decision on."""
        return self.routes.switches.off(self.name, who=who, why=why)

    def on(self, *, who: str, why: str) -> Change:
        """Switch the quantum step on again."""
        return self.routes.switches.on(self.name, who=who, why=why)

    def set_mode(self, mode: Mode | str, *, who: str, why: str) -> Change:
        """Answer in another mode, from the next decision on; `InputError` if it has no arm."""
        return self.routes.switches.set_mode(self.name, Mode(mode), who=who, why=why)

    def rollback(self, *, who: str, why: str) -> Change:
        """Put the version before this one in force again."""
        return self.routes.switches.roll_back(self.name, who=who, why=why)

    def shadow(self, candidate: Mode | Route | str, *, who: str, share: float = 0.0) -> Change:
        """Run a candidate beside; its answers go out for a share of the decisions.

        Parameters
        ----------
        candidate
            Another mode of the version in force, or another version of the route.
        share
            0 for a shadow: what goes out stays as it is. Above 0 for an A/B trial, split by the
            decisions' keys.
        """
        return self.routes.switches.try_beside(self.name, candidate, who=who, share=share)

    def end_trial(self, *, who: str, why: str) -> Change:
        """End the trial under way."""
        return self.routes.switches.end_trial(self.name, who=who, why=why)

    def approve(self, *, who: str, why: str) -> Change:
        """Approve the version in force for hardware; its owner cannot."""
        version = self.routes.desk.roster().standing(self.name).route.version
        return self.routes.approve(version, who=who, why=why)

    def pairs(self) -> list[tuple[Decision, Record]]:
        """Decisions of trials with the record of the arm that did not answer them."""
        return self.routes.desk.book().outcomes(self.name, TRIAL)

    def status(self) -> Status:
        """How the route stands and how it is doing."""
        return status_of(self.routes.desk.database(), self.name)

    def history(self) -> list[Event]:
        """What happened to the route, the oldest first."""
        return self.routes.desk.roster().events(self.name)
