"""Every solver of Ising models keeps its contract on forms of every kind."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
from scipy import sparse

from qupel.model import Ising, Quota, Samples
from qupel.solvers.classical.annealing import Annealing
from qupel.solvers.classical.exhaustive import Exhaustive
from qupel.solvers.classical.genetic import Genetic
from qupel.solvers.classical.greedy import GreedyDescent
from qupel.solvers.classical.local_search import LocalSearch
from qupel.solvers.classical.tabu import Tabu
from qupel.solvers.contract import OnEvent, Solver, Stop, Watch, ignore
from qupel.solvers.inspired.bifurcation import Bifurcation
from qupel.solvers.inspired.path_integral import PathIntegral
from qupel.solvers.inspired.tempering import Tempering
from qupel.testing import ConformanceError, check_solver

HEURISTICS: list[Any] = [
    GreedyDescent(),
    LocalSearch(),
    Tabu(),
    Annealing(),
    Genetic(),
    Tempering(),
    PathIntegral(),
    Bifurcation(),
    Bifurcation(variant="ballistic", blocks=2),
]
rng = np.random.default_rng(7)


def random_form(n: int, density: float, *, whole: bool, quotas: tuple[Quota, ...] = ()) -> Ising:
    picked = np.triu(rng.random((n, n)) < density, 1)
    weights = rng.choice([-1.0, 1.0], (n, n)) if whole else rng.normal(size=(n, n))
    fields = np.zeros(n) if whole else rng.normal(size=n)
    return Ising(fields, np.where(picked, weights, 0.0), 1.25, quotas)


def large_sparse(n: int = 5000) -> Ising:
    ends = np.sort(rng.integers(0, n, (3 * n, 2)), axis=1)
    ends = np.unique(ends[ends[:, 0] < ends[:, 1]], axis=0)
    signs = rng.choice([-1.0, 1.0], len(ends))
    return Ising(np.zeros(n), sparse.coo_array((signs, (ends[:, 0], ends[:, 1])), shape=(n, n)))


ONE_HOT = tuple(Quota(tuple(range(4 * k, 4 * k + 4)), 1) for k in range(3))
SMALL = {
    "fields only": Ising([1.0, -2.0, 0.5], np.zeros((3, 3))),
    "no spin": Ising([], np.zeros((0, 0)), 1.5),
    "nothing at all": Ising(np.zeros(4), np.zeros((4, 4)), -3.0),
    "one spin": Ising([0.3], [[0.0]]),
    "sparse signs": random_form(15, 0.3, whole=True),
    "dense": random_form(14, 1.0, whole=False),
    "fixed size": random_form(14, 1.0, whole=False, quotas=(Quota(tuple(range(14)), 5),)),
    "one-hot and free": random_form(15, 0.5, whole=False, quotas=ONE_HOT),
    "full and empty quotas": random_form(
        9, 0.6, whole=True, quotas=(Quota((0, 2, 4), 3), Quota((1, 3), 0), Quota((), 0))
    ),
}
LARGE = {
    "dense 300": random_form(300, 1.0, whole=False),
    "half of 200": random_form(200, 0.2, whole=False, quotas=(Quota(tuple(range(200)), 100),)),
    "sparse 5000": large_sparse(),
}


@pytest.mark.parametrize("solver", [Exhaustive(), *HEURISTICS], ids=repr)
@pytest.mark.parametrize("form", SMALL.values(), ids=SMALL.keys())
def test_solver_keeps_its_contract_on_small_forms(solver: Solver[Ising], form: Ising) -> None:
    check_solver(solver, form, rounds=4, seconds=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("solver", HEURISTICS, ids=repr)
@pytest.mark.parametrize("form", LARGE.values(), ids=LARGE.keys())
def test_solver_keeps_its_contract_on_large_forms(solver: Solver[Ising], form: Ising) -> None:
    check_solver(solver, form, rounds=12, seconds=0.4)


@dataclass(frozen=True)
class Broken:
    """A solver with one fault at a time."""

    name: ClassVar[str] = "broken"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type] = Ising
    keeps_quotas: ClassVar[bool] = True

    fault: str

    def solve(
        self, form: Ising, *, stop: Stop, rng: np.random.Generator, on_event: OnEvent = ignore
    ) -> Samples:
        watch = Watch(on_event)
        rows = np.ones((1, form.variables), np.int8)
        if self.fault == "seed":
            rows[0] = np.random.default_rng().choice([-1, 1], form.variables)
        if self.fault == "quota":
            rows = np.concatenate([rows, -rows])
        if self.fault == "input":
            form.fields[0] += 1.0
        energies = form.energies(rows)
        watch.saw(float(energies.min()))
        if self.fault == "incumbent":
            watch.saw(float(energies.min()) - 5.0)
        asked = 0
        while not stop(float(energies.min())) or (self.fault == "time" and asked < 200_000):
            asked += 1
        if self.fault == "energy":
            energies = energies - 1.0
        return Samples.of(rows, energies)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("energy", "is claimed to have energy"),
        ("seed", "gave different"),
        ("quota", "break a quota"),
        ("input", "changed its input"),
        ("incumbent", "better than the best sample"),
        ("time", "was overrun|went on for"),
    ],
)
def test_the_suite_names_what_a_broken_solver_breaks(fault: str, sentence: str) -> None:
    members = tuple(range(30))
    form = Ising(np.arange(30.0) % 3, np.zeros((30, 30)), 0.0, [Quota(members, 0)])
    with pytest.raises(ConformanceError, match=sentence):
        check_solver(Broken(fault), form, rounds=3, seconds=0.02)
