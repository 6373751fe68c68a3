from pathlib import Path

import pytest

from qupel.errors import InputError
from qupel.problems.cvrp import CapacitatedRouting
from qupel.problems.routing import Routes
from qupel.problems.routing_files import read_routes, write_routes
from qupel.problems.vrptw import WindowRouting

VRP = """\
NAME : tiny
TYPE : CVRP
DIMENSION : 3
EDGE_WEIGHT_TYPE : {kind}
CAPACITY : 10
{body}
DEMAND_SECTION
1 0
2 4
3 {demand}
DEPOT_SECTION
1
-1
EOF
"""
PLANE = "NODE_COORD_SECTION\n1 0 0\n2 3 4\n3 0 1"

SOLOMON = """\
tiny

VEHICLE
NUMBER     CAPACITY
  2         50

CUSTOMER
CUST NO.  XCOORD.   YCOORD.    DEMAND   READY TIME  DUE DATE   SERVICE   TIME

    0      0         0          0          0        100          0
    1      3         4         {demand}          10       60         5
"""


def vrp(tmp_path: Path, kind: str = "EUC_2D", body: str = PLANE, demand: str = "7") -> Path:
    path = tmp_path / "tiny.vrp"
    path.write_text(VRP.format(kind=kind, body=body, demand=demand))
    return path


def test_a_vrplib_file_becomes_a_problem(tmp_path: Path) -> None:
    problem = CapacitatedRouting.from_file(vrp(tmp_path))
    assert problem.name == "tiny"
    assert problem.demands.tolist() == [0, 4, 7]
    assert problem.places.distances[0].tolist() == [0, 5, 1]


@pytest.mark.parametrize(
    ("form", "numbers"),
    [
        ("FULL_MATRIX", "0 5 1\n5 0 4\n1 4 0"),
        ("LOWER_ROW", "5 1\n4"),
        ("LOWER_DIAG_ROW", "0 5 0 1 4 0"),
        ("UPPER_ROW", "5 1 4"),
        ("UPPER_DIAG_ROW", "0 5 1 0 4 0"),
    ],
)
def test_distances_are_read_in_every_layout(tmp_path: Path, form: str, numbers: str) -> None:
    body = f"EDGE_WEIGHT_FORMAT : {form}\nEDGE_WEIGHT_SECTION\n{numbers}"
    problem = CapacitatedRouting.from_file(vrp(tmp_path, "EXPLICIT", body))
    assert problem.places.distances.tolist() == [[0, 5, 1], [5, 0, 4], [1, 4, 0]]


@pytest.mark.parametrize(
    ("kind", "body", "demand", "sentence"),
    [
        ("EUC_2D", PLANE, "x", r"tiny\.vrp, line 13: demand must be a number, got 'x'"),
        ("EUC_2D", PLANE, "11", "customer 2 demands 11, more than the largest capacity 10"),
        ("EUC_3D", PLANE, "7", r"line 4: EDGE_WEIGHT_TYPE 'EUC_3D' is not supported; known: EUC"),
        ("EUC_2D", "NODE_COORD_SECTION\n1 0 0\n3 3 4", "7", "line 8: expected 'node x y' of node"),
        ("EUC_2D", "DISTANCE : 100", "7", "line 6: DISTANCE is not supported"),
        ("EUC_2D", "", "7", "the file ends without NODE_COORD_SECTION"),
        ("EXPLICIT", "EDGE_WEIGHT_FORMAT : UPPER_ROW\nEDGE_WEIGHT_SECTION\n1 2 -3", "7", "line 8"),
    ],
)
def test_a_broken_vrplib_file_says_where(
    tmp_path: Path, kind: str, body: str, demand: str, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        CapacitatedRouting.from_file(vrp(tmp_path, kind, body, demand))


def test_a_solomon_file_becomes_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "tiny.txt"
    path.write_text(SOLOMON.format(demand="7"))
    problem = WindowRouting.from_file(path)
    assert problem.convention == "dimacs"
    assert problem.windows.tolist() == [[0, 100], [10, 60]]
    assert (problem.fleet[0].capacity, problem.fleet[0].available) == (50, 2)
    assert WindowRouting.from_file(path, convention="sintef").convention == "sintef"


def test_a_broken_solomon_file_says_where(tmp_path: Path) -> None:
    path = tmp_path / "tiny.txt"
    path.write_text(SOLOMON.format(demand="seven"))
    with pytest.raises(InputError, match=r"tiny\.txt, line 11: customer must be a number"):
        WindowRouting.from_file(path)
    path.write_text(SOLOMON.format(demand=""))
    with pytest.raises(InputError, match="line 11: expected 7 numbers a customer, got 6"):
        WindowRouting.from_file(path)


def test_both_solution_formats_are_read() -> None:
    cvrplib = "Route #1: 3 1\nRoute #2: 2\nCost 12\n"
    sintef = "Instance name : c1\nDate: 1\nSolution\nRoute  1 : 3 1\nRoute  2 : 2 \n"
    assert read_routes(cvrplib) == read_routes(sintef) == Routes(((3, 1), (2,)))


def test_a_written_solution_keeps_vehicle_types() -> None:
    routes = Routes(((3, 1), (2,)), (0, 1))
    assert write_routes(routes, 12.5) == "Route #1: 3 1\nRoute #2: 2 @ 1\nCost 12.5\n"
    assert read_routes(write_routes(routes, 12.5)) == routes


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "line 1: no line 'Route #1"),
        ("Route #1: 3 one\nCost 1", "line 1: a route is a list of customer numbers, got '3 one'"),
        ("Route #1: 3\nRoute #3: 1", "line 2: expected route 2, got 3"),
        ("Route #1: 3\nrout 2: 1", "line 2: expected 'Route #2: stops'"),
    ],
)
def test_a_malformed_solution_says_where(text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_routes(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("TYPE : CVRP\nDEMAND_SECTION\n1 0\n", "DEMAND_SECTION comes before DIMENSION"),
        ("TYPE : CVRP\nDIMENSION : 4294967297\n", "DIMENSION 4294967297 is beyond 20,000"),
        ("TYPE : CVRP\nDIMENSION : 2\nCAPACITY : 1e300\n", "CAPACITY 1e300 is beyond"),
    ],
)
def test_sizes_that_cannot_be_meant_are_refused_before_memory_is_taken(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "odd.vrp"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        CapacitatedRouting.from_file(path)
