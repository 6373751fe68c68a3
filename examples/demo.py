"""Run the shipped pilots on real input, one after the other; memos land in ``out/``.

Run it with ``make demo``. A second run finds every cell done and only draws the memos again;
remove ``out/`` to measure anew.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

EXAMPLES = Path(__file__).parent
OUT = EXAMPLES.parent / "out"


def main() -> int:
    """Run every pilot; the worst exit code."""
    started = time.monotonic()
    worst = 0
    for pilot in sorted(EXAMPLES.glob("*/pilot.yaml")):
        print(f"\n== {pilot.parent.name}", flush=True)
        ended = subprocess.run(  # noqa: S603  our own command
            [sys.executable, "-m", "qupel", "run", str(pilot), "--home", str(OUT / "home"),
             "--out", str(OUT / pilot.parent.name)],
            check=False,
        )  # fmt: skip
        worst = max(worst, ended.returncode)
    print(f"\n{time.monotonic() - started:.0f} s; open out/*/memo.html")
    return worst


if __name__ == "__main__":
    sys.exit(main())
