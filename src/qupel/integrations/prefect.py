"""Tasks for Prefect flows.

::

    from prefect import flow
    from qupel.integrations.prefect import pipeline_task

    plan = pipeline_task(retries=2)

    @flow
    def nightly() -> str:
        return plan("plan.yaml")["outcome"]

A task ends as *completed* with the command's document, a fallback's answer included: its
``outcome`` says so. It fails where the command does, and Prefect retries only what may do better.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qupel.errors import InputError
from qupel.integrations.commands import (
    database_variable,
    pipeline_command,
    route_command,
    run_command,
)

#: A Prefect task; calling it within a flow gives the command's document.
Task = Callable[..., Any]


def pipeline_task(**options: Any) -> Task:
    """Return a task that runs a pipeline file: ``task(path, stage=None, database=None)``.

    Parameters
    ----------
    options
        Of ``prefect.task``, such as ``retries`` and ``timeout_seconds``.
    """

    def run_pipeline(
        path: str, stage: str | None = None, database: str | None = None
    ) -> Mapping[str, Any]:
        command = pipeline_command(path, stage)
        return run_command(command, environment=database_variable(database)).checked()

    return _task(run_pipeline, "qupel pipeline", options)


def route_task(**options: Any) -> Task:
    """Return a task that decides an instance: ``task(route, instance, database=None)``."""

    def decide(route: str, instance: str, database: str | None = None) -> Mapping[str, Any]:
        command = route_command(route, instance)
        return run_command(command, environment=database_variable(database)).checked()

    return _task(decide, "qupel route", options)


def worth_a_retry(task: Any, run: Any, state: Any) -> bool:
    """Whether a failed task may do better: Prefect's ``retry_condition_fn``."""
    failed = state.result(raise_on_failure=False)
    return not isinstance(failed, InputError)


def _task(function: Callable[..., Any], name: str, options: Mapping[str, Any]) -> Task:
    try:
        from prefect import task
    except ImportError as error:
        raise InputError("tasks for Prefect need Prefect: pip install prefect") from error
    made: Task = task(function, **{"name": name, "retry_condition_fn": worth_a_retry, **options})
    return made
