"""Settings of all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests import shapes
from tests.postgres import server, why_not

# The same examples every time, and no deadline: compiled code is slow only at its first call.
settings.register_profile("qupel", derandomize=True, deadline=None, print_blob=False)
settings.load_profile("qupel")

# Here, because only modules that are imported later are checked.
shapes.install()


@pytest.fixture(scope="session", autouse=True)
def home_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what the tests write out of the home of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUPEL_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of the tests' own PostgreSQL server, started when the first test asks for it."""
    if reason := why_not():
        pytest.skip(reason)
    with server() as url:
        yield url
