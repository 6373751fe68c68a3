"""LP and MPS files: round trips, foreign readers and writers, dialects, mistakes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.model import Model, bits, integers
from qupel.model.formats import read_lp, read_mps, write_lp, write_mps
from qupel.testing.encoding import all_points
from tests.oracles import forms as oracle

FAST = settings(max_examples=150, deadline=None)
SEEDS = st.integers(0, 2**32 - 1)


def assert_same(first: Model, second: Model) -> None:
    assert first.offset == second.offset
    for name in ("linear", "lower", "upper", "row_lower", "row_upper"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    for name in ("quadratic", "rows"):
        np.testing.assert_array_equal(
            getattr(first, name).toarray(), getattr(second, name).toarray()
        )


@FAST
@given(SEEDS)
def test_lp_files_are_read_back_exactly(seed: int) -> None:
    model = oracle.random_model(np.random.default_rng(seed))
    text = write_lp(model)
    assert_same(read_lp(text), model)
    assert write_lp(read_lp(text)) == text


@FAST
@given(SEEDS)
def test_mps_files_are_read_back_exactly(seed: int) -> None:
    model = oracle.random_model(np.random.default_rng(seed))
    text = write_mps(model)
    again = read_mps(text)
    assert_same(again, model)
    assert again.names == model.names
    assert again.row_names == model.row_names


@FAST
@given(SEEDS)
def test_mps_files_with_short_numbers_are_read_by_their_columns(seed: int) -> None:
    model = oracle.random_model(np.random.default_rng(seed), kinds=7)
    assert_same(read_mps(write_mps(model), fixed=True), model)


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_a_foreign_reader_finds_the_same_optimum_in_our_files(seed: int) -> None:
    from ortools.linear_solver.python import model_builder

    model = oracle.random_model(np.random.default_rng(seed))
    model = Model.from_arrays(
        model.linear,
        offset=model.offset,
        lower=model.lower,
        upper=model.upper,
        rows=model.rows,
        row_lower=model.row_lower,
        row_upper=model.row_upper,
    )
    best, _ = oracle.model_optimum(model)
    theirs: Any = model_builder.Model()  # type: ignore[no-untyped-call]
    assert theirs.import_from_mps_string(write_mps(model))
    solver = model_builder.Solver("sat")
    status = solver.solve(theirs)
    if np.isinf(best):
        assert status != model_builder.SolveStatus.OPTIMAL
    else:
        assert solver.objective_value == pytest.approx(best, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_dimod_reads_our_lp_files_alike(seed: int) -> None:
    lp = pytest.importorskip("dimod.lp")
    model = oracle.random_model(np.random.default_rng(seed))
    one_sided = np.where(model.row_lower == model.row_upper, model.row_lower, -np.inf)
    model = Model.from_arrays(
        model.linear,
        quadratic=model.quadratic,
        lower=model.lower,
        upper=model.upper,
        rows=model.rows,
        row_lower=one_sided,
        row_upper=np.where(np.isfinite(model.row_upper), model.row_upper, 7.0),
    )
    if (model.row_lower > model.row_upper).any() or (model.rows.sum(axis=1) == 0).any():
        return
    cqm = lp.loads(write_lp(model))
    order = [f"x({i})" for i in range(model.variables)]
    for point in all_points(model)[:20].tolist():
        sample = dict(zip(order, point, strict=True))
        theirs = cqm.objective.energy({v: sample[v] for v in cqm.objective.variables})
        assert theirs == pytest.approx(oracle.model_energy(model, tuple(point)), abs=1e-9)


def test_lp_dialects_are_understood() -> None:
    model = read_lp(
        """\\ a comment
MAXIMIZE
 profit: 3 x1 + 4.5e0 x2 - x3 + [ 2 x1 ^2 - 4 x1*x2 ]/2 + 10
s.t.
 c1: x1 + x2
   + x3 =< 12
 -2 <= x1 - x2 <= 3
 3 >= x3
 low: 2 x1 >= -4 \\ another
bounds
 -5 <= x1 <= 5
 x2 <= 9
 0 <= x3
 x3 <= 4
general
 x1 x2
 x3
end
"""
    )
    assert model.names == ("x1", "x2", "x3")
    assert model.linear.tolist() == [-3.0, -4.5, 1.0]
    assert model.quadratic.toarray().tolist() == [[-1, 2, 0], [0, 0, 0], [0, 0, 0]]
    assert model.offset == -10.0
    assert model.row_names == ("c1", "c2", "c3", "low")
    assert model.row_lower.tolist() == [-np.inf, -2.0, -np.inf, -4.0]
    assert model.row_upper.tolist() == [12.0, 3.0, 3.0, np.inf]
    assert model.lower.tolist() == [-5, 0, 0]
    assert model.upper.tolist() == [5, 9, 4]


def test_bracketed_names_of_other_writers_are_understood() -> None:
    model = read_lp("Minimize\n obj: x[1,2] + y[ab]\nSubject To\nBinaries\n x[1,2] y[ab]\nEnd\n")
    assert model.names == ("x[1,2]", "y[ab]")


def test_mps_dialects_are_understood() -> None:
    text = """* a comment
NAME test
OBJSENSE
    MAX
ROWS
 N  cost
 N  unused
 L  lim
 G  need
 E  level
COLUMNS
    MARKER  'MARKER'  'INTORG'
    a  cost  1  lim  1
    a  need  1  unused  4
    b  cost  -2.5  lim  2
    c  level  1
    MARKER  'MARKER'  'INTEND'
    d  lim  1
RHS
    RHS  cost  -3  lim  10
    need  -1
    RHS  level  2
