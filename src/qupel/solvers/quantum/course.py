"""What searches for angles share: evaluations counted under a stop rule, and descent."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol, TypeVar

import numpy as np
from jaxtyping import Float64

from qupel.simulators.subspace import Subspace
from qupel.solvers.contract import Stop

#: Seconds that loading the optimiser takes in a fresh process, generously.
LOADING = 0.5

T = TypeVar("T")


class Circuit(Protocol):
    """What is searched: a simulator that tells energies, slopes, and how long a layer takes."""

    spread: float
    subspace: Subspace

    def energy(self, gammas: Any, betas: Any) -> float:
        """Return the expected cost."""
        ...

    def energy_and_gradient(self, gammas: Any, betas: Any) -> tuple[float, Any, Any]:
        """Return the expected cost and its derivatives, in the shapes of the angles."""
        ...

    def cvar(self, gammas: Any, betas: Any, alpha: float) -> float:
        """Return the expected cost of the best share ``alpha`` of outcomes."""
        ...

    def layer_seconds(self) -> float:
        """Rough seconds of one layer with its gradient."""
        ...


class EndedError(Exception):
    """The stop rule or the deadline ended the search."""


class CappedError(Exception):
    """The evaluations allowed are used up."""


@dataclass(slots=True, eq=False)
class Course:
    """Evaluations of a circuit, one a round, under a stop rule and a cap.

    Attributes
    ----------
    stop
        Asked after every evaluation.
    layer_seconds
        Seconds of one layer with its gradient; raised where one takes longer.
    reserve
        Seconds to leave before the deadline, beyond one evaluation.
    known
        Best energy of any answer at hand, for a stop rule with a target.
    allowed
        Evaluations after which `CappedError` is raised.
    done
        Evaluations so far.
    """

    stop: Stop
    layer_seconds: float
    reserve: float = 0.0
    known: float = math.inf
    allowed: int = 0
    done: int = 0
    _over: bool = field(default=False, init=False)

    def evaluate(self, work: Callable[[], T], layers: int, *, slopes: bool) -> T:
        """Return what ``work`` returns; it is one evaluation of so many layers.

        Raises
        ------
        EndedError
            If there is no time for it, or if the stop rule says so afterwards.
        CappedError
            If no evaluation is allowed any more.
        """
        if self.done >= self.allowed:
            raise CappedError
        # Twice: the state that the shots are drawn from is computed once more.
        expected = 2 * self.layer_seconds * layers
        if self._over or self.stop.seconds_left() < expected + self.reserve:
            raise EndedError
        began = time.monotonic()
        found = work()
        if slopes:
            # A slow moment only makes later estimates more careful.
            taken = (time.monotonic() - began) / layers
            self.layer_seconds = max(self.layer_seconds, taken)
        self.done += 1
        self._over = self.stop(self.known)
        return found

    def check(self) -> None:
        """Raise `EndedError` if the stop rule said so."""
        if self._over:
            raise EndedError

    def has_seconds(self, seconds: float) -> bool:
        """Whether that much time is left beside the reserve."""
        return self.stop.seconds_left() >= seconds + self.reserve


def descend(
    slopes: Callable[[np.ndarray], tuple[float, np.ndarray]],
    start: Float64[np.ndarray, " angles"],
    course: Course,
) -> None:
    """Go down by L-BFGS until the slope is nil or ``course`` allows no more.

    ``slopes`` evaluates through ``course``, in units of about one, and remembers what is best.

    Raises
    ------
    EndedError
        As ``slopes`` raises it, or if there is no time to load the optimiser.
    """
    room = course.allowed - course.done
    if room <= 0:
        return
    if "scipy.optimize" not in sys.modules and not course.has_seconds(LOADING):
        raise EndedError
    from scipy.optimize import minimize

    options: Any = {"maxfun": room, "maxiter": room, "ftol": 1e-8, "gtol": 1e-5}
    with contextlib.suppress(CappedError), one_blas_thread():
        minimize(slopes, start, jac=True, method="L-BFGS-B", options=options)


def interpolated(row: Float64[np.ndarray, " layers"]) -> Float64[np.ndarray, " more"]:
    """Angles of one layer more, read off the straight lines between the given ones.

    References
    ----------
    Zhou, Wang, Choi, Pichler, Lukin (2020), Quantum approximate optimization algorithm:
    performance, mechanism, and implementation, doi:10.1103/PhysRevX.10.021067 (INTERP).
    """
    layers = row.size
    k = np.arange(layers + 1)
    return (k * np.append(0.0, row) + (layers - k) * np.append(row, 0.0)) / layers


def one_blas_thread() -> AbstractContextManager[Any]:
    """Linear algebra on one thread: on a dozen angles, more cost a hundredfold."""
    return _controller().limit(limits=1)


@cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")
