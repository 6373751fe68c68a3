"""The log of pipeline runs, called by its own name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from qupel.runs.database import Database
from qupel.runs.durable.kinds import Made
from qupel.runs.durable.log import RunLog
from qupel.runs.durable.pipeline import Pipeline, Stage

ENDS: list[Callable[[RunLog, str], Any]] = [
    lambda log, run_id: log.finish(run_id, "read", "key", Made({"document": [1]}), keep=True),
    lambda log, run_id: log.reuse(run_id, "read", ({"document": "hash"}, {})),
    lambda log, run_id: log.fail(run_id, "read", "broken"),
    lambda log, run_id: log.cancel(run_id),
]


@pytest.mark.parametrize("end", ENDS, ids=["finish", "reuse", "fail", "cancel"])
def test_whatever_ends_a_stage_takes_its_run_first_so_that_no_two_wait_for_each_other(
    database: Database, tmp_path: Path, end: Callable[[RunLog, str], Any]
) -> None:
    log, met = RunLog(database), list[str]()
    stage = Stage("read", "load", {}, {"file": "d.json", "as": "document"})
    run_id = log.submit(Pipeline("one", (stage,)), tmp_path)
    log.release(run_id)

    def before(
        _connection: Any, _cursor: Any, statement: str, _given: Any, _context: Any, _many: Any
    ) -> None:
        met.extend(name for name in ("pipeline_runs", "pipeline_stages") if name in statement)

    sa.event.listen(database.engine, "before_cursor_execute", before)
    end(log, run_id)
    assert met[0] == "pipeline_runs"
    assert "pipeline_stages" in met
