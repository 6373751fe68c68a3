"""One peer's process: started when first asked, ended on time, never left behind."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from perf.environments import BUILT, python_of
from perf.tables import ROOT

#: Variables by which numerical libraries learn how many threads they may use.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS",
           "NUMEXPR_NUM_THREADS", "RAYON_NUM_THREADS", "QULACS_NUM_THREADS")  # fmt: skip


class FailedError(Exception):
    """A peer did not deliver; the text says why."""


@dataclass
class Worker:
    """A peer on some cores, asked one thing at a time.

    Attributes
    ----------
    peer
        Environment it runs in.
    module
        Module under ``perf.peers`` that it serves, or the whole name of another.
    cores
        Cores it is pinned to; as many threads.
    limit
        Seconds one request may take before the process is ended.
    """

    peer: str
    module: str
    cores: tuple[int, ...]
    limit: float = 120.0
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    folder: tempfile.TemporaryDirectory[str] = field(
        default_factory=tempfile.TemporaryDirectory, init=False
    )

    def prepare(
        self, task: str, instance: dict[str, np.ndarray], options: dict[str, Any]
    ) -> dict[str, Any]:
        """Load an instance and build what is kept from run to run."""
        path = Path(self.folder.name) / "instance.npz"
        np.savez(path, allow_pickle=False, **instance)
        request = {"do": "prepare", "task": task, "instance": str(path), "options": options}
        return self._ask({**request, "threads": len(self.cores)})

    def run(
        self, arguments: dict[str, Any], *, repeat: int = 1
    ) -> tuple[float, float, dict[str, np.ndarray]]:
        """Wall and CPU seconds of one run, the mean of ``repeat``, and its answer."""
        path = Path(self.folder.name) / "answer.npz"
        request = {"do": "run", "arguments": arguments, "repeat": repeat, "answer": str(path)}
        reply = self._ask(request)
        with np.load(path) as stored:
            return reply["seconds"], reply["cpu"], {key: stored[key] for key in stored.files}

    def end(self) -> None:
        """End the process with all it started."""
        process, self.process = self.process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        process = self.process or self._start()
        assert process.stdin
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            reply = json.loads(self._line(process))
        except BrokenPipeError:
            raise self._crashed() from None
        except BaseException:
            self.end()
            raise
        if "error" in reply:
            raise FailedError(reply["error"])
        return reply

    def _line(self, process: subprocess.Popen[bytes]) -> bytes:
        assert process.stdout
        deadline, held = time.monotonic() + self.limit, b""
        while not held.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                raise FailedError(f"no answer in {self.limit:g} s")
            piece = os.read(process.stdout.fileno(), 1 << 16)
            if not piece:
                raise self._crashed()
            held += piece
        return held

    def _crashed(self) -> FailedError:
        process = self.process
        code = process.wait() if process else None
        self.end()
        lines = self._log().read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return FailedError(f"ended with code {code}: {lines[-1][:200] if lines else 'no message'}")

    def _log(self) -> Path:
        return Path(self.folder.name) / "log.txt"

    def _start(self) -> subprocess.Popen[bytes]:
        BUILT.mkdir(parents=True, exist_ok=True)
        threads = dict.fromkeys(THREADS, str(len(self.cores)))
        pinned = {"PERF_CORES": ",".join(map(str, self.cores)), "JAX_PLATFORMS": "cpu"}
        with self._log().open("wb") as log:
            self.process = subprocess.Popen(
                [python_of(self.peer), "-m", "perf.peers.serve", self.module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                env={**os.environ, **threads, **pinned},
                start_new_session=True,  # a stop from the keyboard is ours to pass on
            )
        return self.process
