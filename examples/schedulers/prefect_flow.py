"""A Prefect flow that makes the plan, and tells whether a fallback made it.

Run it with Prefect installed beside Qupel: ``python examples/schedulers/prefect_flow.py``.
"""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from qupel.integrations.prefect import pipeline_task

PLAN = str(Path(__file__).with_name("plan.yaml"))
run_pipeline = pipeline_task(retries=2, retry_delay_seconds=1)


@flow(name="nightly-plan")
def nightly(database: str | None = None) -> str:
    """Search first, publish after that; return ``success`` or ``fallback``."""
    run_pipeline(PLAN, stage="plan", database=database)
    return str(run_pipeline(PLAN, database=database)["outcome"])


if __name__ == "__main__":
    print(nightly())
