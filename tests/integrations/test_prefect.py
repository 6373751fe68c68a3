from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from qupel.errors import InputError, RunError
from qupel.integrations.prefect import pipeline_task, worth_a_retry

ROOT = Path(__file__).parents[2]
#: Prefect brings a hundred distributions, so it has an environment of its own where it is tried:
#: ``python -m venv build/vendors/prefect`` with ``prefect>=3,<4`` and ``fastapi>=0.139,<0.140``
#: (Prefect 3.8.8 does not import with fastapi 0.165).
PREFECT = ROOT / "build" / "vendors" / "prefect" / "bin" / "python"


def test_without_prefect_the_message_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prefect", None)
    with pytest.raises(InputError, match="pip install prefect"):
        pipeline_task()


@pytest.mark.parametrize(("error", "again"), [(InputError("no"), False), (RunError("no"), True)])
def test_only_what_may_do_better_is_tried_again(error: Exception, again: bool) -> None:
    class State:
        def result(self, raise_on_failure: bool) -> Exception:
            return error

    assert worth_a_retry(None, None, State()) is again


@pytest.mark.slow
@pytest.mark.skipif(not PREFECT.exists(), reason="Prefect is not in build/vendors/prefect")
def test_the_example_flow_runs_in_prefect(tmp_path: Path) -> None:
    folder = tmp_path / "schedulers"
    shutil.copytree(ROOT / "examples" / "schedulers", folder)
    done = subprocess.run(
        [str(PREFECT), str(folder / "prefect_flow.py")],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "src"),
            "QUPEL_PYTHON": sys.executable,
            "QUPEL_DATABASE": str(tmp_path / "qupel.db"),
            "PREFECT_HOME": str(tmp_path / "prefect"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
            "DO_NOT_TRACK": "1",
        },
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip().endswith("success")
    assert (folder / "out" / "plan.json").exists()
