"""Text formats of job shops and their schedules.

An instance is the standard format of the literature: a line ``jobs machines``, then a line for
each job with pairs ``machine duration`` in the order of its operations, machines from 0. Lines
may differ in length. After the jobs, lines ``maintenance MACHINE START END`` may close machines
for a time. Empty lines and lines that begin with ``#`` are skipped.

A schedule is one of

- *machine orders*, as the literature prints them: a line for each machine with the jobs, from 0,
  in the order in which they visit it (a job that comes twice is named twice); operations then
  start as early as that allows;
- *starts*: a line for each job with the start of each of its operations.

A first line ``orders`` or ``starts`` says which. Without it the lines are orders if each is a
rearrangement of the jobs that visit the machine, else starts.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from qupel.errors import InputError
from qupel.problems.jobshop_schedule import Schedule

#: Machines of a file at most, and its largest number, so that sums of times stay exact.
MOST_MACHINES = 100_000
LARGEST = 10**12

if TYPE_CHECKING:
    from qupel.problems.jobshop import JobShop

Numbered = list[tuple[int, list[str]]]
Matrix = list[tuple[int, ...]]


def parse_instance(
    text: str, source: str
) -> tuple[tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...], Matrix, int]:
    """Machines, durations, maintenance and number of machines of an instance.

    Raises
    ------
    InputError
        With source, line, value and remedy.
    """
    lines = _lines(text)
    if not lines:
        raise InputError(f"{source}: is empty; a job shop begins with a line `jobs machines`")
    number, words = lines[0]
    sizes = _integers(words, source, number)
    if len(sizes) != 2 or min(sizes) < 1:
        raise InputError(
            f"{source}:{number}: expected `jobs machines`, two numbers from 1, got {_shown(words)}"
        )
    jobs, machines = sizes
    if machines > MOST_MACHINES:
        raise InputError(
            f"{source}:{number}: {machines} machines are beyond {MOST_MACHINES:,}; mend the header"
        )
    body = [line for line in lines[1:] if line[1][0] != "maintenance"]
    if len(body) != jobs:
        at = body[jobs][0] if len(body) > jobs else lines[-1][0]
        raise InputError(
            f"{source}:{at}: line {number} promises {jobs} jobs, but there are {len(body)} job "
            f"lines; correct the first line or the jobs"
        )
    rows = [_job(words, source, number, machines) for number, words in body]
    windows = [
        _window(words, source, number, machines)
        for number, words in lines[1:]
        if words[0] == "maintenance"
    ]
    return tuple(row[0::2] for row in rows), tuple(row[1::2] for row in rows), windows, machines


def _job(words: list[str], source: str, number: int, machines: int) -> tuple[int, ...]:
    row = _integers(words, source, number)
    if len(row) % 2:
        raise InputError(
            f"{source}:{number}: a job line has pairs `machine duration`, got {len(row)} numbers"
        )
    for machine, duration in zip(row[0::2], row[1::2], strict=True):
        if not 0 <= machine < machines:
            raise InputError(
                f"{source}:{number}: machine {machine} is not among 0 to {machines - 1}; "
                f"machines are numbered from 0"
            )
        if duration < 0:
            raise InputError(f"{source}:{number}: duration {duration} must not be negative")
    return row


def _window(words: list[str], source: str, number: int, machines: int) -> tuple[int, ...]:
    window = _integers(words[1:], source, number)
    if len(window) != 3 or not 0 <= window[0] < machines or not 0 <= window[1] < window[2]:
        raise InputError(
            f"{source}:{number}: expected `maintenance MACHINE START END` with a machine of 0 to "
            f"{machines - 1} and 0 <= START < END, got {_shown(words)}"
        )
    return window


def write_instance(shop: JobShop) -> str:
    """Write a shop in the format that `parse_instance` reads."""
    rows = [
        " ".join(f"{k} {d}" for k, d in zip(machines, durations, strict=True))
        for machines, durations in zip(shop.machines, shop.durations, strict=True)
    ]
    closed = [f"maintenance {w.machine} {w.start} {w.end}" for w in shop.maintenance]
    return "\n".join([f"{shop.jobs} {shop.machine_count}", *rows, *closed, ""])


def looks_like_jobshop(head: str) -> bool:
    """Whether the beginning of a file fits the format; its last line may be cut off.

    Other formats also begin with two counts. Either every job line has the ``2 * machines``
    numbers of the standard instances, or the whole file is here and nothing but job lines of
    pairs (more than one on some line, as edge lists have one) and maintenance.
    """
    whole = len(head) < 4000
    lines = _lines(head if whole or head.endswith("\n") else head.rpartition("\n")[0])
    try:
        jobs, machines = (int(word) for word in lines[0][1])
        rows = [[int(word) for word in words] for _, words in lines[1 : 1 + jobs]]
    except (ValueError, IndexError):
        return False
    if not rows or any(len(row) % 2 or not row for row in rows):
        return False
    if any(not 0 <= k < machines for row in rows for k in row[0::2]):
        return False
    if all(len(row) == 2 * machines for row in rows):
        return len(rows) == jobs if whole else True
    rest = lines[1 + jobs :]
    closed = all(words[0] == "maintenance" for _, words in rest)
    return whole and len(rows) == jobs and closed and max(map(len, rows)) > 2


def parse_answer(shop: JobShop, text: str) -> Schedule:
    """Return the schedule that a solution file of either format tells.

    Orders that contradict each other, so that operations wait for each other for ever, give a
    schedule in which those operations are missing.
    """
    lines = _lines(text)
    form = lines[0][1][0].lower().rstrip(":") if lines else ""
    named = form in {"orders", "starts"}
    if named:
        lines = lines[1:]
    rows = [(number, _integers(words, "solution", number)) for number, words in lines]
    if form == "orders" or (not named and _are_orders(shop, rows)):
        return _from_orders(shop, rows)
    if form != "starts" and len(rows) == shop.machine_count != shop.jobs:
        return _from_orders(shop, rows)
    return _from_starts(shop, rows)


def _visits(shop: JobShop) -> list[Counter[int]]:
    """How often each job visits each machine."""
    visits: list[Counter[int]] = [Counter() for _ in range(shop.machine_count)]
    for job, row in enumerate(shop.machines):
        for machine in row:
            visits[machine][job] += 1
    return visits


def _are_orders(shop: JobShop, rows: list[tuple[int, tuple[int, ...]]]) -> bool:
    return len(rows) == shop.machine_count and all(
        Counter(row) == visits for (_, row), visits in zip(rows, _visits(shop), strict=True)
    )


def _from_orders(shop: JobShop, rows: list[tuple[int, tuple[int, ...]]]) -> Schedule:
    if len(rows) != shop.machine_count:
        raise InputError(
            f"solution: machine orders need {shop.machine_count} lines, one a machine, "
            f"got {len(rows)}"
        )
    first = shop.first().tolist()
    places: dict[tuple[int, int], list[int]] = {}
    for job, machines in enumerate(shop.machines):
        for k, machine in enumerate(machines):
            places.setdefault((machine, job), []).append(first[job] + k)
    sequence = []
    for machine, ((number, row), visits) in enumerate(zip(rows, _visits(shop), strict=True)):
        for job in row:
            if not places.get((machine, job)):
                raise InputError(
                    f"solution:{number}: job {job} is named too often for machine {machine}, "
                    f"which it visits {visits[job]} times"
                )
            sequence.append(places[machine, job].pop(0))
        left = [job for job in sorted(visits) if places[machine, job]]
        if left:
            raise InputError(
                f"solution:{number}: job {left[0]} is missing from the order of machine {machine}"
            )
    starts = shop.kernel().starts(np.array(sequence, np.int32)).tolist()
    jobs = [starts[a:b] for a, b in pairwise(first)]
    return Schedule(tuple(tuple(t for t in job if t >= 0) for job in jobs))


def _from_starts(shop: JobShop, rows: list[tuple[int, tuple[int, ...]]]) -> Schedule:
    if len(rows) != shop.jobs:
        raise InputError(
            f"solution: expected {shop.jobs} lines of starts, one a job, or "
            f"{shop.machine_count} lines of machine orders, got {len(rows)} lines"
        )
    for (number, row), machines in zip(rows, shop.machines, strict=True):
        if len(row) != len(machines):
            raise InputError(
                f"solution:{number}: this job has {len(machines)} operations, got {len(row)} starts"
            )
    return Schedule(tuple(row for _, row in rows))


def _lines(text: str) -> Numbered:
    """Words of each line that says something, with the line's number from 1."""
    numbered = ((k, line.split("#")[0].split()) for k, line in enumerate(text.splitlines(), 1))
    return [(number, words) for number, words in numbered if words]


def _integers(words: list[str], source: str, number: int) -> tuple[int, ...]:
    row = []
    for word in words:
        try:
            row.append(int(word))
        except ValueError:
            raise InputError(f"{source}:{number}: expected whole numbers, got {word!r}") from None
        if abs(row[-1]) > LARGEST:
            raise InputError(f"{source}:{number}: {word} is beyond {LARGEST:,}; mend the number")
    return tuple(row)


def _shown(words: list[str]) -> str:
    shown = " ".join(words)
    return repr(shown if len(shown) <= 60 else shown[:57] + "...")
