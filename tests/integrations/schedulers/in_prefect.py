"""Run in Prefect's own environment: a flow whose tasks end in every way in which a command can.

Prints one JSON document: of each task its state, how often it was run, and its document.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.states import State

from qupel.integrations.prefect import pipeline_task, route_task

HERE = Path(sys.argv[1])


def outcomes() -> dict[str, State]:
    def of(name: str, **options: Any) -> Any:
        task: Any = pipeline_task(task_run_name=name, **options)
        return task.submit(str(HERE / f"{name}.yaml"))

    route: Any = route_task(task_run_name="route")
    begun = {
        "unreachable": of("unreachable", retries=1),
        "none": of("none", retries=1),
        "no-answer": of("no-answer", retries=1),
        "long": of("long", timeout_seconds=4),  # in a thread of its own, out of reach of alarms
        "route": route.submit("cuts", str(HERE / "network.qupel.json")),
    }
    for future in begun.values():
        future.wait()
    return {name: future.state for name, future in begun.items()}


def main() -> None:
    states = flow(outcomes)()
    found = {name: told(state) for name, state in states.items()}
    left = subprocess.run(
        ["pgrep", "-f", f"qupel pipeline run {HERE}"], capture_output=True, text=True
    )
    json.dump({"tasks": found, "left": left.stdout.split()}, sys.stdout)


def told(state: State) -> dict[str, Any]:
    run_id = state.state_details.task_run_id
    with get_client(sync_client=True) as client:
        tries = client.read_task_run(run_id).run_count
    document = state.result() if state.is_completed() else None
    return {"state": state.name, "tries": tries, "document": document}


if __name__ == "__main__":
    main()
