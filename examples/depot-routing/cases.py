"""Cases of the depot pilot: made-up days of a parcel depot at the edge of a town.

Each day has its own 40 to 60 stops, most of them in five quarters of the town. Roads run in two
directions, so that a way is about as long as both legs together, with a detour of up to a third,
not the same in both directions. A kilometre costs 0.38 EUR; a large van 172 EUR a day and a small
one 138 EUR, its driver included. Distances are held in cents, times in whole minutes after seven
o'clock. Shops take goods in the morning, offices in the afternoon, some stops name two hours.
"""

from __future__ import annotations

import numpy as np

from qupel.problems.routing import VehicleType
from qupel.problems.routing_places import Places
from qupel.problems.vrptw import WindowRouting

DAYS = 8
VANS = (
    VehicleType(40, 6, 172.0, "large van"),
    VehicleType(24, 6, 138.0, "small van"),
)
CENTS_A_KM = 38
#: Places of the depot and of the middle of each quarter, in kilometres.
DEPOT = (1.5, 2.0)
QUARTERS = ((6.0, 6.5), (10.5, 4.0), (13.0, 10.0), (7.5, 13.0), (16.5, 6.0))
#: Opening hours in minutes after seven, and how many stops in a hundred keep them.
MORNING, AFTERNOON, ALL_DAY = (60, 300), (270, 540), (30, 600)
SHARES = (0.3, 0.2, 0.35)
CLOSING = 630


def days() -> dict[str, WindowRouting]:
    """Eight days: the cases arms are compared on."""
    return {f"day-{number}": day(number) for number in range(1, DAYS + 1)}


def tuning_days() -> dict[str, WindowRouting]:
    """Four further days that no comparison uses."""
    return {f"tuning-{number}": day(100 + number) for number in range(1, 5)}


def day(seed: int) -> WindowRouting:
    """One day of the depot; equal seeds give equal days."""
    rng = np.random.default_rng(seed)
    stops = int(rng.integers(40, 61))
    places = _addresses(rng, stops)
    kilometres = _roads(rng, places)
    # Faster on longer ways, which lead along main roads: 18 km/h next door, 38 across the town.
    minutes = np.ceil(60 * kilometres / (18 + 20 * np.minimum(1, kilometres / 12))).astype(int)
    return WindowRouting(
        demands=[0, *rng.choice([1, 2, 3, 4, 6], stops, p=[0.3, 0.3, 0.2, 0.15, 0.05])],
        windows=[(0, CLOSING), *(_hours(rng) for _ in range(stops))],
        service=[0, *rng.integers(6, 17, stops)],
        fleet=VANS,
        places=Places.apart(
            np.rint(CENTS_A_KM * kilometres).astype(int), scale=100, coordinates=places
        ),
        durations=minutes,
        name=f"depot, day {seed}",
    )


def _addresses(rng: np.random.Generator, stops: int) -> np.ndarray:
    """The depot, then stops scattered around the quarters, one in six anywhere."""
    middle = np.array(QUARTERS)[rng.integers(0, len(QUARTERS), stops)]
    near = middle + rng.normal(0.0, 1.1, (stops, 2))
    anywhere = rng.uniform((0.0, 0.0), (19.0, 15.0), (stops, 2))
    chosen = np.where(rng.random((stops, 1)) < 1 / 6, anywhere, near)
    return np.vstack([DEPOT, np.round(np.clip(chosen, 0.0, 19.0), 2)])


def _roads(rng: np.random.Generator, places: np.ndarray) -> np.ndarray:
    """Kilometres by road from each place to each other, at least 50 metres."""
    legs = np.abs(places[:, None] - places).sum(axis=2)
    detour = 1 + np.triu(rng.uniform(0.0, 0.28, legs.shape), 1)
    detour = np.maximum(detour, detour.T) + rng.uniform(0.0, 0.05, legs.shape)
    kilometres = np.maximum(0.05, legs * detour)
    np.fill_diagonal(kilometres, 0.0)
    return kilometres


def _hours(rng: np.random.Generator) -> tuple[int, int]:
    """Opening hours of one stop."""
    kind = rng.choice(4, p=[*SHARES, 1 - sum(SHARES)])
    if kind < 3:
        return (MORNING, AFTERNOON, ALL_DAY)[kind]
    begin = 30 * int(rng.integers(2, 17))
    return begin, begin + 120
