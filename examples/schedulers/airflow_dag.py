"""An Airflow DAG that makes the plan every night: search first, publish after that."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from airflow.sdk import DAG

from qupel.integrations.airflow import pipeline_operator

PLAN = str(Path(__file__).with_name("plan.yaml"))

with DAG(
    "nightly_plan", schedule="@daily", start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False
) as dag:
    plan = pipeline_operator(task_id="plan", path=PLAN, stage="plan", retries=2)
    publish = pipeline_operator(task_id="publish", path=PLAN, retries=2)
    plan >> publish
