"""Ports: what flows between stages, by the name of a type or by a schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qupel.errors import ContractError, InputError, unknown_name
from qupel.runs.schema import RANGES, SHAPE, check_schema, first_fault

#: Types by name. ``document`` is any JSON value.
TYPES: dict[str, Mapping[str, Any]] = {
    "problem": {
        "type": "object",
        "required": ["family", "document"],
        "properties": {"family": {"type": "string"}, "document": {"type": "object"}},
    },
    "answer": {
        "type": "object",
        "required": ["family", "solution", "answered_by"],
        "properties": {
            "family": {"type": "string"},
            "solution": {"type": "string"},
            "answered_by": {"enum": ["primary", "fallback"]},
        },
    },
    "judgement": {
        "type": "object",
        "required": ["objective", "feasible", "violations"],
        "properties": {
            "objective": {"type": ["number", "null"]},
            "feasible": {"type": "boolean"},
            "violations": {"type": "array"},
        },
    },
    "table": {"type": "array", "items": {"type": "object"}},
    "file": {
        "type": "object",
        "required": ["path", "sha256"],
        "properties": {"path": {"type": "string"}, "sha256": {"type": "string"}},
    },
    "number": {"type": "number"},
    "text": {"type": "string"},
    "document": {},
}


@dataclass(frozen=True, slots=True, eq=False)
class Port:
    """The type of one input or output.

    Attributes
    ----------
    name
        A name of `TYPES`; empty for a schema of one's own.
    schema
        What values look like, in the words of `qupel.runs.schema`.
    """

    name: str
    schema: Mapping[str, Any]

    @classmethod
    def of(cls, declared: str | Mapping[str, Any]) -> Port:
        """Return the port of a type's name, or of a schema.

        Raises
        ------
        InputError
            If the name or a word of the schema is unknown.
        """
        if isinstance(declared, str):
            if declared not in TYPES:
                raise unknown_name("type", declared, TYPES)
            return cls(declared, TYPES[declared])
        if not isinstance(declared, Mapping):
            raise InputError(
                f"a port is the name of a type ({', '.join(TYPES)}) or a schema, got {declared!r}"
            )
        check_schema(declared)
        return cls("", declared)

    def takes(self, source: Port) -> bool:
        """Whether every value of ``source`` may be a value of this port."""
        if self.name and source.name:
            return self.name in (source.name, "document")
        return narrower(source.schema, self.schema)

    def check(self, value: Any, where: str) -> None:
        """Raise `ContractError` if a value is none of this port's."""
        if fault := first_fault(value, self.schema, words=SHAPE | RANGES, at=where):
            raise ContractError(fault)

    def __str__(self) -> str:
        return self.name or f"a schema of {' or '.join(_types(self.schema)) or 'any type'}"


def narrower(source: Mapping[str, Any], target: Mapping[str, Any]) -> bool:
    """Whether the shape of ``source`` promises all that the shape of ``target`` asks for.

    Types, required properties and items are compared; ranges are left to the check of values.
    """
    asked, promised = _types(target), _types(source)
    if asked and (not promised or not all(_is_a(name, asked) for name in promised)):
        return False
    known = source.get("properties", {})
    for name in target.get("required", ()):
        if name not in source.get("required", ()):
            return False
    for name, inner in target.get("properties", {}).items():
        if name in known and not narrower(known[name], inner):
            return False
    if "items" in target and ("array" in promised or not promised):
        return narrower(source.get("items", {}), target["items"])
    return True


def _is_a(name: str, asked: tuple[str, ...]) -> bool:
    return name in asked or (name == "integer" and "number" in asked)


def _types(schema: Mapping[str, Any]) -> tuple[str, ...]:
    named = schema.get("type", ())
    return (named,) if isinstance(named, str) else tuple(named)
