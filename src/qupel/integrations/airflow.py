"""Tasks for Airflow DAGs.

::

    from airflow.sdk import DAG
    from qupel.integrations.airflow import pipeline_operator

    with DAG("nightly_plan", schedule="@daily", catchup=False):
        pipeline_operator(task_id="plan", path="/data/plan.yaml")

A task returns the command's document (Airflow hands it on as an XCom), a fallback's answer
included: its ``outcome`` says so. It fails where the command does, and without another try where
another try is no use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qupel.errors import InputError
from qupel.integrations.commands import pipeline_command, route_command, run_command


def pipeline_operator(
    *,
    task_id: str,
    path: str,
    stage: str | None = None,
    database: str | None = None,
    **options: Any,
) -> Any:
    """Return an operator that runs a pipeline file, or one of its stages with those it needs.

    Parameters
    ----------
    path, database
        The pipeline file and the database, as the machine that runs the task sees them.
    options
        Of Airflow's operators, such as ``retries``.
    """
    return _operator(task_id, pipeline_command(path, database, stage), options)


def route_operator(
    *, task_id: str, route: str, instance: str, database: str | None = None, **options: Any
) -> Any:
    """Return an operator that has a deployed route decide an instance."""
    return _operator(task_id, route_command(route, instance, database), options)


def execute(arguments: Sequence[str]) -> Mapping[str, Any]:
    """What a task does: run the command, return its document, or fail as Airflow wants it."""
    ended = run_command(arguments)
    if ended.outcome == "failure" and not ended.is_worth_a_retry:
        raise _imported("exceptions").AirflowFailException(
            f"qupel ended with {ended.code}: {ended.said}"
        )
    return ended.checked()


def _operator(task_id: str, arguments: Sequence[str], options: Mapping[str, Any]) -> Any:
    operators = _imported("providers.standard.operators.python")
    return operators.PythonOperator(
        task_id=task_id, python_callable=execute, op_args=[list(arguments)], **options
    )


def _imported(module: str) -> Any:
    import importlib

    try:
        return importlib.import_module(f"airflow.{module}")
    except ImportError as error:
        raise InputError(
            "tasks for Airflow need Airflow 2.10 or later with its standard provider: "
            "pip install apache-airflow apache-airflow-providers-standard"
        ) from error
