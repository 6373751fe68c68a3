"""Functions of cells: well-behaved, raising, slow, and deadly."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np


def square(number: int) -> int:
    return number * number


def drawn(seed: int) -> bytes:
    return np.random.default_rng(seed).random(5).tobytes()


def even(number: int) -> int:
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number


def deadly(given: tuple[int, str]) -> int:
    """Kill the process at number 7, the first time."""
    number, mark = given
    if number == 7 and not Path(mark).exists():
        Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def always_deadly(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def sleeping(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


class OddError(Exception):
    """Cannot be pickled: it wants more than its message."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def odd_error(number: int) -> int:
    raise OddError(number, 2)


def unsendable(number: int) -> object:
    return lambda: number


def marked(given: tuple[int, str]) -> int:
    """Take a while, and leave a line in a file for every time it is done."""
    number, folder = given
    time.sleep(0.4)
    with (Path(folder) / "done").open("a") as file:
        file.write(f"{number}\n")
    return number


class Sealed:
    """Is pickled, and raises when it is read."""

    def __reduce__(self) -> tuple[object, ...]:
        return seal, ()


def seal() -> None:
    raise ValueError("sealed")


def sealed(number: int) -> object:
    return Sealed() if number == 1 else number


def same(given: object) -> object:
    return given


def ending(number: int) -> int:
    if number == 1:
        sys.exit(3)
    return number
