"""Where Qupel keeps what is the user's own."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """Folder of Qupel's data: ``QUPEL_HOME``, else ``~/.local/share/qupel``."""
    return Path(os.environ.get("QUPEL_HOME") or Path.home() / ".local" / "share" / "qupel")
