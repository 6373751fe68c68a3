"""Binary quadratic minimisation: the factor of two, files, parts and planted optima."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.model.bits import bits_of
from qupel.model.formats import read_text
from qupel.model.qubo import Qubo
from qupel.problems.quadratic import Assignment, BinaryQuadratic
from qupel.testing.problem import check_problem
from tests.data import best_known, instances

SMALL = "2 3\n1 1 -5\n1 2 3\n2 2 1\n"


def test_an_off_diagonal_entry_of_a_file_counts_twice(tmp_path: Path) -> None:
    path = tmp_path / "small.sparse"
    path.write_text(SMALL)
    problem = BinaryQuadratic.from_file(path)
    assert problem.name == "small"
    assert problem.judge(Assignment((1, 1))).objective == -5 + 2 * 3 + 1
    assert problem.form().energies(np.array([[1, 1]]))[0] == 2.0


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 8))
def test_the_objective_is_the_matrix_between_the_bits(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = rng.integers(-9, 10, (n, n)).astype(float)
    problem = BinaryQuadratic(matrix)
    x = rng.integers(0, 2, n)
    assert problem.judge(problem.answer(x)).objective == pytest.approx(x @ matrix @ x)
    check_problem(problem, problem.answer(x))


@pytest.mark.parametrize("seed", range(8))
def test_the_planted_assignment_is_the_best_of_all(seed: int) -> None:
    problem, optimum = BinaryQuadratic.random(seed, variables=12)
    energies = problem.form().energies(bits_of(np.arange(2**12), 12))
    assert energies.min() == optimum.objective
    assert problem.judge(optimum.answer).objective == optimum.objective


def test_the_published_optimum_is_the_best_of_all_assignments() -> None:
    form = BinaryQuadratic.from_file(instances("qubo")["gka1b"]).form()
    blocks = np.split(np.arange(2**form.variables), 8)
    low = min(float(form.energies(bits_of(block, form.variables)).min()) for block in blocks)
    assert low == float(best_known("qubo")["gka1b"])


def test_every_public_instance_is_read_and_recognised() -> None:
    rng = np.random.default_rng(0)
    for name, path in instances("qubo").items():
        problem = BinaryQuadratic.from_file(path)
        assert problem.name == name
        bits = rng.integers(0, 2, problem.variables)
        assert problem.judge(problem.answer(bits)).objective == problem.form().energies(bits[None])
        assert BinaryQuadratic.recognises(path, read_text(path)[:4000])


def test_only_plain_qubos_become_problems() -> None:
    assert BinaryQuadratic.of(Qubo(np.triu(np.ones((2, 2))))).variables == 2
    with pytest.raises(InputError, match="offset"):
        BinaryQuadratic.of(Qubo(np.eye(2), offset=1.0))
    with pytest.raises(InputError, match="square"):
        BinaryQuadratic(np.ones((2, 3)))


def test_a_solution_is_one_line_of_bits() -> None:
    problem = BinaryQuadratic(np.eye(3))
    assert problem.write_answer(Assignment((1, 0, 1))) == "101\n"
    with pytest.raises(InputError, match="each of 3 variables"):
        problem.judge(Assignment((1, 0)))
    assert Assignment((1, 0)).to_frame()["value"].tolist() == [1, 0]
