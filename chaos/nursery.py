"""Processes that can be killed by the hundred: forked from one that has imported everything.

Whoever is forked stays a zombie until `Nursery.over` asks, so that a number always names the
process that was meant.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

#: Imported before anybody is forked.
PRELOADED = ("chaos.hands",)


@dataclass(slots=True, eq=False)
class Nursery:
    """Starts processes, and tells how they ended.

    Attributes
    ----------
    process
        The one that forks.
    """

    process: subprocess.Popen[str]

    def start(self, function: str, given: Mapping[str, Any]) -> int:
        """Run ``module:function`` on plain data in a process of its own; return its number."""
        return int(self._ask({"start": function, "given": dict(given)}))

    def over(self) -> dict[int, int]:
        """Numbers of processes that have ended since the last call, with their exit statuses.

        A negative status is the number of the signal that killed it.
        """
        return {int(pid): status for pid, status in self._ask({"over": True}).items()}

    def _ask(self, question: Mapping[str, Any]) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@contextlib.contextmanager
def nursery(said: Path) -> Iterator[Nursery]:
    """Open a nursery; what its processes say goes to a file. All are killed at the end."""
    with said.open("a") as told:
        process = subprocess.Popen(
            [sys.executable, "-m", "chaos.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=told,
            text=True,
        )
        with process:
            yield Nursery(process)
            assert process.stdin is not None
            process.stdin.close()


def serve() -> None:
    """Fork whoever is asked for, until nobody asks any more; then kill those who are left."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever began this ends it
    for module in PRELOADED:
        import_module(module)
    alive: set[int] = set()
    for line in sys.stdin:
        question = json.loads(line)
        if "start" in question:
            alive.add(pid := _fork(question["start"], question["given"]))
            print(pid, flush=True)
        else:
            ended = _ended(alive)
            alive -= set(ended)
            print(json.dumps(ended), flush=True)
    for pid in alive:
        os.kill(pid, signal.SIGKILL)
    for pid in alive:
        os.waitpid(pid, 0)


def _fork(function: str, given: Mapping[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.dup2(2, 1)  # what it prints must not be taken for an answer
        os.close(0)
        module, _, name = function.partition(":")
        getattr(import_module(module), name)(given)
        status = 0
    except BaseException:  # noqa: BLE001  it ends here either way, and says why
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _ended(alive: set[int]) -> dict[int, int]:
    found = {}
    for pid in alive:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            found[pid] = os.waitstatus_to_exitcode(status)
    return found


if __name__ == "__main__":
    serve()
