"""Airflow itself, unmodified: DAGs are imported, and run as ``airflow dags test`` runs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qupel.errors import InputError
from qupel.integrations import airflow
from tests.integrations.conftest import SCHEDULERS, Run, last_document, needs, python_of

PYTHON = python_of("airflow")
#: Airflow's own settings: a database of its own, nothing that calls home.
SETTINGS = {
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "SCARF_ANALYTICS": "false",
}


#: The password of a database, which Airflow is to show nobody.
HUNTER = "hunter2-of-the-plan"


def dags(run: Run, folder: Path) -> dict[str, Any]:
    """Import and run the DAGs of a folder."""
    settings = SETTINGS | {
        "AIRFLOW_HOME": str(folder.with_name("airflow")),
        "PLAN_PASSWORD": HUNTER,
        "AIRFLOW_VAR_PLANS_DATABASE": str(folder / "hidden.db"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder),
    }
    run(PYTHON, "-m", "airflow", "db", "migrate", **settings)
    found = last_document(run(PYTHON, SCHEDULERS / "in_airflow.py", folder, **settings).stdout)
    assert found["errors"] == {}
    assert found["left"] == []  # no command outlives its task
    tasks: dict[str, Any] = found["dags"]
    return tasks


@pytest.mark.slow
@needs("airflow")
def test_the_example_makes_the_plan_and_publishes_it(run: Run, examples: Path) -> None:
    tasks = dags(run, examples)["nightly_plan"]
    assert {name: held["state"] for name, held in tasks.items()} == {
        "plan": "success",
        "publish": "success",
    }
    assert [stage["stage"] for stage in tasks["plan"]["document"]["stages"]] == ["orders", "plan"]
    assert (examples / "out" / "plan.json").exists()


@pytest.mark.slow
@needs("airflow")
def test_exit_codes_become_states_tries_and_documents(run: Run, outcomes: Path) -> None:
    found = dags(run, outcomes)
    tasks = found["outcomes"] | found["stopped"]
    assert {name: (held["state"], held["tries"]) for name, held in tasks.items()} == {
        "fallback": ("success", 1),
        "route": ("success", 1),
        "bad_input": ("failed", 1),  # another try is no use
        "no_answer": ("failed", 2),
        "overrun": ("failed", 1),
        "stopped": ("failed", 1),
    }
    assert tasks["fallback"]["document"]["outcome"] == "fallback"
    assert tasks["route"]["document"]["answered_by"] == "primary"
    check_hidden(found["hidden"], outcomes)


def check_hidden(tasks: dict[str, Any], folder: Path) -> None:
    """A database's URL is used, filled in, and neither kept nor shown by Airflow."""
    states = {name: held["state"] for name, held in tasks.items()}
    assert states == {"secret": "failed", "filled_in": "success"}
    assert (folder / "hidden.db").exists()
    path = str(folder / "unreachable.yaml")
    assert tasks["secret"]["shown"] == {"arguments": ["pipeline", "run", path]}
    home = folder.with_name("airflow")
    kept = [file for file in home.rglob("*") if file.is_file()]
    assert home / "airflow.db" in kept
    assert [file for file in kept if HUNTER.encode() in file.read_bytes()] == []


def test_without_airflow_the_message_names_it() -> None:
    with pytest.raises(InputError, match="pip install 'apache-airflow"):
        airflow.pipeline_operator(task_id="plan", path="plan.yaml")
