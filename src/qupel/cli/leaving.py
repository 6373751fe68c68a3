"""Leave although stages are under way: whoever takes them up begins them again."""

from __future__ import annotations

import os
import sys
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """End this process at once, as a kill would; threads at work would hold it otherwise."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
