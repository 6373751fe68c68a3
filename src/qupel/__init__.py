"""A fair trial for a quantum step inside a classical pipeline."""

from __future__ import annotations

__version__ = "0.1.0"
