"""Tests that need a vendor's library: `make vendors` has an environment for each."""

from __future__ import annotations

import os
from importlib.util import find_spec

import pytest


def needs(module: str) -> pytest.MarkDecorator:
    """Skip where a library is missing, but not where `make vendors` says that it is there."""
    missing = find_spec(module) is None and not os.environ.get("QUPEL_VENDORS")
    return pytest.mark.skipif(missing, reason=f"no {module} here; `make vendors` has it")
