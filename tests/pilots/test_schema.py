"""The published JSON Schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from qupel.pilots.schema import fields_page, pilot_schema, schema_text
from qupel.pilots.template import pilot_text

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*/pilot.yaml"))


def test_the_published_schema_is_the_one_that_is_used() -> None:
    published = ROOT / "docs" / "reference" / "pilot.schema.json"
    assert published.read_text() == schema_text()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_shipped_pilots_fit_the_published_schema(path: Path) -> None:
    jsonschema.validate(YAML(typ="safe").load(path.read_text()), pilot_schema())


@pytest.mark.parametrize("family", ["subset", "maxcut", "qubo", "mis", "jobshop", "cvrp", "vrptw"])
def test_templates_fit_the_published_schema(family: str) -> None:
    jsonschema.validate(YAML(typ="safe").load(pilot_text(family)), pilot_schema())


def test_the_schema_refuses_an_unknown_field() -> None:
    tree: Any = YAML(typ="safe").load(pilot_text("subset"))
    tree["surprise"] = 1
    with pytest.raises(jsonschema.ValidationError, match="surprise"):
        jsonschema.validate(tree, pilot_schema())


def test_the_page_of_fields_names_every_top_level_field() -> None:
    page = fields_page()
    for name in pilot_schema()["properties"]:
        assert f"| `{name}` |" in page
