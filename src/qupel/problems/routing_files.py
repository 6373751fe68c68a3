"""Files of vehicle routing: VRPLIB and Solomon instances, CVRPLIB and SINTEF solutions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, TypeVar

import numpy as np
from jaxtyping import Float64

from qupel.errors import InputError
from qupel.model.formats import read_text
from qupel.problems.routing import Routes
from qupel.problems.routing_places import Places, Rounding

T = TypeVar("T")

#: Nodes of a file at most; their distances are held as a full matrix.
MOST_NODES = 20_000
#: Numbers of a file at most, so that sums of them stay exact.
LARGEST = 1e12

_EDGE_ROUNDING: dict[str, Rounding] = {
    "EUC_2D": "nearest",
    "CEIL_2D": "up",
    "FLOOR_2D": "down",
    "EXACT_2D": "none",
    "EXPLICIT": "given",
}
_SECTIONS = {
    "NODE_COORD_SECTION",
    "DEMAND_SECTION",
    "DEPOT_SECTION",
    "EDGE_WEIGHT_SECTION",
    "DISPLAY_DATA_SECTION",
}
# Keywords that change what a feasible route is, so that ignoring them would be wrong.
_UNSUPPORTED = {"DISTANCE", "SERVICE_TIME", "BACKHAUL_SECTION", "TIME_WINDOW_SECTION"}
_ROUTE = re.compile(r"^\s*route\s*#?\s*(\d+)\s*:(.*)$", re.IGNORECASE)
_VRPLIB_LINE = re.compile(r"^\s*TYPE\s*:\s*A?CVRP\b", re.MULTILINE | re.IGNORECASE)
_SOLOMON_LINE = re.compile(r"^\s*CUST\s+NO\.?\s+XCOORD.*READY", re.MULTILINE | re.IGNORECASE)


@dataclass(slots=True)
class Capacitated:
    """What a VRPLIB file says."""

    name: str = ""
    nodes: int = 0
    capacity: int = 0
    vehicles: int | None = None
    rounding: Rounding = "nearest"
    coordinates: Float64[np.ndarray, "n 2"] | None = None
    distances: Float64[np.ndarray, "n n"] | None = None
    demands: list[int] = field(default_factory=list)

    @property
    def places(self) -> Places:
        """Distances as the file means them."""
        if self.rounding == "given":
            return Places.apart(self.distances, coordinates=self.coordinates)
        return Places.at(self.coordinates, self.rounding)


@dataclass(slots=True)
class Windowed:
    """What a Solomon file says; one row a node."""

    name: str
    vehicles: int
    capacity: int
    rows: Float64[np.ndarray, "n 7"]


def is_vrplib(head: str) -> bool:
    """Whether a file that begins with ``head`` is a capacitated problem in VRPLIB format."""
    return bool(_VRPLIB_LINE.search(head))


def is_solomon(head: str) -> bool:
    """Whether a file that begins with ``head`` is in Solomon's format."""
    return bool(_SOLOMON_LINE.search(head))


def read_vrplib(path: Path) -> Capacitated:
    """Read a capacitated problem in VRPLIB (TSPLIB 95) format."""
    reader = _Lines(path)
    found = Capacitated(name=path.stem)
    format_ = "FULL_MATRIX"
    for line in reader:
        key, _, value = (part.strip() for part in line.partition(":"))
        match key.upper():
            case "NAME":
                found.name = value or found.name
            case "DIMENSION":
                found.nodes = reader.whole(value, "DIMENSION", least=2)
                if found.nodes > MOST_NODES:
                    reader.fail(f"DIMENSION {value} is beyond {MOST_NODES:,}; mend the header")
            case "CAPACITY":
                found.capacity = reader.whole(value, "CAPACITY", least=1)
            case "VEHICLES" | "TRUCKS":
                found.vehicles = reader.whole(value, key, least=1)
            case "EDGE_WEIGHT_TYPE":
                found.rounding = reader.choice(value, "EDGE_WEIGHT_TYPE", _EDGE_ROUNDING)
            case "EDGE_WEIGHT_FORMAT":
                format_ = value.upper()
            case "NODE_COORD_SECTION":
                found.coordinates = _coordinates(reader, found.nodes)
            case "DEMAND_SECTION":
                found.demands = _demands(reader, found.nodes)
            case "DEPOT_SECTION":
                _depot(reader)
            case "EDGE_WEIGHT_SECTION":
                found.distances = _matrix(reader, found.nodes, format_)
            case "EOF":
                break
            case "TYPE" if value.upper() not in {"CVRP", "ACVRP"}:
                reader.fail(f"TYPE {value!r} is not read here; expected CVRP")
            case word if word in _UNSUPPORTED:
                reader.fail(f"{word} is not supported; remove it only if it does not bind")
            case word if word.endswith("_SECTION") and word not in _SECTIONS:
                reader.fail(f"unknown section {word}")
            case _:
                continue
    return _complete(found, reader)


