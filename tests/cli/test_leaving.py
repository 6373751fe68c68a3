from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.acceptance.command import qupel

LONG = Path(__file__).parents[1] / "integrations" / "schedulers"


@pytest.mark.slow
def test_a_worker_that_is_told_to_stop_leaves_a_long_stage_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("long.yaml", "network.qupel.json"):
        shutil.copy(LONG / name, tmp_path)
    monkeypatch.setenv("QUPEL_DATABASE", str(tmp_path / "qupel.db"))
    assert qupel("pipeline", "run", tmp_path / "long.yaml", "--detach").code == 0
    worker = subprocess.Popen(
        [sys.executable, "-m", "qupel", "worker", "--drain", "0.5"],
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    assert worker.stderr is not None
    try:
        for line in worker.stderr:
            if "stage begins" in line and "stage=cut" in line:
                break
        worker.send_signal(signal.SIGTERM)
        began = time.monotonic()
        worker.wait(50)
    finally:
        worker.kill()
        worker.stderr.close()
    assert (worker.returncode, time.monotonic() - began < 50) == (0, True)
    assert "cut: " in (said := qupel("pipeline", "status", "long").out)
    assert "done" not in said.split("cut: ")[1]
