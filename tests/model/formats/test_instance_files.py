"""QUBO, max-cut and DIMACS files: conventions, real instances, mistakes."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.model import Ising, Qubo, Quota
from qupel.model.formats import (
    read_coordinates,
    read_dimacs_graph,
    read_graph,
    read_qbsolv,
    read_qubo,
    read_text,
    write_coordinates,
    write_dimacs_graph,
    write_graph,
    write_qbsolv,
    write_qubo,
    write_text,
)
from qupel.model.graph import Graph
from tests.data import instances

FAST = settings(max_examples=100, deadline=None)


def random_weights(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 8))
    return np.triu(rng.normal(size=(n, n)) * (rng.random((n, n)) < 0.5))


def test_off_diagonal_entries_of_a_sparse_file_count_twice() -> None:
    qubo = read_qubo("2 3\n1 1 -5\n1 2 3\n2 2 -4\n")
    assert qubo.weights.toarray().tolist() == [[-5.0, 6.0], [0.0, -4.0]]
    assert qubo.energies(np.array([[1, 1]])).tolist() == [-3.0]


@FAST
@given(st.integers(0, 2**32 - 1))
def test_qubo_files_are_read_back_exactly(seed: int) -> None:
    qubo = Qubo(random_weights(seed))
    for again in (read_qubo(write_qubo(qubo)), read_qbsolv(write_qbsolv(qubo))):
        np.testing.assert_array_equal(again.weights.toarray(), qubo.weights.toarray())
    again_too = read_coordinates(write_coordinates(qubo))
    assert isinstance(again_too, Qubo)
    np.testing.assert_array_equal(again_too.weights.toarray(), qubo.weights.toarray())


@FAST
@given(st.integers(0, 2**32 - 1))
def test_spins_keep_their_kind_in_coordinate_text(seed: int) -> None:
    weights = random_weights(seed)
    ising = Ising(weights.diagonal(), np.triu(weights, 1))
    again = read_coordinates(write_coordinates(ising))
    assert isinstance(again, Ising)
    np.testing.assert_array_equal(again.fields, ising.fields)
    np.testing.assert_array_equal(again.couplings.toarray(), ising.couplings.toarray())


@FAST
@given(st.integers(0, 2**32 - 1))
def test_graph_files_are_read_back_exactly(seed: int) -> None:
    weights = np.triu(random_weights(seed), 1)
    edges = np.argwhere(weights)
    graph = Graph(len(weights), edges, weights[tuple(edges.T)])
    again = read_graph(write_graph(graph))
    assert again.nodes == graph.nodes
    np.testing.assert_array_equal(again.edges, graph.edges)
    np.testing.assert_array_equal(again.weights, graph.weights)
    plain = read_dimacs_graph(write_dimacs_graph(Graph(graph.nodes, graph.edges)))
    np.testing.assert_array_equal(plain.edges, graph.edges)


def test_an_edge_given_in_both_directions_counts_once() -> None:
    graph = read_dimacs_graph("c two nodes\np edge 2 2\ne 1 2\ne 2 1\n")
    assert graph.edges.tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("2 2\n1 1 3\n", 1, "promises 2 entries but 1"),
        ("2 1\n1 3 3\n", 2, "indices are whole, 1 to 2"),
        ("2 1\n1.5 2 3\n", 2, "indices are whole"),
        ("2 1\n0 2 3\n", 2, "1 to 2"),
        ("2 1\n2 1 3\n", 2, "below the diagonal"),
        ("2 1\n1 2\n", 2, "write `i j w`"),
        ("# note\n2 1\n1 2 abc\n", 3, "'abc' is not a finite number"),
        ("2 1\n1 2 nan\n", 2, "not a finite number"),
        ("2\n", 1, "no header"),
        ("-2 1\n1 1 1\n", 1, "not a whole number"),
        ("9223372036854775808 1\n1 1 1\n", 1, "beyond 10,000,000; mend the header"),
        ("9" * 5000 + " 1\n1 1 1\n", 1, "not a whole number"),
        ("2147483648 1\n1 1 1\n", 1, "beyond 10,000,000; mend the header"),
        ("²1 1\n1 1 1\n", 1, "not a whole number"),
        ("2 2\n1 1 1\n1 2 1e308\n", 3, "beyond 1e+100"),
    ],
)
def test_mistakes_in_qubo_files_name_file_line_and_remedy(text: str, line: int, words: str) -> None:
    with pytest.raises(InputError, match=rf"^small\.sparse:{line}: ") as caught:
        read_qubo(text, "small.sparse")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("p edge 2 1\ne 1 1\n", "g.gph:2: node 1 is joined to itself"),
        ("e 1 2\n", "g.gph:1: 'e 1 2' is not expected here"),
        ("c nothing\n", "has no line `p edge"),
        ("p edge 3 5\ne 1 2\n", "g.gph:1: the header promises 5 edges but 1"),
        ("p edge 2 1\ne 1 4\n", "g.gph:2: indices '1 4'"),
        ("p edge 99999999999 1\ne 1 4\n", "g.gph:1: a size of 99999999999"),
    ],
)
def test_mistakes_in_dimacs_files_name_the_line(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_dimacs_graph(text, "g.gph")
    assert words in str(caught.value)


def test_mistakes_in_coordinate_files_are_named() -> None:
    with pytest.raises(InputError, match="q:1: no header"):
        read_qbsolv("0 0 1\n", "q")
    with pytest.raises(InputError, match="promises 2 diagonals"):
        read_qbsolv("p qubo 0 2 2 0\n0 0 1\n", "q")
    with pytest.raises(InputError, match="a size of 99999999999"):
        read_qbsolv("p qubo 0 99999999999 0 0\n", "q")
    with pytest.raises(InputError, match="indices are whole, 0 to 9999999"):
        read_coordinates("0 99999999999 1\n")
    with pytest.raises(InputError, match="vartype 'TERNARY'"):
        read_coordinates("# vartype=TERNARY\n")
    with pytest.raises(InputError, match="empty"):
        read_graph("", "g")


def test_what_a_format_cannot_hold_is_refused() -> None:
    for write in (write_qubo, write_qbsolv, write_coordinates):
        with pytest.raises(InputError, match="offset"):
            write(Qubo(np.eye(2), 1.0))
        with pytest.raises(InputError, match=r"quotas \(1\)"):
            write(Qubo(np.eye(2), 0.0, [Quota((0, 1), 1)]))
    with pytest.raises(InputError, match="no weights"):
        write_dimacs_graph(Graph(2, [[0, 1]], [2.0]))


def test_graphs_check_their_edges() -> None:
    with pytest.raises(InputError, match="to itself"):
        Graph(2, [[1, 1]])
    with pytest.raises(InputError, match="of 2 nodes"):
        Graph(2, [[0, 2]])
    with pytest.raises(InputError, match="as many finite weights"):
        Graph(2, [[0, 1]], [np.inf])


def test_plain_and_gzipped_text_read_alike(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "2 0\n")
    write_text(tmp_path / "a.txt.gz", "2 0\n")
    assert read_text(tmp_path / "a.txt") == read_text(tmp_path / "a.txt.gz") == "2 0\n"
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"2 0\n")[:-6])
    (tmp_path / "flipped.gz").write_bytes(gzip.compress(b"2 0\n")[:10] + b"\xff" * 12)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\xfd")
    for name in ("missing", "cut.gz", "flipped.gz", "binary"):
        with pytest.raises(InputError, match=name):
            read_text(tmp_path / name)


@pytest.mark.parametrize(
    ("family", "read"),
    [("qubo", read_qubo), ("maxcut", read_graph), ("mis", read_dimacs_graph)],
)
def test_every_public_instance_is_read(family: str, read: object) -> None:
    assert callable(read)
    found = instances(family)
    for name, path in found.items():
        form = read(read_text(path), name)
        assert (form.variables if isinstance(form, Qubo) else form.nodes) > 0
    assert len(found) > 20