def _complete(found: Capacitated, reader: _Lines) -> Capacitated:
    missing = [
        word
        for word, absent in (
            ("DIMENSION", not found.nodes),
            ("CAPACITY", not found.capacity),
            ("DEMAND_SECTION", not found.demands),
            ("EDGE_WEIGHT_SECTION", found.rounding == "given" and found.distances is None),
            ("NODE_COORD_SECTION", found.rounding != "given" and found.coordinates is None),
        )
        if absent
    ]
    if missing:
        reader.fail(f"the file ends without {', '.join(missing)}")
    return found


def _coordinates(reader: _Lines, nodes: int) -> Float64[np.ndarray, "n 2"]:
    places = np.zeros((nodes, 2))
    for expected in range(1, nodes + 1):
        line = reader.take("NODE_COORD_SECTION")
        words = line.split()
        if len(words) != 3 or reader.whole(words[0], "node") != expected:
            reader.fail(f"expected 'node x y' of node {expected}, got {line.strip()!r}")
        places[expected - 1] = [reader.number(word, "coordinate") for word in words[1:]]
    return places


def _demands(reader: _Lines, nodes: int) -> list[int]:
    if not nodes:
        reader.fail("DEMAND_SECTION comes before DIMENSION; put DIMENSION first")
    demands = []
    for expected in range(1, nodes + 1):
        line = reader.take("DEMAND_SECTION")
        words = line.split()
        if len(words) != 2 or reader.whole(words[0], "node") != expected:
            reader.fail(f"expected 'node demand' of node {expected}, got {line.strip()!r}")
        demands.append(reader.whole(words[1], "demand", least=0))
    if demands[0] != 0:
        reader.fail(f"the depot, node 1, must have demand 0, got {demands[0]}")
    return demands


def _depot(reader: _Lines) -> None:
    words: list[str] = []
    while not words or words[-1] != "-1":
        words += reader.take("DEPOT_SECTION").split()
    if words != ["1", "-1"]:
        reader.fail(f"one depot, node 1, is supported; the file lists {' '.join(words[:-1])}")


def _matrix(reader: _Lines, nodes: int, format_: str) -> Float64[np.ndarray, "n n"]:
    cells: dict[str, Callable[[], np.ndarray]] = {
        "FULL_MATRIX": lambda: np.indices((nodes, nodes)).reshape(2, -1),
        "LOWER_ROW": lambda: np.array(np.tril_indices(nodes, -1)),
        "LOWER_DIAG_ROW": lambda: np.array(np.tril_indices(nodes)),
        "UPPER_ROW": lambda: np.array(np.triu_indices(nodes, 1)),
        "UPPER_DIAG_ROW": lambda: np.array(np.triu_indices(nodes)),
    }
    rows, columns = reader.choice(format_, "EDGE_WEIGHT_FORMAT", cells)()
    values: list[float] = []
    while len(values) < rows.size:
        line = reader.take("EDGE_WEIGHT_SECTION")
        values += [reader.number(word, "distance", least=0) for word in line.split()]
    if len(values) > rows.size:
        reader.fail(f"EDGE_WEIGHT_SECTION has {len(values)} numbers, expected {rows.size}")
    matrix = np.zeros((nodes, nodes))
    matrix[rows, columns] = values
    if format_ != "FULL_MATRIX":
        matrix[columns, rows] = values
    np.fill_diagonal(matrix, 0.0)
    return matrix


def read_solomon(path: Path) -> Windowed:
    """Read a problem with time windows in Solomon's format."""
    reader = _Lines(path)
    lines = [(reader.number_of_line, line) for line in reader]
    words = [(number, line.split()) for number, line in lines]
    try:
        vehicle = next(k for k, (_, w) in enumerate(words) if w[0].upper() == "NUMBER")
        customer = next(k for k, (_, w) in enumerate(words) if w[0].upper() == "CUST")
    except StopIteration:
        reader.fail("expected the lines 'NUMBER CAPACITY' and 'CUST NO. XCOORD. …'")
    if vehicle + 1 >= len(words) or len(words[vehicle + 1][1]) != 2:
        reader.fail("expected two numbers below 'NUMBER CAPACITY'", words[vehicle][0] + 1)
    reader.number_of_line = words[vehicle + 1][0]
    vehicles, capacity = (
        reader.whole(word, what, least=1)
        for word, what in zip(words[vehicle + 1][1], ("NUMBER", "CAPACITY"), strict=True)
    )
    rows: list[list[float]] = []
    for number, row in words[customer + 1 :]:
        reader.number_of_line = number
        if len(row) != 7:
            reader.fail(f"expected 7 numbers a customer, got {len(row)}: {' '.join(row)!r}")
        values = [reader.number(word, "customer") for word in row]
        if values[0] != len(rows):
            reader.fail(f"expected customer {len(rows)}, got {row[0]}")
        if values[4] > values[5]:
            reader.fail(f"ready time {row[4]} is after the due date {row[5]}")
        rows.append(values)
    if len(rows) < 2:
        reader.fail("the file has no customers; expected a depot and at least one")
    return Windowed(lines[0][1].strip(), vehicles, capacity, np.array(rows))


