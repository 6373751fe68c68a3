"""An annealer as a solver: one order for reads of an Ising form, energies recomputed here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qupel.backends.contract import Annealing, Program, Result
from qupel.backends.registry import backend_named
from qupel.errors import InputError
from qupel.model import Ising, Samples
from qupel.solvers.contract import OnEvent, Stop, Watch, ignore
from qupel.solvers.quantum.at_once import free_backend, run_now, trivial
from qupel.solvers.quantum.hosted_samples import samples_of


@dataclass(frozen=True, slots=True)
class HostedAnnealing:
    """Have an annealing backend sample the form.

    The backend embeds the form and chooses chain strengths. Reads that break a quota are dropped,
    unless all do. On ``local:annealer`` this is simulated annealing, and its evidence says so.

    Attributes
    ----------
    backend
        Where the form is annealed, as ``provider:device``.
    reads
        Anneals.
    microseconds
        Duration of one; the device's usual one if None.
    """

    name: ClassVar[str] = "hosted-annealing"
    kind: ClassVar[str] = "quantum"
    accepts: ClassVar[type[Ising]] = Ising
    keeps_quotas: ClassVar[bool] = False

    backend: str = "local:annealer"
    reads: int = 1000
    microseconds: float | None = None

    def __post_init__(self) -> None:
        if self.reads < 1:
            raise InputError(f"reads must be at least 1, got {self.reads}")
        if self.microseconds is not None and not 0 < self.microseconds < np.inf:
            raise InputError(f"microseconds must be above 0, got {self.microseconds}")

    @property
    def shots(self) -> int:
        """Reads, under the name that orders and placebos know."""
        return self.reads

    @property
    def evidence(self) -> str:
        """What kind of machine answers: the backend's."""
        return str(backend_named(self.backend).capabilities().evidence)

    def program(
        self, form: Ising, rng: np.random.Generator, *, stop: Stop | None = None
    ) -> tuple[tuple[Program, ...], dict[str, Any]]:
        """Return what to order: the form, and the settings of its order; ``stop`` is not needed."""
        if not form.variables:
            raise InputError(
                "a form without variables needs no annealer; there is nothing to order"
            )
        return (Annealing(form, self.microseconds),), {"seed": int(rng.integers(2**53))}

    def samples(self, form: Ising, result: Result) -> Samples:
        """Return the samples that a result holds, their energies recomputed.

        Raises
        ------
        ResultError
            If the result is not one reading of as many bits as the form has spins.
        """
        return samples_of(form, result)

    def solve(
        self,
        form: Ising,
        *,
        stop: Stop,
        rng: np.random.Generator,
        on_event: OnEvent = ignore,
    ) -> Samples:
        """Take all reads at once.

        Raises
        ------
        InputError
            If the backend bills, or is not on this machine: such an order must be accounted for.
        """
        watch = Watch(on_event)
        backend = free_backend(self.backend)
        if not form.variables:
            return trivial(form, watch)
        programs, settings = self.program(form, rng)
        samples = self.samples(form, run_now(backend, programs, self.reads, settings, stop))
        watch.saw(float(samples.energies[0]))
        return samples
