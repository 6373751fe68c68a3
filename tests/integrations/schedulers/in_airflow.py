"""Run in Airflow's own environment: the DAGs of a folder, as ``airflow dags test`` runs them.

Prints one JSON document: errors of importing them, and of each task state, tries, XCom and what
Airflow shows of its templates. While
the DAG ``stopped`` runs, this process is told to stop, as a machine is that shuts down.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from typing import Any

import psutil  # type: ignore[import-untyped]
from airflow.dag_processing.dagbag import DagBag
from airflow.models.renderedtifields import RenderedTaskInstanceFields
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session


def main(folder: str) -> None:
    bag = DagBag(folder)
    dags = {name: ended(dag) for name, dag in sorted(bag.dags.items())}
    left = [process.cmdline() for process in psutil.Process().children()]
    json.dump({"errors": bag.import_errors, "dags": dags, "left": left}, sys.stdout)


def ended(dag: Any) -> dict[str, Any]:
    """Run a DAG and tell how its tasks ended."""
    if dag.dag_id == "stopped":
        threading.Thread(target=stop_once_it_runs, daemon=True).start()
    run = dag.test()
    return {
        task.task_id: {
            "state": str(task.state),
            "tries": task.try_number,
            "document": returned(run.run_id, task.task_id),
            "shown": RenderedTaskInstanceFields.get_templated_fields(task),
        }
        for task in run.get_task_instances()
    }


def stop_once_it_runs() -> None:
    while not any("qupel" in process.cmdline() for process in psutil.Process().children()):
        time.sleep(0.1)
    time.sleep(1.0)
    os.kill(os.getpid(), signal.SIGTERM)


def returned(run: str, task: str) -> Any:
    """What a task hands on."""
    with create_session() as session:
        rows = session.scalars(XComModel.get_many(run_id=run, task_ids=task)).all()
        return rows[0].value if rows else None


if __name__ == "__main__":
    main(sys.argv[1])
