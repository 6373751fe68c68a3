"""A pilot that runs in a few seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from qupel.pilots.template import pilot_text


def small_pilot(folder: Path, **changes: Any) -> Path:
    """A pilot file of six small generated cases, one seed and 0.15 s a cell."""
    tree: Any = YAML(typ="safe").load(pilot_text("subset", "small"))
    tree["data"] = {"random": {"count": 6, "seed": 1, "items": 12, "size": 4}}
    tree["arms"][-1]["settings"] = {
        "size": 6,
        "inner": {"solver": "qaoa", "layers": 1, "shots": 32},
    }
    tree["budget"] = {"seconds": 0.15}
    tree["tuning"] = {"trials": 1, "cases": 1}
    tree["seeds"] = [1]
    tree.update(changes)
    path = folder / "pilot.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        YAML().dump(tree, file)
    return path
