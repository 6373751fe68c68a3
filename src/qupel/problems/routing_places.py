"""Where the nodes of a routing problem lie, and how far it is from one to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from jaxtyping import Float64, Shaped

from qupel.errors import InputError

#: How coordinates become distances. ``nearest`` whole number (TSPLIB EUC_2D), ``up`` (CEIL_2D),
#: ``down`` (FLOOR_2D), ``tenth``: truncated to one decimal (DIMACS), ``none``: real-valued
#: (SINTEF), ``given``: the matrix is data.
Rounding = Literal["nearest", "up", "down", "tenth", "none", "given"]


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Distances between nodes, node 0 being the depot.

    Attributes
    ----------
    distances
        From node to node, in ticks; whole numbers (int64) where the rounding makes them so.
    scale
        Ticks in one unit of distance.
    rounding
        How coordinates became distances; ``given`` if the distances are data.
    coordinates
        Place of each node; None if unknown.
    """

    distances: Shaped[np.ndarray, "n n"]
    scale: int
    rounding: Rounding
    coordinates: Float64[np.ndarray, "n 2"] | None

    @classmethod
    def at(cls, coordinates: Any, rounding: Rounding) -> Self:
        """Places on a plane, their distances rounded."""
        places = _checked_coordinates(coordinates)
        distances, scale = distances_between(places, rounding)
        return cls(distances, scale, rounding, places)

    @classmethod
    def apart(cls, distances: Any, *, scale: int = 1, coordinates: Any = None) -> Self:
        """Places known by their distances in ticks; coordinates serve the map alone."""
        matrix = checked_distances(distances, np.shape(distances)[0], "distances")
        if scale < 1:
            raise InputError(f"scale must be at least 1, got {scale}")
        places = None if coordinates is None else _checked_coordinates(coordinates)
        if places is not None and len(places) != len(matrix):
            raise InputError(f"{len(places)} coordinates do not fit {len(matrix)} nodes")
        return cls(matrix, int(scale), "given", places)

    @property
    def nodes(self) -> int:
        """Number of nodes, the depot included."""
        return int(self.distances.shape[0])

    def document(self) -> dict[str, Any]:
        """Plain JSON values: coordinates with their rounding, or the distances."""
        places = None if self.coordinates is None else self.coordinates.tolist()
        if self.rounding != "given":
            return {"coordinates": places, "rounding": self.rounding}
        return {
            "distances": self.distances.tolist(), "scale": self.scale, "coordinates": places
        }  # fmt: skip

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild the places from `document`."""
        if "rounding" in document:
            return cls.at(document["coordinates"], document["rounding"])
        return cls.apart(
            document["distances"], scale=document["scale"], coordinates=document["coordinates"]
        )


def distances_between(
    places: Float64[np.ndarray, "n 2"], rounding: Rounding
) -> tuple[Shaped[np.ndarray, "n n"], int]:
    """Return distances between places in ticks, and how many ticks make a unit."""
    x, y = np.asarray(places, np.float64).T
    real = np.sqrt((x[:, None] - x) ** 2 + (y[:, None] - y) ** 2)
    match rounding:
        case "nearest":
            return np.floor(real + 0.5).astype(np.int64), 1
        case "up":
            return np.ceil(real).astype(np.int64), 1
        case "down":
            return np.floor(real).astype(np.int64), 1
        case "tenth":
            return np.floor(real * 10).astype(np.int64), 10
        case "none":
            return real, 1
        case _:
            raise InputError(f"rounding {rounding!r} needs a distance matrix")


def checked_distances(distances: Any, nodes: int, name: str) -> Shaped[np.ndarray, "n n"]:
    """Return a square matrix for so many nodes, whole numbers as int64, others as float64."""
    matrix = np.asarray(distances)
    if matrix.shape != (nodes, nodes):
        raise InputError(f"{name} must have shape ({nodes}, {nodes}), got {matrix.shape}")
    held = matrix.astype(np.float64)
    if not np.isfinite(held).all() or (held < 0).any():
        raise InputError(f"{name} must be finite and at least 0")
    if np.diag(held).any():
        raise InputError(f"{name} must be 0 from a node to itself")
    return held.astype(np.int64) if (held == np.floor(held)).all() else held


def _checked_coordinates(coordinates: Any) -> Float64[np.ndarray, "n 2"]:
    places = np.asarray(coordinates, np.float64)
    if places.ndim != 2 or places.shape[1] != 2 or not np.isfinite(places).all():
        raise InputError(f"coordinates must be finite, of shape (n, 2), got {places.shape}")
    return places
