"""Settings of all tests."""

from __future__ import annotations

from hypothesis import settings

from tests import shapes

# The same examples every time, and no deadline: compiled code is slow only at its first call.
settings.register_profile("qupel", derandomize=True, deadline=None, print_blob=False)
settings.load_profile("qupel")

# Here, because only modules that are imported later are checked.
shapes.install()
