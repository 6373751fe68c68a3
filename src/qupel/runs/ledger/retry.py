"""Whether and when to try again, as values: nothing here waits."""

from __future__ import annotations

from dataclasses import dataclass

from qupel.errors import InputError, TransientError


@dataclass(frozen=True, slots=True)
class Retry:
    """Back off exponentially, with jitter, after failures in which nothing was done.

    Attributes
    ----------
    attempts
        Attempts in all, the first included.
    pause
        Seconds before the second attempt; doubled before each later one.
    longest
        Seconds that one wait lasts at most, unless whoever was asked named a longer one.
    jitter
        Share of a wait that is drawn anew each time, from 0 to 1, so that many who failed
        together do not return together.
    """

    attempts: int = 4
    pause: float = 1.0
    longest: float = 60.0
    jitter: float = 0.5

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise InputError(f"attempts must be at least 1, got {self.attempts}")
        if not 0 <= self.pause <= self.longest:
            raise InputError(f"pause must be from 0 to {self.longest} s, got {self.pause}")
        if not 0 <= self.jitter <= 1:
            raise InputError(f"jitter must be from 0 to 1, got {self.jitter}")

    def wait(self, failure: Exception, attempt: int, draw: float = 0.0) -> float | None:
        """Seconds to wait after failed attempt number ``attempt``; None to give up.

        Parameters
        ----------
        failure
            What went wrong; only after a `TransientError` is there another attempt.
        attempt
            From 1.
        draw
            From 0 to 1, from a random stream of the caller's.
        """
        if attempt >= self.attempts or not isinstance(failure, TransientError):
            return None
        named = failure.wait or 0.0
        return max(named, self.backoff(attempt, draw)) if named < float("inf") else None

    def backoff(self, attempt: int, draw: float = 0.0) -> float:
        """Seconds after failed attempt number ``attempt``, whatever the failure was."""
        full = min(self.longest, self.pause * 2.0 ** min(attempt - 1, 60))
        return full * (1.0 - self.jitter * draw)


@dataclass(frozen=True, slots=True)
class Patience:
    """How often the ledger asks a provider, and when it stops waiting.

    Attributes
    ----------
    first, longest, growth
        Seconds before the first question after a submission, the longest pause between two, and
        the share of a job's age that a pause lasts.
    fetches
        Attempts to fetch the result of a job that is done before it counts as lost.
    fetching
        Seconds for which fetching is tried while the provider cannot be reached.
    odd
        Seconds for which words we do not know are borne, in a job without a deadline.
    unknown
        Requests without any certainty after which a job is ambiguous.
    cancelling
        Seconds after asking for a cancellation before a job that is not over is ambiguous.
    lease
        Seconds a worker may keep a job without a sign of life; longer than any request.
    probe
        Seconds between two probes of a device whose breaker is open.
    failures
        Consecutive failures that open a breaker.
    """

    first: float = 0.5
    longest: float = 60.0
    growth: float = 0.2
    fetches: int = 5
    fetching: float = 86_400.0
    odd: float = 3_600.0
    unknown: int = 20
    cancelling: float = 600.0
    lease: float = 120.0
    probe: float = 60.0
    failures: int = 3

    def poll(self, age: float) -> float:
        """Seconds until the next question about a job submitted ``age`` seconds ago."""
        return min(self.longest, max(self.first, self.growth * age))
