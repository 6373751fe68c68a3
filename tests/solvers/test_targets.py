"""A target or a gap ends every search of Ising models within a round of being reached."""

from typing import Any

import numpy as np
import pytest

from qupel.benchmarks.metrics import primal_gap
from qupel.solvers.classical.annealing import Annealing
from qupel.solvers.classical.genetic import Genetic
from qupel.solvers.classical.local_search import LocalSearch
from qupel.solvers.classical.tabu import Tabu
from qupel.solvers.contract import Incumbent, Stop
from qupel.solvers.inspired.bifurcation import Bifurcation
from qupel.solvers.inspired.tempering import Tempering
from tests.solvers.heuristics import CHOICES, hard, max_cut

SEARCHES = (Annealing(), Tempering(), Tabu(), LocalSearch(), Genetic(), Bifurcation())


class Counted(Stop):
    """Counts how often it was asked after the target was reached."""

    late = 0

    def __call__(self, best: float) -> bool:
        over = Stop.__call__(self, best)
        self.late += over
        return over


@pytest.mark.parametrize("solver", SEARCHES, ids=lambda solver: solver.name)
@pytest.mark.parametrize("quotas", [(), CHOICES], ids=["free", "quotas"])
def test_a_search_ends_in_the_round_that_reaches_its_target(solver: Any, quotas: Any) -> None:
    form, optimum = hard(quotas)
    stop = Counted(target=optimum + 1e-9, rounds=400)
    found = solver.solve(form, stop=stop, rng=np.random.default_rng(1))
    assert found.energies[0] == pytest.approx(optimum, abs=1e-9)
    assert stop.asked < 400
    assert stop.late == 1


@pytest.mark.parametrize(
    "solver", [Annealing(), Tempering(), Tabu()], ids=lambda solver: solver.name
)
def test_a_gap_of_two_percent_ends_a_search_early_and_is_kept(solver: Any) -> None:
    form, best = max_cut("G14")
    seen: list[float] = []

    def note(event: Any) -> None:
        if isinstance(event, Incumbent):
            seen.append(event.energy)

    stop = Counted(target=-0.98 * best, rounds=2000)
    found = solver.solve(form, stop=stop, rng=np.random.default_rng(1), on_event=note)
    assert stop.asked < 100
    assert primal_gap(-float(found.energies[0]), best) <= 0.02
    assert min(seen) == pytest.approx(float(found.energies[0]))
