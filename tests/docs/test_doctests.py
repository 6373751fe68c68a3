"""Examples in docstrings run."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import qupel

ROOT = Path(qupel.__file__).parent
FILES = [path for path in sorted(ROOT.rglob("*.py")) if ">>>" in path.read_text(encoding="utf-8")]
MODULES = [".".join(("qupel", *path.relative_to(ROOT).with_suffix("").parts)) for path in FILES]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_hold(name: str) -> None:
    module = importlib.import_module(name.removesuffix(".__init__"))
    shown = [test for test in doctest.DocTestFinder().find(module) if test.examples]
    for test in shown:
        assert doctest.DocTestRunner().run(test).failed == 0, test.name
    assert shown or name == "qupel.cli.solve", "the examples stand in no docstring"


def test_modules_with_examples_were_found() -> None:
    assert "qupel.model.expression" in MODULES
