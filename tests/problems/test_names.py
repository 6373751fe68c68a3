"""The package's public names: all there, none imported before it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import qupel.problems


def test_every_public_name_is_there() -> None:
    for name in qupel.problems.__all__:
        assert getattr(qupel.problems, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Knapsack'"):
        _ = qupel.problems.Knapsack


def test_importing_the_package_imports_no_family() -> None:
    code = (
        "import sys, qupel.problems as p;"
        "assert 'qupel.problems.maxcut' not in sys.modules and 'scipy' not in sys.modules;"
        "assert p.MaxCut.family == 'maxcut' and 'MaxCut' in dir(p)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
