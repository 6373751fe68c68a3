"""What part of a side-by-side measurement to run."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch

from perf.alternate import Entrant


@dataclass(frozen=True)
class Options:
    """A whole measurement is published; a part of one is only kept under ``build/perf``.

    Attributes
    ----------
    peers
        Entrants beside Qupel, by name; none named means all.
    cases
        Patterns of case names, as of files; none named means all.
    rounds
        Turns an entrant at most.
    quick
        Small cases and few turns, to see that everything runs.
    seeds
        Seeds of each search.
    fresh
        Whether to make runs anew that an earlier measurement kept.
    """

    peers: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()
    rounds: int = 7
    quick: bool = False
    seeds: int = 3
    fresh: bool = False

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        fewer = self.rounds < 5 or self.seeds < 3
        return not (self.peers or self.cases or self.quick or fewer)

    def entrants(self, all_of_them: Sequence[Entrant]) -> list[Entrant]:
        """Return Qupel and the peers asked for."""
        return [
            entrant
            for entrant in all_of_them
            if not self.peers or entrant.peer == "qupel" or entrant.name in self.peers
        ]

    def takes(self, case: str) -> bool:
        """Whether a case is asked for, by name."""
        return not self.cases or any(fnmatch(case, pattern) for pattern in self.cases)


def parse(arguments: Sequence[str], names: Sequence[str]) -> tuple[list[str], Options]:
    """Names of measurements, and the part of them to run."""
    parser = argparse.ArgumentParser(
        prog="python -m perf", description="Measure; see CONTRIBUTING."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    parser.add_argument("--peers", default="", help="some peers only, by name, with commas")
    parser.add_argument("--cases", default="", help="some cases only, patterns with commas")
    parser.add_argument("--rounds", type=int, default=7, help="turns an entrant at most")
    parser.add_argument("--quick", action="store_true", help="small cases, few turns")
    parser.add_argument("--seeds", type=int, default=3, help="seeds of each search")
    parser.add_argument("--fresh", action="store_true", help="make kept runs anew")
    given = parser.parse_args(arguments)
    for name in given.names:
        if name not in names:
            parser.error(f"unknown measurement {name!r}; known: {', '.join(names)}")
    options = Options(
        peers=tuple(filter(None, given.peers.split(","))),
        cases=tuple(filter(None, given.cases.split(","))),
        rounds=given.rounds,
        quick=given.quick,
        seeds=given.seeds,
        fresh=given.fresh,
    )
    return given.names, options