def read_routes(text: str) -> Routes:
    """Read a solution: lines ``Route #1: 3 1 2`` (CVRPLIB) or ``Route 1 : 3 1 2`` (SINTEF).

    ``Cost`` and SINTEF's head lines are passed over. The vehicle type of a route may follow
    its stops as ``@ type``.
    """
    stops: list[tuple[int, ...]] = []
    vehicles: list[int] = []
    for number, line in enumerate(text.splitlines(), 1):
        route = _ROUTE.match(line)
        if route is None:
            if re.match(r"^\s*(#.*)?$|^\s*cost\b", line, re.IGNORECASE) or not stops:
                continue
            raise InputError(
                f"line {number}: expected 'Route #{len(stops) + 1}: stops' or 'Cost value', "
                f"got {line.strip()!r}"
            )
        if int(route[1]) != len(stops) + 1:
            raise InputError(f"line {number}: expected route {len(stops) + 1}, got {route[1]}")
        visits, _, kind = route[2].partition("@")
        try:
            stops.append(tuple(int(word) for word in visits.split()))
            vehicles.append(int(kind) if kind.strip() else 0)
        except ValueError as error:
            raise InputError(
                f"line {number}: a route is a list of customer numbers, got {route[2].strip()!r}"
            ) from error
    if not stops:
        raise InputError("line 1: no line 'Route #1: …' was found; is this a solution file?")
    return Routes(tuple(stops), tuple(vehicles))


def write_routes(routes: Routes, cost: float) -> str:
    """Write a solution in CVRPLIB's format; vehicle types other than 0 follow as ``@ type``."""
    lines = []
    kept = [pair for pair in zip(routes.stops, routes.vehicles, strict=True) if pair[0]]
    for number, (route, kind) in enumerate(kept, 1):
        vehicle = f" @ {kind}" if kind else ""
        lines.append(f"Route #{number}: {' '.join(map(str, route))}{vehicle}")
    lines.append(f"Cost {cost:.10g}" if cost != int(cost) else f"Cost {int(cost)}")
    return "\n".join(lines) + "\n"


class _Lines:
    """Lines of a file that are neither empty nor a comment, with the place for messages."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.number_of_line = 0
        self._lines = self._walk(read_text(path))

    def _walk(self, text: str) -> Iterator[str]:
        for number, line in enumerate(text.splitlines(), 1):
            self.number_of_line = number
            if line.strip() and not line.lstrip().startswith("#"):
                yield line

    def __iter__(self) -> Iterator[str]:
        return self._lines

    def take(self, section: str) -> str:
        """Next line of a section."""
        line = next(self._lines, None)
        if line is None:
            self.fail(f"the file ends inside {section}")
        return line

    def number(self, word: str, what: str, least: float = -np.inf) -> float:
        """Return a finite number of at least ``least``."""
        try:
            value = float(word)
        except ValueError:
            self.fail(f"{what} must be a number, got {word!r}")
        if not (np.isfinite(value) and value >= least):
            self.fail(f"{what} must be finite and at least {least:g}, got {word}")
        if abs(value) > LARGEST:
            self.fail(f"{what} {word} is beyond {LARGEST:g}; choose a larger unit")
        return value

    def whole(self, word: str, what: str, least: int = 0) -> int:
        """Return a whole number of at least ``least``."""
        value = self.number(word, what, least)
        if value != int(value):
            self.fail(f"{what} must be a whole number, got {word}")
        return int(value)

    def choice(self, word: str, what: str, known: dict[str, T]) -> T:
        """Return what ``word`` stands for."""
        if word.upper() not in known:
            self.fail(f"{what} {word!r} is not supported; known: {', '.join(known)}")
        return known[word.upper()]

    def fail(self, message: str, line: int | None = None) -> NoReturn:
        raise InputError(f"{self.path}, line {line or self.number_of_line}: {message}")
