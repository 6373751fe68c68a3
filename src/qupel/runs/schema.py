"""The part of JSON Schema that contracts use: shape and ranges of plain data.

Known words: ``type``, ``properties``, ``required``, ``additionalProperties`` (false or a
schema), ``items``, ``minItems``, ``maxItems``, ``minimum``, ``maximum``, ``exclusiveMinimum``,
``exclusiveMaximum``, ``enum``, ``const``; ``title``, ``description`` and ``$schema`` are
comments. Any other word is an error, so that no rule is passed over in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from qupel.errors import InputError, unknown_name

Schema = Mapping[str, Any]
Types = dict[str, Callable[[Any], bool]]

TYPES: Types = {
    "object": lambda value: isinstance(value, Mapping),
    "array": lambda value: isinstance(value, list | tuple),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: _is_number(value) and float(value).is_integer(),
    "number": lambda value: _is_number(value),
}
LIMITS: dict[str, tuple[str, Callable[[float, float], bool]]] = {
    "minimum": ("at least", lambda value, limit: value >= limit),
    "maximum": ("at most", lambda value, limit: value <= limit),
    "exclusiveMinimum": ("above", lambda value, limit: value > limit),
    "exclusiveMaximum": ("below", lambda value, limit: value < limit),
}
SHAPE = frozenset({"type", "properties", "required", "additionalProperties", "items"})
RANGES = frozenset({*LIMITS, "minItems", "maxItems", "enum", "const"})
COMMENTS = frozenset({"title", "description", "$schema"})


def check_schema(schema: Schema) -> None:
    """Raise `InputError` if a schema uses a word or a type that is not known."""
    if not isinstance(schema, Mapping):
        raise InputError(f"a schema is a mapping, got {schema!r:.60}")
    for word in schema:
        if word not in SHAPE | RANGES | COMMENTS:
            raise unknown_name("schema word", str(word), SHAPE | RANGES | COMMENTS)
    for name in _names(schema.get("type", ())):
        if name not in TYPES:
            raise unknown_name("schema type", str(name), TYPES)
    for inner in _inner(schema):
        check_schema(inner)


def first_fault(value: Any, schema: Schema, *, words: frozenset[str], at: str = "") -> str | None:
    """Return the first place where ``value`` breaks ``schema``, None if there is none.

    Parameters
    ----------
    words
        Which words count: `SHAPE`, `RANGES` or both.
    at
        Where in the document ``value`` stands, such as ``stops[3].demand``.
    """
    return next(_faults(value, schema, words, at), None)


def _faults(value: Any, schema: Schema, words: frozenset[str], at: str) -> Iterator[str]:
    place = at or "the document"
    names = _names(schema.get("type", ()))
    fits = not names or any(TYPES[name](value) for name in names)
    if not fits and "type" in words:
        yield f"{place} must be of type {' or '.join(names)}, got {value!r:.40}"
    if not fits:
        return
    if words & RANGES:
        yield from _out_of_range(value, schema, place)
    if isinstance(value, Mapping):
        yield from _in_object(value, schema, words, at)
    elif isinstance(value, list | tuple) and "items" in schema:
        for index, inner in enumerate(value):
            yield from _faults(inner, schema["items"], words, f"{at}[{index}]")


def _in_object(
    value: Mapping[str, Any], schema: Schema, words: frozenset[str], at: str
) -> Iterator[str]:
    known = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    if "required" in words:
        for key in schema.get("required", ()):
            if key not in value:
                yield f"{at or 'the document'} lacks {key!r}"
    for key, inner in value.items():
        where = f"{at}.{key}" if at else str(key)
        if key in known:
            yield from _faults(inner, known[key], words, where)
        elif others is False and "additionalProperties" in words:
            yield f"{where} is not in the contract"
        elif isinstance(others, Mapping):
            yield from _faults(inner, others, words, where)


def _out_of_range(value: Any, schema: Schema, place: str) -> Iterator[str]:
    if _is_number(value):
        for word, (text, holds) in LIMITS.items():
            if word in schema and not holds(value, schema[word]):
                yield f"{place} must be {text} {schema[word]}, got {value}"
    if isinstance(value, list | tuple):
        if len(value) < schema.get("minItems", 0):
            yield f"{place} must have at least {schema['minItems']} items, got {len(value)}"
        if len(value) > schema.get("maxItems", len(value)):
            yield f"{place} must have at most {schema['maxItems']} items, got {len(value)}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place} must be one of {list(schema['enum'])}, got {value!r:.40}"
    if "const" in schema and value != schema["const"]:
        yield f"{place} must be {schema['const']!r}, got {value!r:.40}"


def _inner(schema: Schema) -> Iterator[Schema]:
    yield from schema.get("properties", {}).values()
    for word in ("items", "additionalProperties"):
        if word in schema and not isinstance(schema[word], bool):
            yield schema[word]


def _names(types: Any) -> tuple[str, ...]:
    return (types,) if isinstance(types, str) else tuple(types)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
