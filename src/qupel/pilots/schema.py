"""The published JSON Schema of pilot files, and its fields as a page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from qupel.pilots.charter import Charter


def pilot_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a pilot file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:qupel:pilot:1",
        **Charter.model_json_schema(),
    }


def schema_text() -> str:
    """The schema as it is published."""
    return json.dumps(pilot_schema(), indent=2) + "\n"


def fields_page() -> str:
    """Every field of a pilot file as a Markdown table."""
    schema = pilot_schema()
    lines = [
        "# Pilot file",
        "",
        "A pilot file is YAML. Its [JSON Schema](pilot.schema.json) is printed by "
        "`qupel validate --schema`; editors that know it complete names and mark errors.",
        "",
        "| field | type | default | meaning |",
        "|---|---|---|---|",
    ]
    for name, part, required in _fields(schema, schema, ""):
        default = "required" if required else f"`{json.dumps(part.get('default'))}`"
        if not required and part.get("default") is None:
            default = ""
        lines.append(f"| `{name}` | {_type(part)} | {default} | {part.get('description', '')} |")
    return "\n".join(lines) + "\n"


def _fields(
    node: dict[str, Any], root: dict[str, Any], prefix: str
) -> Iterator[tuple[str, dict[str, Any], bool]]:
    required = node.get("required", [])
    for name, part in node.get("properties", {}).items():
        inner = _resolved(part, root)
        yield f"{prefix}{name}", {**inner, **part}, name in required
        if inner.get("type") == "array":
            yield from _fields(_resolved(inner.get("items", {}), root), root, f"{prefix}{name}[].")
        else:
            yield from _fields(inner, root, f"{prefix}{name}.")


def _resolved(part: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in part:
        found: dict[str, Any] = root["$defs"][part["$ref"].rsplit("/", 1)[1]]
        return found
    return part


def _type(part: dict[str, Any]) -> str:
    if "const" in part:
        return f"`{part['const']}`"
    if "enum" in part:
        return ", ".join(f"`{value}`" for value in part["enum"])
    if "anyOf" in part:
        return " or ".join(_type(p) for p in part["anyOf"] if p.get("type") != "null")
    words = {"object": "mapping", "array": "list", "string": "text", "number": "number"}
    return words.get(str(part.get("type")), str(part.get("type", "mapping")))
