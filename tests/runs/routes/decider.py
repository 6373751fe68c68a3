"""A process that decides by a route, together with others: see `test_databases`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from qupel.runs.routes.service import Routes
from tests.runs.routes.conftest import BRISK, CUT, route_to
from tests.runs.routes.providers import Rogue


def main(where: str, provider: str, folder: Path, number: str, count: int) -> None:
    """Decide ``count`` times as soon as everybody is ready, and print what came of it."""
    rogue = Rogue(provider=provider)
    routes = Routes(
        where,
        backend=lambda name: rogue,
        lock=None,
        folder=folder / f"machine{number}",
        patience=BRISK,
    )
    with routes:
        routes.warm(route_to(rogue), CUT)
        (folder / f"ready{number}").touch()
        while not (folder / "go").exists():
            time.sleep(0.01)
        made = []
        for _ in range(count):
            begun = time.monotonic()
            decision = routes[provider].decide(CUT)
            seconds = time.monotonic() - begun
            made.append({"seconds": seconds, "feasible": decision.feasible, "why": decision.why})
    sys.stdout.write(json.dumps({"decisions": made, "accepted": rogue.accepted}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
