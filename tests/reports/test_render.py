"""Drawing."""

from __future__ import annotations

import base64
import sys

import pytest

from qupel.errors import InputError
from qupel.reports.render import has_renderer, to_data_uri, to_png, to_svg
from tests.reports.test_charts import SPECS


def test_png_is_a_png() -> None:
    assert to_png(SPECS["stages"], scale=1.0).startswith(b"\x89PNG")


def test_data_uri_holds_the_picture() -> None:
    svg = to_svg(SPECS["stages"])
    head, body = to_data_uri(svg).split(",")
    assert head == "data:image/svg+xml;base64"
    assert base64.b64decode(body).decode() == svg


def test_missing_extra_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    assert not has_renderer()
    with pytest.raises(InputError, match=r'pip install "qupel\[report\]"'):
        to_svg(SPECS["stages"])
