"""A pilot that is stopped from the keyboard, and what can be asked of it then."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from qupel.pilots.dossier import folder_of
from qupel.runs.store import Store
from tests.acceptance.command import qupel
from tests.pilots.small import small_pilot


def test_a_pilot_stopped_from_the_keyboard_keeps_its_cells_and_has_no_report_yet(
    tmp_path: Path,
) -> None:
    path, home = small_pilot(tmp_path), tmp_path / "home"
    command = [sys.executable, "-m", "qupel", "run", path, "--home", home, "--json"]
    with subprocess.Popen(
        [*map(str, command), "--workers", "1", "--progress", "jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if '"arm"' in line:
                break
        running.send_signal(signal.SIGINT)
        out, said = running.communicate(timeout=240)
    assert running.returncode == 130
    assert out == ""
    assert said.splitlines()[-1] == "stopped; what was finished is kept"

    [row] = qupel("list", "--home", home, "--json").document["pilots"]
    assert row["status"] == "open"
    assert row["records"] >= 1
    for ended in (
        qupel("report", "small", "--home", home, "--out", tmp_path / "memo.html"),
        qupel("export", "small", tmp_path / "exported", "--home", home),
        qupel("compare", "small", "small", "--home", home),
    ):
        assert ended.code == 7
        assert "resume" in ended.err


def test_a_dossier_of_another_version_is_not_a_bug(tmp_path: Path) -> None:
    with Store.open(tmp_path / "home") as store:
        store.lock_charter("small", {})
        folder = folder_of(store, "small")
    folder.mkdir(parents=True)
    for name in ("brief", "comparison", "pictures"):
        (folder / f"{name}.json").write_text("{}")
    ended = qupel("report", "small", "--home", tmp_path / "home", "--out", tmp_path / "memo.html")
    assert ended.code == 7
    assert "another version" in ended.err
