from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from qupel.model import Ising, Model, Qubo, Quota, Samples, bits
from qupel.solvers.contract import Solver, Stop, after_rounds
from qupel.solvers.hybrid.search import Found, encoded_for, search
from qupel.solvers.placebo import UniformBits
from qupel.solvers.quantum import Qaoa

PICK = bits("pick", 5)
FORMS: dict[str, Model | Qubo | Ising] = {
    "model": Model(minimise=np.arange(-3.0, 2.0) @ PICK, subject_to=[PICK.sum() == 2]),
    "qubo": Qubo(np.diag([3.0, -1.0, 2.0]), 1.0),
    "quota": Qubo(np.diag([3.0, -1.0, 2.0]), 0.0, [Quota((0, 2), 1)]),
    "ising": Ising(np.array([1.0, -2.0]), np.zeros((2, 2)), 0.0, [Quota((0, 1), 1)]),
}


@pytest.mark.parametrize(
    "solver", [UniformBits(200), Qaoa(layers=1, shots=200)], ids=["bits", "qaoa"]
)
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_rows_come_back_in_the_form_they_were_asked_in(form: Any, solver: Solver[Any]) -> None:
    found = search(
        solver, form, encoded_for(solver, form), stop=Stop(), rng=np.random.default_rng(0)
    )
    assert found.occurrences.sum() == 200
    assert found.feasible.all()
    allowed = {-1, 1} if isinstance(form, Ising) else {0, 1}
    assert set(np.unique(found.values)) <= allowed
    lowest = form.energies(found.values).min()
    assert form.energies(found.best(1))[0] == lowest


def test_the_best_rows_differ_and_feasible_ones_come_first() -> None:
    values = np.array([[0, 0], [0, 1], [0, 1], [1, 1]])
    found = Found(values, np.ones(4, np.int64), np.array([False, True, True, False]))
    assert found.best(3).tolist() == [[0, 1], [0, 0], [1, 1]]


def test_a_solver_that_finds_nothing_gives_no_rows() -> None:
    class Nothing(UniformBits):
        def solve(self, form: Ising, **_: Any) -> Samples:
            return Samples.none(form.variables)

    form = FORMS["qubo"]
    found = search(
        Nothing(),
        form,
        encoded_for(Nothing(), form),
        stop=after_rounds(1),
        rng=np.random.default_rng(0),
    )
    assert len(found.best(3)) == 0
