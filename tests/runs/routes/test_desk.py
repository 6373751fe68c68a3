from __future__ import annotations

import threading
import time
from pathlib import Path

from qupel.runs.routes.decision import Kept
from qupel.runs.routes.desk import Desk
from tests.runs.routes.decisions import DECISION


def test_what_is_spooled_leaves_no_thread_behind(tmp_path: Path) -> None:
    edge = Desk(offline=True, folder=tmp_path)
    try:
        for _ in range(5):
            assert edge.keep(DECISION, None, 30.0).kept is Kept.SPOOL
        until = time.monotonic() + 240
        while spooling() and time.monotonic() < until:
            time.sleep(0.01)
        assert spooling() == []
    finally:
        edge.close()
    assert len(edge.spool.documents()) == 5


def spooling() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "qupel-spool"]
