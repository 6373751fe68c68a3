"""Tasks for Airflow DAGs.

::

    from airflow.sdk import DAG
    from qupel.integrations.airflow import pipeline_operator

    with DAG("nightly_plan", schedule="@daily", catchup=False):
        pipeline_operator(task_id="plan", path="/data/plan.yaml")

A task returns the command's document (Airflow hands it on as an XCom), a fallback's answer
included: its ``outcome`` says so. It fails where the command does, and without another try where
another try is no use. A task that Airflow ends, ends its command.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from qupel.errors import InputError
from qupel.integrations.commands import (
    Process,
    database_variable,
    pipeline_command,
    route_command,
    run_command,
)


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
        The pipeline file and the database, as the machine that runs the task sees them; templates
        such as ``/data/{{ ds }}/plan.yaml`` are filled in. The database's URL may hold a password:
        Airflow keeps and shows neither it nor what it becomes.
    options
        Of Airflow's operators, such as ``retries`` and ``execution_timeout``.
    """
    arguments = pipeline_command(path, stage)
    return _operator()(task_id=task_id, arguments=arguments, database=database, **options)


def route_operator(
    *, task_id: str, route: str, instance: str, database: str | None = None, **options: Any
) -> Any:
    """Return an operator that has a deployed route decide an instance; templates as above."""
    arguments = route_command(route, instance)
    return _operator()(task_id=task_id, arguments=arguments, database=database, **options)


@functools.cache
def _operator() -> Any:
    """The class of the operators: Airflow is there to derive from only once it is asked for."""
    sdk, exceptions = _imported("sdk"), _imported("sdk.exceptions")

    class QupelOperator(sdk.BaseOperator):  # type: ignore[misc, name-defined]
        # The database is none of them: Airflow keeps these with the DAG and shows them.
        template_fields: Sequence[str] = ("arguments",)
        template_fields_renderers: Mapping[str, str] = {"arguments": "json"}
        ui_color = "#d9e7fd"

        def __init__(
            self, *, arguments: Sequence[str], database: str | None, **options: Any
        ) -> None:
            super().__init__(**options)
            self.arguments = list(arguments)
            self._database = database
            self._process: Process | None = None

        def execute(self, context: Mapping[str, Any]) -> Mapping[str, Any]:
            """Run the command and return its document, or fail as Airflow wants it."""
            place = database_variable(self.render_template(self._database, context))
            ended = run_command(self.arguments, environment=place, begun=self._begun)
            try:
                return ended.checked()
            except InputError as error:  # trying again is no use
                raise exceptions.AirflowFailException(str(error)) from error

        def on_kill(self) -> None:
            """End the command; Airflow calls this when the task is to be stopped."""
            if self._process is not None:
                self._process.terminate()

        def _begun(self, process: Process) -> None:
            self._process = process

    return QupelOperator


def _imported(module: str) -> Any:
    try:
        return importlib.import_module(f"airflow.{module}")
    except ImportError as error:
        raise InputError(
            "tasks for Airflow need Airflow 3: pip install 'apache-airflow>=3,<4'"
        ) from error
