"""Job shops by going through every order in which operations can be appended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

Rows = Sequence[Sequence[int]]
Windows = Sequence[tuple[int, int, int]]


def place(start: int, duration: int, machine: int, windows: Windows) -> int:
    """First time from ``start`` on at which the operation misses every window, unit by unit."""
    while any(
        k == machine
        and ((start < end and begin < start + duration) if duration else (begin < start < end))
        for k, begin, end in windows
    ):
        start += 1
    return start


def append(
    machines: Rows, durations: Rows, windows: Windows, jobs: Sequence[int]
) -> list[list[int]]:
    """Starts when ``jobs`` names whose next operation is appended to its machine."""
    starts: list[list[int]] = [[] for _ in machines]
    free: dict[int, int] = {}
    for job in jobs:
        k = len(starts[job])
        machine, duration = machines[job][k], durations[job][k]
        ready = starts[job][-1] + durations[job][k - 1] if k else 0
        start = place(max(ready, free.get(machine, 0)), duration, machine, windows)
        starts[job].append(start)
        free[machine] = start + duration
    return starts


def makespan(durations: Rows, starts: Rows) -> int:
    """End of the last operation."""
    return max(
        start + duration
        for row, times in zip(durations, starts, strict=True)
        for duration, start in zip(row, times, strict=True)
    )


def sequences(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Every way to shuffle the jobs' operations together, as a list of job numbers."""
    if not any(lengths):
        yield []
    for job, left in enumerate(lengths):
        if left:
            fewer = [*lengths[:job], left - 1, *lengths[job + 1 :]]
            yield from ([job, *rest] for rest in sequences(fewer))


def least_makespan(machines: Rows, durations: Rows, windows: Windows = ()) -> int:
    """Optimum: every semi-active schedule is one of the appended ones."""
    return min(
        makespan(durations, append(machines, durations, windows, jobs))
        for jobs in sequences([len(row) for row in machines])
    )
