from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.runs.schema import RANGES, SHAPE, check_schema, first_fault

DAY = {
    "type": "object",
    "required": ["stops", "capacity"],
    "additionalProperties": False,
    "properties": {
        "stops": {"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": 0}},
        "capacity": {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 9},
        "mode": {"enum": ["day", "night"]},
    },
}

values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 12) | st.sampled_from([0.5, "day", "x"]),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
documents = st.dictionaries(st.sampled_from(["stops", "capacity", "mode", "more"]), values)


@given(documents)
def test_verdicts_agree_with_a_full_validator(document: dict[str, Any]) -> None:
    valid = jsonschema.Draft202012Validator(DAY).is_valid(document)
    assert (first_fault(document, DAY, words=SHAPE | RANGES) is None) == valid


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ({"stops": [1, -2], "capacity": 1}, "stops[1] must be at least 0, got -2"),
        ({"stops": [], "capacity": 1}, "stops must have at least 1 items, got 0"),
        ({"stops": [1], "capacity": 0}, "capacity must be above 0, got 0"),
        ({"stops": [1], "capacity": 1, "mode": "x"}, "mode must be one of ['day', 'night']"),
    ],
)
def test_ranges_name_the_place_and_the_value(document: dict[str, Any], fault: str) -> None:
    assert first_fault(document, DAY, words=SHAPE) is None
    assert fault in str(first_fault(document, DAY, words=RANGES))


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ([], "the document must be of type object, got []"),
        ({"stops": [1]}, "the document lacks 'capacity'"),
        ({"stops": ["a"], "capacity": 1}, "stops[0] must be of type integer, got 'a'"),
        ({"stops": [1], "capacity": 1, "x": 2}, "x is not in the contract"),
    ],
)
def test_shape_names_the_place(document: Any, fault: str) -> None:
    assert first_fault(document, DAY, words=SHAPE) == fault


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"minimun": 3}, "did you mean 'minimum'"),
        ({"type": "int"}, "unknown schema type"),
        ({"items": {"patern": "a"}}, "unknown schema word"),
        (["object"], "a schema is a mapping"),
    ],
)
def test_no_rule_is_passed_over_in_silence(schema: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        check_schema(schema)
