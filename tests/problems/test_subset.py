"""Subset selection: limits, judge, files, repair, parts and known optima."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.model.bits import bits_of
from qupel.problems.subset import Selection, SubsetSelection
from qupel.testing.problem import check_problem

SLATE = SubsetSelection(
    [5.0, 4.0, 3.0, 1.0],
    [[0, 2, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]],
    names=["a", "b", "c", "d"],
    min_size=1,
    max_size=3,
    costs=[4, 3, 2, 1],
    budget=7,
    groups=["red", "red", "blue", "blue"],
    group_limits={"red": (0, 1)},
)


@st.composite
def problems(draw: st.DrawFn) -> SubsetSelection:
    """Small problems with any limits that some choice keeps."""
    n = draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    kept = rng.random(n) < 0.5
    groups = [f"g{code}" for code in rng.integers(0, 3, n)]
    costs = rng.integers(0, 6, n).astype(float)
    count = int(kept.sum())
    limits: dict[str, Any] = {}
    if draw(st.booleans()):
        limits |= {"size": count}
    elif draw(st.booleans()):
        limits |= {"min_size": max(0, count - 1), "max_size": min(n, count + 1)}
    if draw(st.booleans()):
        limits |= {"costs": costs, "budget": float(costs[kept].sum())}
    if draw(st.booleans()):
        inside = [group for group, bit in zip(groups, kept, strict=True) if bit]
        bounds = {group: inside.count(group) for group in set(groups)}
        limits |= {
            "groups": groups,
            "group_limits": {
                g: (max(0, b - 1), b + int(rng.integers(2))) for g, b in bounds.items()
            },
        }
    pairs = np.triu(rng.integers(-3, 9, (n, n)) / 2, 1)
    return SubsetSelection(rng.integers(-2, 9, n) / 2, pairs, **limits)


@settings(deadline=None, max_examples=60)
@given(problems(), st.integers(0, 10_000))
def test_random_problems_obey_the_laws(problem: SubsetSelection, seed: int) -> None:
    n = len(problem.names)
    chosen = problem.answer(np.random.default_rng(seed).integers(0, 2, n))
    mended = problem.repair(chosen)
    assert problem.judge(mended).feasible
    check_problem(problem, chosen, mended)


@settings(deadline=None, max_examples=50)
@given(problems())
def test_judge_and_form_agree_on_every_choice(problem: SubsetSelection) -> None:
    n = len(problem.names)
    form, rows = problem.form(), bits_of(np.arange(2**n), n)
    for row, kept, energy in zip(rows, form.feasible(rows), form.energies(rows), strict=True):
        judged = problem.judge(problem.answer(row))
        assert judged.feasible == kept
        assert judged.objective == pytest.approx(energy)


def test_the_judge_adds_values_and_pairs_and_names_broken_limits() -> None:
    judged = SLATE.judge(SLATE.select("a", "b", "c"))
    assert judged.objective == -5 - 4 - 3 + 2 + 1
    assert [(v.constraint, v.where, v.amount) for v in judged.violations] == [
        ("budget", "selection", 2.0),
        ("most of group", "red", 1),
    ]
    assert judged.measures == {"items": 3.0, "value": 12.0, "redundancy": 3.0, "cost": 9.0}


def test_a_fixed_size_is_one_row_of_ones() -> None:
    form = SubsetSelection([1, 2, 3], size=2).form()
    assert form.rows.toarray().tolist() == [[1, 1, 1]]
    assert form.row_lower.tolist() == form.row_upper.tolist() == [2]
    assert form.row_names == ("size",)
    assert form.names == ("pick[1]", "pick[2]", "pick[3]")


def test_limits_that_cannot_bind_give_no_rows() -> None:
    problem = SubsetSelection([1, 2], costs=[1, 1], budget=5, groups=["x", "y"])
    assert problem.form().rows.shape == (0, 2)


def test_symmetric_pairs_count_once() -> None:
    problem = SubsetSelection([0, 0], [[0, 3], [3, 0]])
    assert problem.judge(Selection((0, 1), ("1", "2"))).objective == 3.0


def test_a_portfolio_pays_for_its_whole_covariance() -> None:
    returns, covariance = (
        np.array([0.3, 0.2, 0.1]),
        np.array([[0.4, 0.1, -0.1], [0.1, 0.5, 0.0], [-0.1, 0.0, 0.2]]),
    )
    problem = SubsetSelection.from_risk(returns, covariance, aversion=2.0, size=2)
    for items in itertools.combinations(range(3), 2):
        x = np.isin(np.arange(3), items).astype(float)
        judged = problem.judge(problem.answer(x))
        assert judged.objective == pytest.approx(-returns @ x + 2.0 * x @ covariance @ x)


@pytest.mark.parametrize("sizes", [{}, {"groups": 3}, {"budget": True, "groups": 2}])
def test_the_optimum_of_a_generated_instance_is_the_best_of_all(sizes: dict[str, Any]) -> None:
    problem, optimum = SubsetSelection.random(1, items=11, size=4, **sizes)
    judged = [
        problem.judge(problem.answer(np.isin(np.arange(11), items)))
        for items in itertools.combinations(range(11), 4)
    ]
    assert min(j.objective for j in judged if j.feasible) == optimum.objective


@pytest.mark.parametrize("seed", range(5))
def test_planted_clusters_are_the_best_of_all(seed: int) -> None:
    from qupel.problems.binary_planted import planted_clusters

    worth, pairs, best = planted_clusters(np.random.default_rng(seed), 12, 4)
    problem = SubsetSelection(worth, pairs)
    energies = problem.form().energies(bits_of(np.arange(2**12), 12))
    assert energies.min() == -worth[best].sum()


def test_many_items_get_a_planted_optimum() -> None:
    problem, optimum = SubsetSelection.random(0, items=60, size=10)
    check_problem(problem, optimum.answer, optimum=optimum)
    with pytest.raises(InputError, match="too many"):
        SubsetSelection.random(0, items=60, size=10, budget=True)


def test_repair_finds_the_cheapest_way_when_money_is_short() -> None:
    problem = SubsetSelection([9, 8, 1, 1], size=2, costs=[5, 5, 1, 2], budget=3)
    assert problem.repair(problem.select("1", "2")).items == (2, 3)


def test_repair_keeps_what_it_can() -> None:
    assert SLATE.repair(SLATE.select("a", "b", "c")).names == ("a", "c")
    assert SLATE.repair(SLATE.select("a", "c")).names == ("a", "c")


def test_a_part_keeps_the_quota_of_its_own() -> None:
    problem, optimum = SubsetSelection.random(0, items=12, size=4)
    part = problem.subproblem(optimum.answer, 6, np.random.default_rng(0))
    assert part is not None
    assert part.form.row_lower.tolist() == part.form.row_upper.tolist() == [part.start.sum()]
    assert 0 < part.start.sum() < 6


def test_tables_become_problems() -> None:
    table = {"name": ["x", "y"], "score": [1.0, 2.0], "price": [3, 4], "kind": ["p", "q"]}
    problem = SubsetSelection.from_frame(
        table, value="score", item="name", cost="price", group="kind", budget=4, size=1
    )
    assert problem.names == ("x", "y")
    assert problem.groups == ("p", "q")
    with pytest.raises(InputError, match="did you mean 'score'"):
        SubsetSelection.from_frame(table, value="scores")


def test_a_data_frame_gives_a_problem_and_a_selection_gives_one_back() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"value": [1.0, 2.0], "item": ["x", "y"]})
    problem = SubsetSelection.from_frame(frame, item="item", size=1)
    assert problem.select("y").to_frame()["name"].tolist() == ["y"]


CSV = """# size: 2
# budget: 9
# group red: 0 1
# a remark
name,value,cost,group
a,3,4,red
b,2,5,red
c,1,2,blue
"""


def test_a_table_of_items_is_read_with_limits_and_pairs(tmp_path: Path) -> None:
    path = tmp_path / "slate.csv"
    path.write_text(CSV)
    (tmp_path / "slate.pairs.csv").write_text("first,second,weight\nc,a,0.5\n")
    problem = SubsetSelection.from_file(path)
    assert (problem.name, problem.size, problem.budget) == ("slate", 2, 9.0)
    assert problem.group_limits == {"red": (0, 1)}
    assert problem.judge(problem.select("a", "c")).objective == -3.5
    assert SubsetSelection.recognises(path, CSV)


def test_a_document_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "slate.json"
    path.write_text(json.dumps(SLATE.document()))
    assert SubsetSelection.from_file(path).document() == SLATE.document()
    assert SubsetSelection.recognises(path, path.read_text()[:4000])
    other = path.read_text().replace('"subset"', '"knapsack"', 1)
    assert not SubsetSelection.recognises(path, other)
    path.write_text('{"items": [{"value": 2}, {"value": 1}], "size": 1}')
    assert SubsetSelection.from_file(path).names == ("1", "2")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name,value\na,x\n", "items.csv:2: 'x' is not a finite number"),
        ("name,value\na\n", "items.csv:2: 'a' has 1 cells"),
        ("name,price\na,1\n", "items.csv:1: columns"),
        ("# group red: 1\nname,value\na,1\n", "items.csv:1: limits '1'"),
        ("# group red: 0 1\nname,value\na,1\n", "unknown group 'red'"),
        ("name,value\na,1\na,2\n", "'a' is given twice"),
        ("# size: 3\nname,value\na,1\n", "sizes from 3 to 3"),
        ('{"items": [1]}', "needs a `value`"),
        ('{"itms": []}', "did you mean 'items'"),
        ('{"items": [{"value": 1}],\n "pairs": [["1", "2", 1]]}', "item in a pair '2'"),
        ('{"items": [}', "items.csv:1: Expecting value"),
        ('{"items": ' + "[" * 100_000, "nested too deeply"),
        (f'{{"items": [{{"value": {"9" * 5000}}}]}}', "cannot be read as JSON"),
        (
            f"# group r: 0 {'9' * 30}\n# group s: {'9' * 30} {'9' * 31}\n"
            "name,value,group\na,1,r\nb,1,s\n",
            "no choice",
        ),
        ('{"items": [{"value": true}]}', "needs a `value`"),
        ('{"items": [{"value": NaN}]}', "needs a `value`"),
        ('{"items": [{"value": 1e300}]}', "needs a `value`"),
        (f'{{"items": [{{"value": {10**400}}}]}}', "needs a `value`"),
        ('{"items": [{"value": 1, "cost": "a"}]}', "`cost` must be a number, got 'a'"),
        ('{"items": [{"value": 1, "group": {}}]}', "`group` must be a text"),
        ('{"items": [{"value": 1, "name": []}]}', "`name` must be a text"),
        ('{"items": [{"value": 1}], "size": "1"}', "`size` must be a whole number, got '1'"),
        ('{"items": [{"value": 1}], "size": 1.5}', "`size` must be a whole number"),
        ('{"items": [{"value": 1, "cost": 1}], "budget": NaN}', "`budget` must be a number"),
        ('{"items": [{"value": 1}], "pairs": 3}', "`pairs` must be a list"),
        ('{"items": [{"value": 1}, {"value": 1}], "pairs": [["1", "2", ""]]}', "weight]`"),
        ('{"items": [{"value": 1}, {"value": 1}], "pairs": [["1", "2", null]]}', "weight]`"),
        ('{"items": [{"value": 1, "group": "a"}], "groups": {"a": 1}}', "fewest and most"),
        ('{"items": [{"value": 1, "group": "a"}], "groups": {"a": [0, "b"]}}', "fewest and most"),
        ('{"items": [{"value": 1, "group": "a"}], "groups": ["a"]}', "fewest and most"),
    ],
)
def test_malformed_files_are_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "items.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=r"items\.csv") as caught:
        SubsetSelection.from_file(path)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ('{"items": ["a", "c"]}', (0, 2)),
        ('["c", "a"]', (0, 2)),
        ("a\nc\n", (0, 2)),
        ("# chosen\n1\n3\n", (0, 2)),
        ('{"items": []}', ()),
    ],
)
def test_solutions_name_or_number_items(text: str, items: tuple[int, ...]) -> None:
    assert SLATE.read_answer(text).items == items


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "empty"),
        ("a\nzz\n", "solution:2: unknown item 'zz'"),
        ("a\n1\n", "'1' is listed twice"),
        ('{"items": 3}', "must be a list"),
        ('{"items"}', "solution:1"),
        ("9", "unknown item '9'"),
    ],
)
def test_malformed_solutions_are_refused(text: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        SLATE.read_answer(text)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"size": 1, "min_size": 1}, "either `size`"),
        ({"size": 4}, "sizes from 4"),
        ({"budget": 3}, "needs the cost"),
        ({"costs": [1, -1, 0]}, "at least 0"),
        ({"costs": [1, 1, 0], "budget": np.nan}, "finite number, got nan"),
        ({"costs": [1, 1, 0], "budget": np.inf}, "leave it out"),
        ({"pairs": [[0, 1e200, 0], [0, 0, 0], [0, 0, 0]]}, "at most 1e"),
        ({"size": 2, "costs": [2, 2, 2], "budget": 3}, "no choice"),
        ({"pairs": np.eye(3)}, "zero diagonal"),
        ({"pairs": [[0, 1, 0], [2, 0, 0], [0, 0, 0]]}, "upper triangle"),
        ({"names": ["x", "x", "y"]}, "'x' is given twice"),
        ({"groups": ["p", "q"]}, "3 items need as many group labels"),
        ({"groups": ["p", "q", "q"], "group_limits": {"q": (2, 1)}}, "fewest <= most"),
    ],
)
def test_unusable_data_are_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        SubsetSelection([1.0, 2.0, 3.0], **given)


def test_a_large_choice_shows_its_best_items_only() -> None:
    problem, optimum = SubsetSelection.random(0, items=100, size=6)
    chart = problem.chart(optimum.answer)
    assert len(chart["encoding"]["y"]["sort"]) == 40
    assert "60 more not shown" in chart["title"]["subtitle"]
