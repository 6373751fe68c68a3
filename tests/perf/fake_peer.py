"""A peer for tests: does what its options say, in the environment of the tests."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

PACKAGES = ("numpy",)


def prepare(task: str, instance: dict[str, Any], options: dict[str, Any], threads: int) -> Any:
    def run(at: dict[str, Any]) -> dict[str, Any]:
        sys.stdout.write("libraries write what they like\n")
        if "raise" in options:
            raise ValueError(options["raise"])
        if "exit" in options:
            os._exit(options["exit"])
        time.sleep(options.get("sleep", 0.0))
        if "diary" in options:
            with Path(options["diary"]).open("a", encoding="utf-8") as diary:
                diary.write(options["name"])
        return {"sum": instance["numbers"].sum() + at["more"], "cores": threads}

    return run, f"{task} prepared"
