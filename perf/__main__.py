"""`python -m perf [NAME …]`: all measurements, or those that are named."""

from __future__ import annotations

import sys

from perf import heawood, proofs, routing, search

SECTIONS = {
    "heawood": heawood.main,
    "proofs": proofs.main,
    "search": search.main,
    "routing": routing.main,
}


def main(names: list[str]) -> None:
    """Run measurements by name."""
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        raise SystemExit(f"unknown measurement {unknown[0]!r}; known: {', '.join(SECTIONS)}")
    for name in names or SECTIONS:
        print(f"\n== {name}", flush=True)
        SECTIONS[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
