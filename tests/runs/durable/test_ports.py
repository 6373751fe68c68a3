from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qupel.errors import ContractError, InputError
from qupel.runs.durable.ports import TYPES, Port, narrower
from qupel.runs.schema import SHAPE, first_fault

NAMES = st.sampled_from(["a", "b"])


def schemas(depth: int = 2) -> st.SearchStrategy[dict[str, Any]]:
    simple = st.sampled_from([{}, {"type": "integer"}, {"type": "number"}, {"type": "string"}])
    if not depth:
        return simple
    inner = schemas(depth - 1)
    objects = st.builds(
        lambda properties, required: {
            "type": "object", "properties": properties, "required": sorted(required)
        },
        st.dictionaries(NAMES, inner, max_size=2),
        st.sets(NAMES, max_size=2),
    )  # fmt: skip
    arrays = st.builds(lambda items: {"type": "array", "items": items}, inner)
    return st.one_of(simple, objects, arrays)


VALUES = st.recursive(
    st.one_of(st.integers(-3, 3), st.floats(0, 1), st.text("xy", max_size=2)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(NAMES, inner, max_size=2)),
    max_leaves=4,
)


@given(schemas())
def test_every_port_takes_its_own_values(schema: dict[str, Any]) -> None:
    assert narrower(schema, schema)


@given(schemas(), schemas(), VALUES)
def test_what_a_port_takes_at_load_fits_it_as_it_runs(
    source: dict[str, Any], target: dict[str, Any], value: Any
) -> None:
    if narrower(source, target) and first_fault(value, source, words=SHAPE) is None:
        assert first_fault(value, target, words=SHAPE) is None


@pytest.mark.parametrize("name", TYPES)
def test_a_document_takes_any_type_and_types_take_only_themselves(name: str) -> None:
    assert Port.of("document").takes(Port.of(name))
    assert Port.of("problem").takes(Port.of(name)) == (name == "problem")


def test_a_value_of_another_type_is_refused_with_its_place() -> None:
    with pytest.raises(ContractError, match=r"output 'x'\[1\] must be of type object"):
        Port.of("table").check([{}, 3], "output 'x'")


def test_an_unknown_type_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'problem'"):
        Port.of("problen")
