"""Settings of all tests."""

from __future__ import annotations

from hypothesis import settings

# The same examples every time, and no deadline: compiled code is slow only at its first call.
settings.register_profile("qupel", derandomize=True, deadline=None, print_blob=False)
settings.load_profile("qupel")
