"""Pilots as tables."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from qupel.pilots.dossier import Dossier, folder_of
from qupel.pilots.listing import detail, detail_text
from qupel.pilots.pilot import prepare, run_pilot
from qupel.pilots.template import pilot_text
from qupel.runs.store import Store
from tests.pilots.small import small_pilot


def test_a_status_quo_that_never_answers_is_shown_with_its_own_words(tmp_path: Path) -> None:
    arms: list[dict[str, Any]] = YAML(typ="safe").load(pilot_text("subset"))["arms"][:2]
    script = "import sys; sys.exit('licence expired')"
    command = [sys.executable, "-c", script, "{instance}", "{answer}"]
    arms[0] |= {"solver": "command", "settings": {"command": command}}
    with Store.open(tmp_path / "home") as store:
        finished = run_pilot(prepare(small_pilot(tmp_path, arms=arms)), store, workers=2)
        Dossier.of(finished).write(folder_of(store, "small"))
        document = detail(store, "small")
    [failed] = [arm for arm in document["unanswered"] if arm["arm"] == arms[0]["name"]]
    assert (failed["runs"], failed["of"]) == (6, 6)
    assert "licence expired" in failed["why"]
    assert "did not answer in 6 of 6 runs, such as: " in detail_text(document)
