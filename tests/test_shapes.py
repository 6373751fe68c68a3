"""Array annotations are checked as the tests run, and nothing else is."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import TypeCheckError, install_import_hook

from qupel.kernels.routing import nearest
from qupel.model import Qubo
from tests.shapes import annotated, unchecked

MODULE = """
from __future__ import annotations
from dataclasses import dataclass
from typing import Literal, Self
import numpy as np
from jaxtyping import Float64

def doubled(x: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    return np.concatenate([x, x])

@dataclass(frozen=True, slots=True, eq=False)
class Line:
    xs: Float64[np.ndarray, " n"]
    ys: Float64[np.ndarray, " n"]

    def named(self, way: Literal["up", "down"]) -> Self:
        return self
"""


def test_a_wrong_annotation_is_caught_and_other_types_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wrongly_annotated.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    with install_import_hook("wrongly_annotated", "tests.shapes.check"):
        module = importlib.import_module("wrongly_annotated")
    with pytest.raises(TypeCheckError, match="return value of wrongly_annotated"):
        module.doubled(np.zeros(2))
    with pytest.raises(TypeCheckError, match="parameter 'ys'"):
        module.Line(np.zeros(2), np.zeros(3))
    line = module.Line(np.zeros(2), np.zeros(2))
    assert line.named("sideways") is line


def test_a_wrong_dtype_or_shape_does_not_cross_a_border() -> None:
    with pytest.raises(TypeCheckError, match="parameter 'distances'"):
        nearest(np.ones((4, 4), np.int64), 2)
    with pytest.raises(TypeCheckError, match="parameter 'distances'"):
        nearest(np.ones((4, 3)), 2)
    with pytest.raises(TypeCheckError, match="parameter 'bits'"):
        Qubo(np.eye(2)).energies(np.zeros(2, np.int64))


def test_checks_can_rest() -> None:
    with unchecked():
        assert nearest(np.ones((4, 4), np.int64), 2).shape == (4, 2)
    with pytest.raises(TypeCheckError):
        nearest(np.ones((4, 4), np.int64), 2)


@pytest.mark.parametrize("name", annotated())
def test_every_module_that_annotates_arrays_is_checked(name: str) -> None:
    loader = importlib.import_module(name).__loader__
    assert type(loader).__module__.startswith("jaxtyping")