RANGES
    RNG  lim  4  need  5
    RNG  level  -1
BOUNDS
 LO BND b -3
 UP BND b 7
 UP c 9
 BV BND d
QMATRIX
 a b 3
 b a 3
 b b 4
ENDATA
"""
    model = read_mps(text)
    assert model.names == ("a", "b", "c", "d")
    assert model.linear.tolist() == [-1.0, 2.5, 0.0, 0.0]
    assert model.offset == -3.0
    assert model.quadratic.toarray()[:2, :2].tolist() == [[0.0, -3.0], [0.0, -2.0]]
    assert model.row_lower.tolist() == [6.0, -1.0, 1.0]
    assert model.row_upper.tolist() == [10.0, 4.0, 2.0]
    assert model.lower.tolist() == [0, -3, 0, 0]
    assert model.upper.tolist() == [1, 7, 9, 1]


def test_names_with_blanks_are_read_from_fixed_columns() -> None:
    text = (
        "NAME\nROWS\n N  obj\n L  my row\nCOLUMNS\n"
        "    M1        'MARKER'                 'INTORG'\n"
        "    my var    obj                  1   my row               2\n"
        "    M1        'MARKER'                 'INTEND'\n"
        "RHS\n    RHS       my row               5\n"
        "BOUNDS\n UP BND       my var               4\nENDATA\n"
    )
    model = read_mps(text, fixed=True)
    assert (model.names, model.row_names) == (("my var",), ("my row",))
    assert model.upper.tolist() == [4]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("x + y\n", 1, "begins with Minimize or Maximize"),
        ("Minimize\n obj: x\nEnd\n", 2, "'x' is continuous"),
        ("Minimize\n obj: x\nGenerals\n x\nEnd\n", 2, "finite lower and upper bound"),
        ("Minimize\n obj: x\nSubject To\n c: x + 2\nBinaries\n x\n", 4, "'c' has no limit"),
        ("Minimize\n obj: x\nSubject To\n c: x <= y\nBinaries\n x y\n", 4, "no number after"),
        ("Minimize\n obj: x\nst\n c: [ x^2 ] <= 3\nBinaries\n x\n", 4, "quadratic"),
        ("Minimize\n obj: [ x^3 ]/2\nBinaries\n x\n", 2, "power other than 2"),
        ("Minimize\n obj: [ x*y\nBinaries\n x y\n", 2, "[ without ]"),
        ("Minimize\n obj: x\nst\n c: x = 1 -> y <= 2\nBinaries\n x y\n", 4, "indicator"),
        ("Minimize\n obj: x\nsos\n s: x:1\nEnd\n", 3, "section 'sos'"),
        ("Minimize\n obj: x\nBounds\n x <=\nBinaries\n x\n", 4, "bound without a number"),
        ("Minimize\n obj: x\nBounds\n 3 <= x <= 2\nGenerals\n x\n", 2, "no integer between"),
        ("Minimize\n obj: x §\n", 2, "not expected"),
    ],
)
def test_mistakes_in_lp_files_name_file_line_and_remedy(text: str, line: int, words: str) -> None:
    with pytest.raises(InputError, match=rf"^m\.lp:{line}: ") as caught:
        read_lp(text, "m.lp")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("NAME\nROWS\n N obj\nCOLUMNS\n x obj 1\nENDATA\n", "m.mps:5: variable 'x' is continuous"),
        ("NAME\nROWS\n N obj\nCOLUMNS\n x cost 1\nENDATA\n", "m.mps:5: row 'cost' is not declared"),
        ("NAME\nROWS\n X obj\nENDATA\n", "m.mps:3: row 'X obj'"),
        ("NAME\nROWS\n N obj\n", "ends without ENDATA"),
        ("NAME\nSOS1\nENDATA\n", "m.mps:2: section 'SOS1'"),
        ("NAME\nROWS\n N obj\nCOLUMNS\n x obj abc\nENDATA\n", "m.mps:5: 'abc' is not a finite"),
        ("NAME\nROWS\n N o\nBOUNDS\n UP B x 3\nENDATA\n", "m.mps:5: bound 'UP B x 3'"),
        ("NAME\nROWS\n N o\nBOUNDS\n SC B x 3\nENDATA\n", "m.mps:5: bound 'SC'"),
        ("NAME\nROWS\n L a\n L a\nENDATA\n", "m.mps:4: row 'a' is named twice"),
    ],
)
def test_mistakes_in_mps_files_name_file_line_and_remedy(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_mps(text, "m.mps")
    assert words in str(caught.value)


def test_awkward_names_stay_distinct_and_readable() -> None:
    model = Model.from_arrays(
        [1.0, 2.0, 3.0, 4.0, 5.0],
        names=["a b", "a_b", "3x", "e5", "free"],
        rows=np.ones((1, 5)),
        row_upper=4,
    )
    assert_same(read_lp(write_lp(model)), model)
    assert_same(read_mps(write_mps(model)), model)
    assert read_lp(write_lp(model)).names == ("a_b", "a_b_2", "_3x", "_e5", "_free")


def test_a_large_model_is_written_and_read_in_good_time() -> None:
    pick, level = bits("pick", 300), integers("level", 20, lower=-4, upper=9)
    rng = np.random.default_rng(5)
    model = Model(
        minimise=pick.quadratic(np.triu(rng.normal(size=(300, 300)))) + level.sum(),
        subject_to=[rng.integers(0, 9, 300) @ pick <= 200, level.sum() == 3],
    )
    assert_same(read_lp(write_lp(model)), model)
    assert max(map(len, write_lp(model).splitlines())) < 200
