"""Fan-out: equal results of processes and of Ray, and what a cell costs beyond its function."""

from __future__ import annotations

import importlib.util
import time
from typing import Any

from tests.runs.compute.cells import drawn

from chaos.finding import Finding
from chaos.options import Options, Say
from qupel.runs.compute import Options as Mapping
from qupel.runs.compute import compute


def main(options: Options, say: Say) -> list[Finding]:
    """Map over cells by each pool there is."""
    cells = options.size(2000, 100)
    expected = [drawn(seed) for seed in range(cells)]
    with_ray = importlib.util.find_spec("ray") is not None and not options.quick
    found, equal, told = {}, True, []
    for name in ("processes", *(("ray",) if with_ray else ())):
        found[name] = measured(name, cells)
        equal = equal and found[name].pop("values") == expected
        told.append(
            f"{name} {found[name]['alone']:.0f} µs a cell alone, "
            f"{found[name]['in chunks']:.1f} in chunks"
        )
        say(told[-1])
    missing = "" if with_ray else " (without Ray)"
    return [
        Finding(
            promise="fan-out: equal results whoever computes",
            target="equal byte for byte to a plain loop",
            figure=f"{'equal' if equal else 'DIFFERENT'}{missing}; {'; '.join(told)}",
            n=f"{cells} cells, 2 processes",
            passed=equal,
            details=found,
        )
    ]


def measured(name: str, cells: int) -> dict[str, Any]:
    """Values of all cells, and microseconds for each, sent alone and in chunks of a hundred."""
    pool = compute(name, 2)
    try:
        pool.map(drawn, range(4))  # whoever starts up is ready now
        found: dict[str, Any] = {}
        for words, chunk in (("alone", 1), ("in chunks", 100)):
            began = time.perf_counter()
            made = pool.map(drawn, range(cells), Mapping(chunk=chunk))
            found[words] = (time.perf_counter() - began) / cells * 1e6
            values = [cell.get() for cell in made]
            found["values"] = values if found.get("values", values) == values else []
    finally:
        pool.close()
    return found
