"""Answers the harness: one JSON request a line on standard input, one reply a line.

``python -m perf.peers.serve NAME`` runs in the environment of the peer, pinned to the cores in
``PERF_CORES``. The module ``perf.peers.NAME`` (or NAME itself, if it has a dot) gives ``PACKAGES``,
whose versions are told, and::

    prepare(task, instance, options, threads) -> (run, note)

``run(arguments)`` does the measured work and returns numbers or arrays by name; ``note`` says what
was chosen. The clocks here are around ``run`` alone, the same for every peer:

- ``{"do": "prepare", "task", "instance": FILE.npz, "options", "threads"}`` loads and builds,
- ``{"do": "run", "arguments", "repeat", "answer": FILE.npz}`` measures and writes the answer.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

Run = Callable[[dict[str, Any]], dict[str, Any]]


class UnsupportedError(Exception):
    """A peer has no such task, or is not asked to do it in this way."""


def main(name: str) -> None:
    """Serve until standard input ends."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core) for core in os.environ["PERF_CORES"].split(",")})
    # What a library prints must not land between our lines.
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    peer = importlib.import_module(name if "." in name else f"perf.peers.{name}")
    run: Run | None = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "prepare":
                run = None  # let go of the last case's memory first
                run, reply = _prepare(peer, request)
            else:
                assert run is not None, "prepare comes first"
                reply = _measure(run, request)
        except Exception as failure:  # noqa: BLE001  whatever a library does wrong is a result
            reply = {"error": f"{type(failure).__name__}: {failure}"[:300]}
        print(json.dumps(reply), file=replies, flush=True)


def _prepare(peer: Any, request: dict[str, Any]) -> tuple[Run, dict[str, Any]]:
    import numpy as np

    with np.load(request["instance"]) as stored:
        instance = {key: stored[key] for key in stored.files}
    begun = time.perf_counter()
    run, note = peer.prepare(request["task"], instance, request["options"], request["threads"])
    seconds = time.perf_counter() - begun
    versions = {package: importlib.metadata.version(package) for package in peer.PACKAGES}
    return run, {"seconds": seconds, "note": note, "versions": versions}


def _measure(run: Run, request: dict[str, Any]) -> dict[str, Any]:
    import numpy as np

    arguments, repeat = request["arguments"], int(request["repeat"])
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(repeat):
        answer = run(arguments)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    arrays = {key: np.asarray(value) for key, value in answer.items()}
    np.savez(request["answer"], allow_pickle=False, **arrays)
    return {"seconds": wall / repeat, "cpu": cpu / repeat}


if __name__ == "__main__":
    main(sys.argv[1])
