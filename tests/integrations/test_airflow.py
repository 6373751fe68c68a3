"""Against a small stand-in for the names of Airflow that are used: Airflow itself is not here."""

from __future__ import annotations

import runpy
import sys
import types
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest

from qupel.errors import InputError
from qupel.integrations import airflow
from qupel.integrations.commands import Ended, Outcome

EXAMPLE = Path(__file__).parents[2] / "examples" / "schedulers" / "airflow_dag.py"


class AirflowFailException(Exception):  # noqa: N818  Airflow's name
    pass


@dataclass
class PythonOperator:
    task_id: str
    python_callable: Any
    op_args: list[Any]
    retries: int = 0
    after: list[str] = field(default_factory=list)

    def __rshift__(self, other: Self) -> Self:
        other.after.append(self.task_id)
        return other


class DAG:
    def __init__(self, dag_id: str, **options: Any) -> None:
        self.dag_id, self.options = dag_id, options

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[str, dict[str, Any]] = {
        "airflow": {},
        "airflow.sdk": {"DAG": DAG},
        "airflow.exceptions": {"AirflowFailException": AirflowFailException},
        "airflow.providers": {},
        "airflow.providers.standard": {},
        "airflow.providers.standard.operators": {},
        "airflow.providers.standard.operators.python": {"PythonOperator": PythonOperator},
    }
    for name, values in names.items():
        module = types.ModuleType(name)
        vars(module).update(values)
        monkeypatch.setitem(sys.modules, name, module)


@pytest.mark.usefixtures("stand_in")
def test_the_example_defines_two_tasks_in_order() -> None:
    found = runpy.run_path(str(EXAMPLE))
    assert found["publish"].after == ["plan"]
    assert found["plan"].op_args == [["pipeline", "run", found["PLAN"], "--stage", "plan"]]
    assert found["dag"].dag_id == "nightly_plan"


@pytest.mark.usefixtures("stand_in")
def test_bad_input_fails_without_another_try(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = Ended(Outcome.FAILURE, 3, {}, "no such file")
    monkeypatch.setattr(airflow, "run_command", lambda arguments: ended)
    with pytest.raises(AirflowFailException, match="no such file"):
        airflow.execute(["pipeline", "run", "none.yaml"])


@pytest.mark.usefixtures("stand_in")
def test_a_fallback_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = Ended(Outcome.FALLBACK, 23, {"outcome": "fallback"}, "")
    monkeypatch.setattr(airflow, "run_command", lambda arguments: ended)
    assert airflow.execute(["pipeline", "run", "p.yaml"]) == {"outcome": "fallback"}


def test_without_airflow_the_message_names_it() -> None:
    with pytest.raises(InputError, match="pip install apache-airflow"):
        airflow.pipeline_operator(task_id="plan", path="plan.yaml")
