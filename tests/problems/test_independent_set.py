"""Independent sets: public solutions, conflicts by name, repair, parts and planted optima."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.model.bits import bits_of
from qupel.model.formats import read_text
from qupel.model.graph import Graph
from qupel.problems.independent_set import IndependentSet, NodeSet
from qupel.testing.problem import check_problem
from tests.data import folder, instances, solutions

PATH = IndependentSet(Graph(4, [[0, 1], [1, 2], [2, 3]]), "path")


def random_problem(seed: int, nodes: int) -> IndependentSet:
    rng = np.random.default_rng(seed)
    return IndependentSet(Graph(nodes, np.argwhere(np.triu(rng.random((nodes, nodes)) < 0.4, 1))))


def listed_sizes() -> dict[str, float]:
    """Size of each solution file, as it was recomputed when the data arrived."""
    with (folder("mis") / "best_known.csv").open(encoding="utf-8", newline="") as lines:
        notes = {row["instance"]: row["verified"].split() for row in csv.DictReader(lines)}
    return {name: float(words[2]) for name, words in notes.items() if words[:1] == ["sol"]}


def test_every_public_solution_is_judged_to_its_listed_size() -> None:
    files, found, listed = instances("mis"), solutions("mis"), listed_sizes()
    assert len(found) == len(listed) == len(files)
    for name, path in files.items():
        problem = IndependentSet.from_file(path)
        assert problem.name == name
        assert IndependentSet.recognises(path, read_text(path)[:4000])
        judged = problem.judge(problem.read_answer(read_text(found[name])))
        assert judged.feasible
        assert judged.objective == listed[name]


def test_every_broken_edge_is_named_by_the_numbers_of_the_file() -> None:
    judged = PATH.judge(NodeSet((0, 1, 2)))
    assert not judged.feasible
    assert judged.objective == 3.0
    assert [violation.where for violation in judged.violations] == [
        "nodes 1 and 2",
        "nodes 2 and 3",
    ]


def test_the_form_has_one_row_an_edge() -> None:
    form = PATH.form()
    assert form.rows.toarray().tolist() == [[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]]
    assert form.row_upper.tolist() == [1, 1, 1]
    assert form.energies(np.array([[1, 0, 1, 0]]))[0] == -2.0


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 10))
def test_random_graphs_obey_the_laws(seed: int, nodes: int) -> None:
    problem = random_problem(seed, nodes)
    chosen = problem.answer(np.random.default_rng(seed).integers(0, 2, nodes))
    check_problem(problem, chosen, problem.repair(chosen), NodeSet(()))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 12))
def test_repair_gives_a_set_that_no_node_extends(seed: int, nodes: int) -> None:
    problem = random_problem(seed, nodes)
    chosen = problem.answer(np.random.default_rng(seed).integers(0, 2, nodes))
    mended = problem.repair(chosen)
    assert problem.judge(mended).feasible
    for node in set(range(nodes)) - set(mended.nodes):
        more = NodeSet(tuple(sorted((*mended.nodes, node))))
        assert not problem.judge(more).feasible


def test_polishing_exchanges_one_node_for_two() -> None:
    star = IndependentSet(Graph(4, [[0, 1], [0, 2], [0, 3]]))
    assert star.polish(NodeSet((0,)), np.random.default_rng(0)).nodes == (1, 2, 3)


@pytest.mark.parametrize("seed", range(6))
def test_the_planted_set_is_the_largest_of_all(seed: int) -> None:
    problem, optimum = IndependentSet.random(seed, size=4, clique=4)
    rows = bits_of(np.arange(2**16), 16)
    form = problem.form()
    assert -form.energies(rows[form.feasible(rows)]).min() == optimum.objective == 4


def test_a_part_frees_nodes_around_chosen_ones() -> None:
    problem, _ = IndependentSet.random(2, size=12, clique=5)
    start = problem.polish(NodeSet(()), np.random.default_rng(0))
    part = problem.subproblem(start, 14, np.random.default_rng(0))
    assert part is not None
    assert 2 <= part.start.sum() < part.form.variables <= 14


@pytest.mark.parametrize(
    ("text", "told"),
    [("", "empty"), ("1\n9\n", "solution:2: '9'"), ("1\n1\n", "listed twice"), ("a", "'a'")],
)
def test_malformed_solutions_are_refused_with_line_and_value(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        PATH.read_answer(text)


def test_a_solution_file_lists_numbers_from_one() -> None:
    assert PATH.write_answer(NodeSet((0, 2))).splitlines()[1:] == ["1", "3"]
    assert PATH.read_answer("# a remark\n1 3\n").nodes == (0, 2)
    assert PATH.read_answer(PATH.write_answer(NodeSet(()))).nodes == ()
    assert NodeSet((0, 2)).to_frame()["node"].tolist() == [1, 3]


def test_unknown_or_repeated_nodes_are_refused() -> None:
    with pytest.raises(InputError, match="got \\[4\\]"):
        PATH.judge(NodeSet((4,)))
    with pytest.raises(InputError, match="once"):
        PATH.judge(NodeSet((1, 1)))


def test_a_graph_is_recognised_by_its_header() -> None:
    assert IndependentSet.recognises(Path("a.gph"), "c remark\np edge 2 1\ne 1 2\n")
    assert not IndependentSet.recognises(Path("a.gph"), "2 1\n1 2 1\n")
