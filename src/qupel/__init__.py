"""A fair trial for a quantum step inside a classical pipeline.

The public names of every package are imported on first use, so that ``import qupel`` is quick.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

#: Public name -> module that defines it.
_NAMES = {
    "Ising": "qupel.model",
    "Model": "qupel.model",
    "Qubo": "qupel.model",
    "Samples": "qupel.model",
    "bits": "qupel.model",
    "integers": "qupel.model",
    "encode": "qupel.encodings",
    "read_problem": "qupel.problems",
    "solve": "qupel.runs",
    "run_pilot": "qupel.pilots",
}

__all__ = ["__version__", *_NAMES]  # names are strings


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'qupel' has no attribute {name!r}")
    return getattr(importlib.import_module(_NAMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
