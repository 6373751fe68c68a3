"""Max-cut: files, judge, form, parts and planted optima."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.model.bits import bits_of
from qupel.model.formats import read_text
from qupel.model.graph import Graph
from qupel.problems.maxcut import Cut, MaxCut
from qupel.testing.problem import check_problem
from tests.data import instances

TRIANGLE = MaxCut(Graph(3, [[0, 1], [1, 2], [0, 2]], [2.0, -1.0, 4.0]), "triangle")


def random_problem(seed: int, nodes: int) -> MaxCut:
    rng = np.random.default_rng(seed)
    edges = np.argwhere(np.triu(rng.random((nodes, nodes)) < 0.6, 1))
    return MaxCut(Graph(nodes, edges, rng.integers(-9, 10, len(edges))), f"random {seed}")


def test_the_cut_is_the_weight_between_the_sides() -> None:
    judged = TRIANGLE.judge(Cut((1, 0, 0)))
    assert judged.feasible
    assert judged.objective == 6.0
    assert TRIANGLE.cut_edges(Cut((1, 0, 0))).tolist() == [[0, 1], [0, 2]]


def test_parallel_edges_count_each() -> None:
    problem = MaxCut(Graph(2, [[0, 1], [1, 0]], [1.0, 2.0]))
    assert problem.judge(Cut((0, 1))).objective == 3.0
    assert problem.form().energies(np.array([[0, 1]]))[0] == -3.0


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 9))
def test_random_graphs_obey_the_laws(seed: int, nodes: int) -> None:
    problem = random_problem(seed, nodes)
    bits = np.random.default_rng(seed).integers(0, 2, nodes)
    check_problem(problem, problem.answer(bits))


@pytest.mark.parametrize("seed", range(8))
def test_the_planted_cut_is_the_largest_of_all(seed: int) -> None:
    problem, optimum = MaxCut.random(seed, nodes=13)
    energies = problem.form().energies(bits_of(np.arange(2**13), 13))
    assert energies.min() == -optimum.objective
    assert problem.judge(optimum.answer).objective == optimum.objective


@pytest.mark.parametrize("seed", range(20))
def test_polishing_ends_where_no_single_node_gains(seed: int) -> None:
    problem = random_problem(seed, 12)
    cut = problem.polish(Cut((0,) * 12), np.random.default_rng(0))
    best = problem.judge(cut).objective
    for node in range(12):
        side = list(cut.side)
        side[node] ^= 1
        assert problem.judge(Cut(tuple(side))).objective <= best


def test_a_part_hangs_together_and_differs_from_call_to_call() -> None:
    problem, _ = MaxCut.random(3, nodes=60)
    cut = problem.polish(Cut((0,) * 60), np.random.default_rng(0))
    rng = np.random.default_rng(5)
    parts = set()
    for _ in range(5):
        part = problem.subproblem(cut, 8, rng)
        assert part is not None
        assert part.form.variables == 8
        moved = problem.values(part.lift(1 - part.start)) != problem.values(cut)
        parts.add(tuple(np.flatnonzero(moved).tolist()))
    assert len(parts) > 1


def test_best_part_of_all_nodes_is_the_optimum() -> None:
    problem, optimum = MaxCut.random(4, nodes=12)
    part = problem.subproblem(Cut((0,) * 12), 12, np.random.default_rng(0))
    assert part is not None
    rows = bits_of(np.arange(2**12), 12)
    best = rows[int(part.form.energies(rows).argmin())]
    assert problem.judge(part.lift(best)).objective == optimum.objective


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("010\n", (0, 1, 0)),
        ("0 1 0\n", (0, 1, 0)),
        ("1 -1 1\n", (0, 1, 0)),
        ("+1\n-1\n+1\n", (0, 1, 0)),
        ("# side 1\n2\n", (0, 1, 0)),
        ("1 3", (1, 0, 1)),
        ("1 1 1", (1, 1, 1)),
        ("# none\n", (0, 0, 0)),
    ],
)
def test_bits_spins_and_numbers_are_read(text: str, side: tuple[int, ...]) -> None:
    assert TRIANGLE.read_answer(text).side == side


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "empty"),
        ("1\n7\n", "solution:2: '7'"),
        ("2 2", "'2' is listed twice"),
        ("0 1", "'0' is neither"),
        ("x", "'x' is neither"),
        ("-1 1", "'-1' is neither"),
    ],
)
def test_malformed_solutions_are_refused_with_line_and_value(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        TRIANGLE.read_answer(text)


def test_an_answer_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(InputError, match="each of 3 nodes"):
        TRIANGLE.judge(Cut((0, 1)))
    with pytest.raises(InputError, match="do not fit 3"):
        TRIANGLE.answer(np.zeros(4))
    with pytest.raises(InputError, match="0 or 1"):
        TRIANGLE.answer(np.array([1, -1, 1]))


def test_every_public_instance_is_read_and_recognised() -> None:
    rng = np.random.default_rng(0)
    for name, path in instances("maxcut").items():
        problem = MaxCut.from_file(path)
        assert problem.name == name
        bits = rng.integers(0, 2, problem.graph.nodes)
        energy = problem.form().energies(bits[None])[0]
        assert problem.judge(problem.answer(bits)).objective == -energy
        assert MaxCut.recognises(path, read_text(path)[:4000])


def test_a_qubo_or_a_job_shop_is_not_taken_for_a_graph() -> None:
    assert not MaxCut.recognises(Path("a.sparse"), "3 1\n1 2 5\n")
    assert not MaxCut.recognises(Path("a.txt"), "3 2\n1 1 5\n1 2 4\n")
    assert not MaxCut.recognises(Path("ft06.txt"), "6 6\n2 1 0 3 1 6 3 7 5 3 4 6\n")
    assert MaxCut.recognises(Path("a.txt"), "3 2\n1 2 5\n2 3 4\n")


def test_a_large_graph_is_summarised_in_its_chart() -> None:
    problem, optimum = MaxCut.random(0, nodes=300)
    chart = problem.chart(optimum.answer)
    assert "layer" not in chart
    total = sum(row["weight"] for row in chart["data"]["values"])
    assert total == pytest.approx(problem.graph.weights.sum())


def test_an_answer_becomes_a_table() -> None:
    frame = Cut((0, 1)).to_frame()
    assert frame["node"].tolist() == [1, 2]
    assert frame["side"].tolist() == [0, 1]
