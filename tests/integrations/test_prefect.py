"""Prefect itself, unmodified, with the server it starts for a flow and stops after it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from qupel.errors import InputError, RunError
from qupel.integrations.prefect import pipeline_task, worth_a_retry
from tests.integrations.conftest import SCHEDULERS, Run, last_document, needs, python_of

PYTHON = python_of("prefect")


def flow(run: Run, folder: Path, *arguments: object) -> str:
    """Run a flow's file; return what it printed."""
    settings = {
        "PREFECT_HOME": str(folder.with_name("prefect")),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    }
    return run(PYTHON, *arguments, **settings).stdout


@pytest.mark.slow
@needs("prefect")
def test_the_example_makes_the_plan_and_publishes_it(run: Run, examples: Path) -> None:
    assert flow(run, examples, examples / "prefect_flow.py").strip().endswith("success")
    assert (examples / "out" / "plan.json").exists()


@pytest.mark.slow
@needs("prefect")
def test_exit_codes_become_states_tries_and_documents(run: Run, outcomes: Path) -> None:
    found = last_document(flow(run, outcomes, SCHEDULERS / "in_prefect.py", outcomes))
    tasks: dict[str, Any] = found["tasks"]
    assert {name: (held["state"], held["tries"]) for name, held in tasks.items()} == {
        "unreachable": ("Completed", 1),
        "route": ("Completed", 1),
        "none": ("Failed", 1),  # another try is no use
        "no-answer": ("Failed", 2),
        "long": ("TimedOut", 1),
    }
    assert tasks["unreachable"]["document"]["outcome"] == "fallback"
    assert tasks["route"]["document"]["answered_by"] == "primary"
    assert found["left"] == []  # no command outlives its task


def test_without_prefect_the_message_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prefect", None)
    with pytest.raises(InputError, match="pip install"):
        pipeline_task()


@pytest.mark.parametrize(("error", "again"), [(InputError("no"), False), (RunError("no"), True)])
def test_only_what_may_do_better_is_tried_again(error: Exception, again: bool) -> None:
    class State:
        def result(self, raise_on_failure: bool) -> Exception:
            return error

    assert worth_a_retry(None, None, State()) is again
