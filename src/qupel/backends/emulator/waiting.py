"""How long jobs wait: a queue shared with other tenants, drawn from a seed."""

from __future__ import annotations

import zlib
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from qupel.errors import InputError

#: Other tenants' jobs in one stretch of the random stream, and stretches to settle before use.
_STRETCH, _WARM = 200, 4


@dataclass(frozen=True, slots=True)
class Waiting:
    """How a device's queue behaves.

    Other tenants' jobs arrive at random (Poisson), take log-normal times of which mean and
    standard deviation are equal, and are served first come, first served with ours. The mean wait
    is then ``load / (1 - load)`` mean service times (Pollaczek 1930, Khinchin 1932), from which
    the mean service time follows.

    Attributes
    ----------
    seconds
        Mean wait under other tenants' load alone; the wait itself where ``load`` is 0.
    load
        Share of the device's time that other tenants take.
    """

    seconds: float = 0.0
    load: float = 0.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.seconds) and self.seconds >= 0):
            raise InputError(f"queue seconds are a number from 0, got {self.seconds}")
        if not 0 <= self.load < 1:
            raise InputError(f"the load of other tenants is from 0 to below 1, got {self.load}")

    @property
    def service(self) -> float:
        """Mean seconds that another tenant's job takes."""
        return self.seconds * (1 - self.load) / self.load if self.load else 0.0


@dataclass(slots=True)
class Queue:
    """One device's queue: it tells when a job that arrives now will start.

    Equal arrivals under an equal seed wait equally long.

    Attributes
    ----------
    waiting
        How it behaves.
    seed
        Chooses what other tenants do.
    device
        Name; each device has a stream of its own.
    """

    waiting: Waiting
    seed: int
    device: str
    _free: float = field(default=0.0, init=False)  # when the device has done all known work
    _others: deque[tuple[float, float]] = field(default_factory=deque, init=False)
    _stretch: int | None = field(default=None, init=False)  # the next one to draw

    def start(self, now: float, seconds: float) -> float:
        """When a job that arrives ``now`` and takes so many seconds starts; it is then queued."""
        if not self.waiting.load or not self.waiting.seconds:
            begun = max(now + self.waiting.seconds, self._free)
        else:
            self._serve_others(now)
            begun = max(now, self._free)
        self._free = begun + seconds
        return begun

    def expected(self, now: float) -> float:
        """Seconds that a job arriving ``now`` would wait."""
        if not self.waiting.load or not self.waiting.seconds:
            return max(self.waiting.seconds, self._free - now)
        self._serve_others(now)
        return max(0.0, self._free - now)

    def _serve_others(self, now: float) -> None:
        long = _STRETCH * self.waiting.service / self.waiting.load
        current = int(now // long)
        if self._stretch is None or self._stretch < current - _WARM:
            # What happened long ago is forgotten: the device has been idle since.
            self._others.clear()
            self._stretch = current - _WARM
        while self._stretch <= current:
            self._others.extend(self._drawn(self._stretch, long))
            self._stretch += 1
        while self._others and self._others[0][0] <= now:
            arrived, takes = self._others.popleft()
            self._free = max(self._free, arrived) + takes

    def _drawn(self, stretch: int, long: float) -> list[tuple[float, float]]:
        """Arrivals and lengths of the other tenants' jobs in one stretch of time."""
        rng = np.random.default_rng([self.seed, zlib.crc32(self.device.encode()), stretch])
        count = int(rng.poisson(_STRETCH))
        arrivals = (stretch + np.sort(rng.random(count))) * long
        sigma = np.sqrt(np.log(2.0))  # standard deviation equal to the mean
        takes = self.waiting.service * rng.lognormal(-(sigma**2) / 2, sigma, count)
        return list(zip(arrivals.tolist(), takes.tolist(), strict=True))
