"""What part of the promises to try, and how."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

#: Told how far a section is, in a line.
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """How to try promises; the whole of them is published, a part is only kept under ``build``.

    Attributes
    ----------
    quick
        Few jobs and kills, to see that everything runs.
    seed
        Decides everything that is drawn; a run is repeated by it as far as processes can be.
    database
        URL of a PostgreSQL server, or a folder for SQLite files; the usual ones if empty.
    fresh
        Whether to try anew what an interrupted run has tried already.
    """

    quick: bool = False
    seed: int = 0
    database: str = ""
    fresh: bool = False

    def size(self, whole: int, quick: int) -> int:
        """How many of something."""
        return quick if self.quick else whole


def parse(arguments: Sequence[str], names: Sequence[str]) -> tuple[list[str], Options]:
    """Names of sections, and how to run them."""
    parser = argparse.ArgumentParser(
        prog="python -m chaos", description="Try promises against the provider emulator."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    parser.add_argument("--quick", action="store_true", help="few jobs and kills")
    parser.add_argument("--seed", type=int, default=0, help="decides everything that is drawn")
    parser.add_argument("--database", default="", help="PostgreSQL URL, or a folder for SQLite")
    parser.add_argument("--fresh", action="store_true", help="forget an interrupted run")
    given = parser.parse_args(arguments)
    for name in given.names:
        if name not in names:
            parser.error(f"unknown section {name!r}; known: {', '.join(names)}")
    if given.seed < 0:
        parser.error("a seed is at least 0")
    return given.names, Options(given.quick, given.seed, given.database, given.fresh)
