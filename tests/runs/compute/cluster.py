"""Run apart: map cells over whatever ``QUPEL_COMPUTE`` names, and print what became of them."""

from __future__ import annotations

import hashlib
import pickle
import sys
from pathlib import Path

from qupel.errors import QupelError
from qupel.runs.compute import Journal, Options, compute
from tests.runs.compute import cells


def main(what: str, folder: Path) -> None:
    """Map drawn numbers, or cells that are slow and leave a mark, kept in a journal."""
    with compute(processes=2) as pool:
        try:
            if what == "drawn":
                made = [cell.get() for cell in pool.map(cells.drawn, range(300), Options(chunk=50))]
                sys.stdout.write(hashlib.sha256(pickle.dumps(made)).hexdigest())
                return
            given = [(number, str(folder)) for number in range(12)]
            options = Options(chunk=1, journal=Journal(folder / "cells.journal"))
            found = pool.map(cells.marked, given, options)
            sys.stdout.write(str([cell.value for cell in found]))
        except (QupelError, KeyboardInterrupt) as error:
            sys.stdout.write(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
