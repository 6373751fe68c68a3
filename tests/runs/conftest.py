from __future__ import annotations

from collections.abc import Iterator

import pytest

from qupel.runs.pool import Workers


@pytest.fixture(scope="session")
def workers() -> Iterator[Workers]:
    with Workers(2) as hired:
        yield hired
