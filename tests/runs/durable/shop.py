"""Functions of stages, some of which count their calls or kill the worker that asked for them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np


def rows(count: int) -> list[dict[str, Any]]:
    return [{"item": i, "weight": float(i % 7)} for i in range(count)]


def scored(table: list[dict[str, Any]], factor: float = 2.0) -> list[float]:
    return [factor * row["weight"] for row in table]


def drawn(rng: np.random.Generator) -> list[float]:
    return [float(number) for number in rng.random(3)]


def total(numbers: list[float]) -> float:
    return sum(numbers)


def both(numbers: list[float]) -> dict[str, Any]:
    return {"least": min(numbers), "most": max(numbers)}


def broken(numbers: list[float]) -> float:
    raise ValueError("no such thing")


def unlucky(numbers: list[float]) -> float:
    raise RuntimeError("an error of any kind")


class OddError(Exception):
    """An error of one's own, which cannot be sent."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def odd(numbers: list[float]) -> float:
    raise OddError(1, 2)


def loud() -> float:
    print("heard on the way")  # noqa: T201  what a user's function may do
    return 1.0


def not_a_number(numbers: list[float]) -> float:
    return float("nan")


def wrong(numbers: list[float]) -> str:
    return "text"


def sleeping(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def counted(mark: str, seconds: float = 0.0) -> int:
    """Write a line for every call; wait; give how many there are."""
    with Path(mark).open("a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(seconds)
    return 1


def deadly(mark: str, times: int = 1) -> int:
    """Kill the worker that asked, so many times; then answer."""
    path = Path(mark)
    with path.open("a") as file:
        file.write("x")
    if len(path.read_text()) <= times:
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(10)
    return times


def checked(problem: dict[str, Any]) -> dict[str, Any]:
    return problem


def counted_after(mark: str, after: float) -> int:
    """Write a line for every call."""
    return counted(mark)


def scored_behind(table: list[dict[str, Any]], gate: str) -> list[float]:
    """Score once a file is there."""
    while not Path(gate).exists():
        time.sleep(0.01)
    return scored(table)


def endless(numbers: list[float]) -> float:
    while True:
        pass
