"""A variational loop: what is searched, where, for how much, and what it is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from qupel.errors import InputError
from qupel.model.formats.checked_yaml import read_yaml
from qupel.model.money import Money
from qupel.runs.description import plain
from qupel.runs.identity import digest
from qupel.solvers.quantum.variational import VariationalQaoa

#: Where a loop is tried before it is paid for.
SIMULATOR = "local:statevector"


@dataclass(frozen=True, slots=True)
class Loop:
    """An optimiser that proposes angles, and a backend that measures their cost.

    Attributes
    ----------
    name
        For lists and logs.
    problem
        Instance file; relative paths start at the loop's file.
    backend
        Where the circuits run, as ``provider:device``.
    search
        Settings of `qupel.solvers.quantum.variational.VariationalQaoa`: layers, shots and number
        of evaluations, ``max_shots`` for all of them, tolerance.
    seed
        Of all that is drawn.
    family
        Of the problem, where its file does not tell.
    owner
        Who answers for it; somebody else approves of it where the tier asks for that.
    accounts
        Accounts of the ledger that pay; a cap on shots or money that is reached ends the loop.
    bound
        What one evaluation may cost at most, such as ``0.50 USD``; the backend's own estimate
        if None.
    tier
        Which machines it may use; see `qupel.backends.catalogue.tiers`.
    baseline
        Classical solver that the loop is compared with, with its settings.
    baseline_rounds, baseline_seconds
        Its budget; one that is ended by rounds repeats.
    simulate
        Whether the same loop is run on a simulator of this machine first, for comparison. Real
        hardware is not paid without.
    """

    name: str
    problem: str
    backend: str
    search: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    family: str | None = None
    owner: str = ""
    accounts: tuple[str, ...] = ()
    bound: str | None = None
    tier: str = "local simulator"
    baseline: Mapping[str, Any] = field(default_factory=lambda: {"solver": "tabu"})
    baseline_rounds: int = 100
    baseline_seconds: float = 10.0
    simulate: bool = True

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise InputError("a loop needs a name")
        if not 0 <= self.seed < 2**53:
            raise InputError(f"a seed is a whole number from 0 to below 2**53, got {self.seed}")
        if "solver" not in self.baseline:
            raise InputError("baseline: needs the key 'solver'; `qupel solvers` lists them")
        if self.baseline_rounds < 1 or not self.baseline_seconds > 0:
            raise InputError("baseline_rounds and baseline_seconds must be above 0")
        self.most  # noqa: B018  # raises if it is no sum of money
        self.solver  # noqa: B018  # raises if a setting is wrong

    @property
    def solver(self) -> VariationalQaoa:
        """The search."""
        try:
            return VariationalQaoa(**{**self.search, "backend": self.backend})
        except TypeError as error:
            said = str(error).partition("()")[2].strip() or str(error)
            raise InputError(f"search: {said}") from None

    @property
    def most(self) -> Money | None:
        """What one evaluation may cost at most."""
        return None if self.bound is None else Money.parse(self.bound)

    @property
    def simulated(self) -> Self:
        """The same loop on this machine's simulator, which nobody pays for."""
        return replace(self, backend=SIMULATOR, accounts=(), bound=None)

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        document: dict[str, Any] = plain(asdict(self))
        return document

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild a loop from `document`."""
        return cls(**{**document, "accounts": tuple(document["accounts"])})

    def version(self, problem_hash: str) -> str:
        """Hash of the loop and its data: what is ordered is named by it, and approved under it."""
        return digest([self.document(), problem_hash])


def read_loop(path: Path) -> Loop:
    """Read a loop from YAML.

    Raises
    ------
    InputError
        One line for every fault: file, line, field, what stands there, and the remedy.
    """
    return read_yaml(path, Loop)
