"""A worker in a process of its own, on a database and an emulator that a test names."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

ROOT = Path(__file__).parents[3]


def started(
    database: str | Path,
    *options: str,
    log: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[str]:
    """Start ``qupel worker``; providers of the name ``emulator`` are those of the environment."""
    said = Path(os.devnull) if log is None else log
    with said.open("a") as file:  # a pipe that nobody reads would stop it
        return subprocess.Popen(
            [sys.executable, "-m", "tests.runs.durable.harness", str(database), *options],
            cwd=ROOT,
            env={**os.environ, **(environment or {}), "PYTHONPATH": str(ROOT)},
            stdout=file,
            stderr=file,
            text=True,
        )


def main() -> None:
    from qupel.backends import registry
    from qupel.cli.worker import worker

    class Point:
        def load(self) -> Any:
            from qupel.backends.adapters import neutral

            return neutral.open

    points: Any = registry.providers()
    points["emulator"] = Point()
    database, *options = sys.argv[1:]
    settings: dict[str, Any] = {"once": "--once" in options, "drain": 5.0}
    for option in options:
        name, equals, value = option.partition("=")
        if equals:
            settings[name] = value.split(",") if name == "queue" else type_of[name](value)
    given = {"concurrency": 2, "queue": None, "name": None, "lease": 15.0, "json_logs": True}
    try:
        worker(database=database, **{**given, **settings})
    except typer.Exit as ended:
        sys.exit(ended.exit_code)


type_of: dict[str, Any] = {"concurrency": int, "name": str, "lease": float, "drain": float}

if __name__ == "__main__":
    main()
