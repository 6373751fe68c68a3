"""`python -m qupel` is the command `qupel`."""

from __future__ import annotations

from qupel.cli.main import main

if __name__ == "__main__":
    main()
