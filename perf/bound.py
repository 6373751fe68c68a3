"""What the machine allows, measured in the same run: bytes a second, multiply-adds a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits


@dataclass(frozen=True)
class Machine:
    """Rates with so many threads.

    Attributes
    ----------
    threads
        Threads that were at work.
    fused
        Single-precision multiply-adds a second, from a product of two matrices.
    """

    threads: int
    fused: float

    @classmethod
    def measured(cls, threads: int) -> Machine:
        """Measure; takes about half a second."""
        n = 1536
        a = np.random.default_rng(0).random((n, n), np.float32)
        out = np.empty_like(a)
        with threadpool_limits(threads):
            seconds = _least(lambda: np.matmul(a, a, out=out), 6)
        return cls(threads, n**3 / seconds)

    def bandwidth(self, size: int) -> float:
        """Bytes read and written a second when ``size`` bytes are changed in place."""
        whole = np.ones(max(size // 4, self.threads), np.float32)
        parts = np.array_split(whole, self.threads)
        times = max(1, (1 << 25) // whole.nbytes)  # starting threads must not count

        def change(part: np.ndarray) -> None:
            for _ in range(times):
                np.negative(part, out=part)

        with ThreadPoolExecutor(self.threads) as pool:
            seconds = _least(lambda: list(pool.map(change, parts)), 8) / times
        return 2 * whole.nbytes / seconds

    def qaoa_seconds(self, qubits: int, layers: int) -> float:
        """Least time of a QAOA energy in single precision, of a form without fields.

        Complements have equal amplitudes there, so half of the states do. A layer reads and writes
        them once, the expectation reads them once more: ``layers + 1/2`` times the traffic of a
        change in place. A layer costs 4 multiply-adds an amplitude for the phase and 2 a qubit for
        the mixer (4 a pair, with its cosines drawn out in front). The larger of both bounds counts.
        """
        states = 2 ** (qubits - 1)
        size = 8 * states
        traffic = (layers + 0.5) * 2 * size / self.bandwidth(size)
        return max(traffic, layers * states * (4 + 2 * qubits) / self.fused)


def _least(work: Callable[[], object], times: int) -> float:
    seconds = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return min(seconds)
