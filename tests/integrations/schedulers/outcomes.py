"""DAGs whose tasks end in every way in which a command can."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.sdk import DAG

from qupel.integrations.airflow import pipeline_operator, route_operator

HERE = Path(__file__).parent
START = datetime(2026, 1, 1, tzinfo=UTC)
LONG = str(HERE / "long.yaml")
PLACE = f"postgresql+psycopg://me:{os.environ['PLAN_PASSWORD']}@127.0.0.1:1/{{{{ ds }}}}"

with DAG("outcomes", schedule=None, start_date=START, default_args={"retry_delay": timedelta(0)}):
    pipeline_operator(task_id="fallback", path=str(HERE / "unreachable.yaml"), retries=1)
    pipeline_operator(task_id="bad_input", path=str(HERE / "{{ dag.dag_id }}.yaml"), retries=1)
    pipeline_operator(task_id="no_answer", path=str(HERE / "no-answer.yaml"), retries=1)
    route_operator(task_id="route", route="cuts", instance=str(HERE / "network.qupel.json"))
    pipeline_operator(task_id="overrun", path=LONG, execution_timeout=timedelta(seconds=4))

with DAG("hidden", schedule=None, start_date=START):
    pipeline_operator(task_id="secret", path=str(HERE / "unreachable.yaml"), database=PLACE)
    pipeline_operator(
        task_id="filled_in",
        path=str(HERE / "unreachable.yaml"),
        database="{{ var.value.plans_database }}",
    )

with DAG("stopped", schedule=None, start_date=START):
    pipeline_operator(task_id="stopped", path=LONG)
