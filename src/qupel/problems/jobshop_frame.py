"""Job shops as tables: a row an operation, a row a maintenance window."""

from __future__ import annotations

from typing import Any


def read_tables(operations: Any, maintenance: Any) -> dict[str, Any]:
    """Fields of a job shop by two tables; see `qupel.problems.JobShop.from_frame`."""
    labels = [str(job) for job in operations["job"]]
    jobs = list(dict.fromkeys(labels))
    stations = list(dict.fromkeys(str(machine) for machine in operations["machine"]))
    closed = {} if maintenance is None else maintenance
    stations += [str(m) for m in closed.get("machine", []) if str(m) not in stations]
    stations = list(dict.fromkeys(stations))
    machines: dict[str, list[int]] = {job: [] for job in jobs}
    durations: dict[str, list[int]] = {job: [] for job in jobs}
    columns = (labels, operations["machine"], operations["duration"])
    for job, machine, duration in zip(*columns, strict=True):
        machines[job].append(stations.index(str(machine)))
        durations[job].append(duration)
    windows = [
        (stations.index(str(machine)), int(start), int(end))
        for machine, start, end in zip(
            *(closed.get(column, []) for column in ("machine", "start", "end")), strict=True
        )
    ]
    return {
        "machines": tuple(map(tuple, machines.values())),
        "durations": tuple(map(tuple, durations.values())),
        "maintenance": tuple(windows),
        "job_names": tuple(jobs),
        "machine_names": tuple(stations),
    }
