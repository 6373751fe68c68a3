"""Lattices: counts that their papers give, and shapes that must hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qupel.backends.catalogue.lattices import (
    Connectivity,
    Lattice,
    chimera,
    grid,
    heavy_hex,
    king,
    line,
    pegasus,
    ring,
    zephyr,
)
from qupel.errors import InputError


@pytest.mark.parametrize(
    ("made", "qubits", "edges"),
    [
        (line(5), 5, 4),
        (ring(5), 5, 5),
        (ring(2), 2, 1),
        (grid(3, 4), 12, 17),
        (king(3, 3), 9, 20),
        (chimera(16), 2048, 6016),
        (pegasus(2), 40, 164),
        (pegasus(4), 264, 1604),
        (pegasus(16), 5640, 40484),
        (zephyr(12), 4800, 45864),
        (zephyr(3, 2), 168, 828),
    ],
    ids=lambda value: str(value)[:12],
)
def test_a_lattice_has_the_published_numbers_of_qubits_and_couplers(
    made: tuple[int, list[tuple[int, int]]], qubits: int, edges: int
) -> None:
    assert (made[0], len(set(made[1]))) == (qubits, edges)


@pytest.mark.parametrize(
    ("connectivity", "qubits", "edges"),
    [
        (Connectivity(Lattice.HEAVY_HEX, (7, 15, 0, 2), (14, 114)), 127, 144),
        (Connectivity(Lattice.HEAVY_HEX, (8, 15, 0, 2), tuple(range(133, 148))), 133, 150),
        (Connectivity(Lattice.HEAVY_HEX, (8, 16, 3, 1)), 156, 176),
    ],
)
def test_heavy_hex_devices_have_their_published_couplings(
    connectivity: Connectivity, qubits: int, edges: int
) -> None:
    coupling = connectivity.coupling(qubits)
    assert coupling is not None
    assert len(coupling) == edges


def test_the_eagle_is_numbered_as_its_maker_does() -> None:
    coupling = Connectivity(Lattice.HEAVY_HEX, (7, 15, 0, 2), (14, 114)).coupling(127)
    assert coupling is not None
    assert {(0, 14), (14, 18), (4, 15), (15, 22), (20, 33), (33, 39), (109, 114)} <= set(coupling)


def test_no_qubit_of_a_heavy_hex_has_more_than_three_neighbours() -> None:
    _, edges = heavy_hex(8, 16, 3, 1)
    near = [sum(q in edge for edge in edges) for q in range(156)]
    assert (min(near), max(near)) == (1, 3)


@pytest.mark.parametrize(("made", "most"), [(pegasus(4), 15), (zephyr(4), 20), (chimera(4), 6)])
def test_qubits_inside_an_annealer_have_the_published_degree(
    made: tuple[int, list[tuple[int, int]]], most: int
) -> None:
    qubits, edges = made
    near = [0] * qubits
    for a, b in edges:
        near[a] += 1
        near[b] += 1
    assert max(near) == most


SIZES = st.integers(2, 6)


@given(
    st.one_of(
        st.tuples(st.just(Lattice.LINE), st.tuples(SIZES)),
        st.tuples(st.just(Lattice.RING), st.tuples(SIZES)),
        st.tuples(st.just(Lattice.GRID), st.tuples(SIZES, SIZES)),
        st.tuples(st.just(Lattice.KING), st.tuples(SIZES, SIZES)),
        st.tuples(st.just(Lattice.HEAVY_HEX), st.tuples(SIZES, SIZES, SIZES, SIZES)),
        st.tuples(st.just(Lattice.CHIMERA), st.tuples(SIZES)),
        st.tuples(st.just(Lattice.PEGASUS), st.tuples(SIZES)),
        st.tuples(st.just(Lattice.ZEPHYR), st.tuples(st.integers(1, 3), st.integers(1, 4))),
    )
)
def test_edges_are_ordered_distinct_and_on_the_counted_qubits(
    named: tuple[Lattice, tuple[int, ...]],
) -> None:
    lattice, sizes = named
    made = {
        Lattice.LINE: line, Lattice.RING: ring, Lattice.GRID: grid, Lattice.KING: king,
        Lattice.HEAVY_HEX: heavy_hex, Lattice.CHIMERA: chimera, Lattice.PEGASUS: pegasus,
        Lattice.ZEPHYR: zephyr,
    }[lattice]  # fmt: skip
    qubits = made(*sizes)[0]  # type: ignore[operator]
    coupling = Connectivity(lattice, sizes).coupling(qubits)
    assert coupling is not None
    assert list(coupling) == sorted(set(coupling))
    assert all(0 <= a < b < qubits for a, b in coupling)


def test_places_left_out_take_their_couplings_along() -> None:
    assert Connectivity(Lattice.GRID, (2, 2), (3,)).coupling(3) == ((0, 1), (0, 2))


def test_dead_qubits_are_the_last_ones() -> None:
    assert Connectivity(Lattice.LINE, (5,), dead=2).coupling(3) == ((0, 1), (1, 2))


def test_listed_edges_are_put_in_order() -> None:
    assert Connectivity(Lattice.EDGES, edges=((2, 1), (1, 0))).coupling(3) == ((0, 1), (1, 2))


def test_all_to_all_lists_no_edges() -> None:
    assert Connectivity(Lattice.ALL).coupling(1000) is None


def test_a_lattice_of_another_size_than_the_device_is_refused_with_both_numbers() -> None:
    with pytest.raises(InputError, match="has 6 qubits, not 7"):
        Connectivity(Lattice.GRID, (2, 3)).coupling(7)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: Connectivity(Lattice.GRID, (3,)), "rows, columns"),
        (lambda: Connectivity(Lattice.GRID, (0, 3)), "from 1"),
        (lambda: Connectivity(Lattice.PEGASUS, (1,)), "start at 2"),
        (lambda: Connectivity(Lattice.GRID, (1000, 1000)), "more than 100000 qubits"),
        (lambda: Connectivity(Lattice.LINE, (3,), dead=-1), "dead"),
        (lambda: Connectivity(Lattice.LINE, (3,), edges=((0, 1),)), "for no other"),
        (lambda: Connectivity(Lattice.EDGES), "edges are listed"),
        (lambda: Connectivity(Lattice.EDGES, edges=((1, 1),)), "two different"),
        (lambda: Connectivity(Lattice.LINE, (3,), (9,)).coupling(3), "place 9"),
        (lambda: Connectivity(Lattice.EDGES, edges=((0, 5),)).coupling(3), "qubit 5"),
    ],
)
def test_what_is_no_connectivity_is_refused(made: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        made()  # type: ignore[operator]
