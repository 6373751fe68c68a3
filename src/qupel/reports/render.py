"""Drawing specifications with vl-convert, which the extra ``report`` brings."""

from __future__ import annotations

import base64
import re
from typing import Any

from qupel.errors import InputError

MISSING = 'charts need the extra "report": pip install "qupel[report]"'
"""What to say where nothing can draw."""


def _converter() -> Any:
    try:
        import vl_convert
    except ImportError as error:
        raise InputError(MISSING) from error
    return vl_convert


def has_renderer() -> bool:
    """Whether the extra ``report`` is installed."""
    try:
        _converter()
    except InputError:
        return False
    return True


def to_svg(spec: dict[str, Any]) -> str:
    """Scalable picture of ``spec``, without a declaration, to stand inside a page."""
    svg: str = _converter().vegalite_to_svg(spec)
    return re.sub(r"^<\?xml[^>]*\?>\s*", "", svg)


def to_png(spec: dict[str, Any], *, scale: float = 2.0) -> bytes:
    """Picture of ``spec`` in pixels."""
    png: bytes = _converter().vegalite_to_png(spec, scale=scale)
    return png


def to_data_uri(svg: str) -> str:
    """Return an SVG as a data URI: apart from the page, so that names inside cannot clash."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
