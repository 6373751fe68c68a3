"""`qupel check`: facts by exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.command import qupel

GRAPH = """p edge 4 3
e 1 2
e 2 3
e 3 4
"""


@pytest.fixture
def path_graph(tmp_path: Path) -> Path:
    path = tmp_path / "path.gph"
    path.write_text(GRAPH)
    return path


def solution(folder: Path, text: str) -> Path:
    path = folder / "answer.sol"
    path.write_text(text)
    return path


def test_a_feasible_solution_ends_with_0_and_its_objective(path_graph: Path) -> None:
    ended = qupel("check", path_graph, solution(path_graph.parent, "1\n3\n"), "--json")
    assert ended.code == 0
    assert ended.document["objective"] == 2
    assert ended.document["feasible"] is True


def test_a_solution_worse_than_best_ends_with_20(path_graph: Path) -> None:
    ended = qupel("check", path_graph, solution(path_graph.parent, "2\n"), "--best", 2, "--json")
    assert ended.code == 20
    assert ended.document["status"] == "worse"


def test_a_solution_as_good_as_best_ends_with_0(path_graph: Path) -> None:
    assert qupel("check", path_graph, solution(path_graph.parent, "1 4\n"), "--best", 2).code == 0


def test_an_infeasible_solution_ends_with_21_and_names_the_constraint(path_graph: Path) -> None:
    ended = qupel("check", path_graph, solution(path_graph.parent, "1\n2\n"), "--json")
    assert ended.code == 21
    [violation] = ended.document["violations"]
    assert violation["amount"] > 0
    assert "1" in violation["where"]


@pytest.mark.parametrize("text", ["one\n", "9\n", "1.5\n"])
def test_a_malformed_solution_ends_with_10_and_one_line(path_graph: Path, text: str) -> None:
    ended = qupel("check", path_graph, solution(path_graph.parent, text))
    assert ended.code == 10
    assert ended.out == ""
    assert ended.err.startswith("error: ")
    assert len(ended.err.strip().splitlines()) == 1


def test_a_malformed_instance_ends_with_10(tmp_path: Path) -> None:
    instance = tmp_path / "x.gph"
    instance.write_text("p edge 2 1\ne 1 7\n")
    assert qupel("check", instance, solution(tmp_path, "1\n"), "--family", "mis").code == 10


def test_a_missing_file_ends_with_10(path_graph: Path) -> None:
    ended = qupel("check", path_graph, path_graph.parent / "absent.sol")
    assert ended.code == 10
    assert "absent.sol" in ended.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["check", "a"],
        ["check", "a", "b", "--bets", "1"],
        ["check", "a", "b", "--best", "nan"],
        ["chekc"],
    ],
)
def test_a_wrong_command_line_ends_with_2(arguments: list[str]) -> None:
    assert qupel(*arguments).code == 2
