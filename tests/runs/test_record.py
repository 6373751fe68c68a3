from __future__ import annotations

import json
from dataclasses import fields

from qupel.runs.record import Clocks, Evidence, Record, Share, Status


def test_a_record_with_every_field_survives_json() -> None:
    record = Record(
        id="ab",
        arm="a",
        case="c",
        seed=1,
        family="f",
        problem_hash="cd",
        solver={"solver": "tabu"},
        status=Status.INFEASIBLE,
        evidence=Evidence.EMULATOR,
        violations=({"constraint": "weight", "where": "bag", "amount": 1.0},),
        raw=Share(1, 2),
        repaired=Share(2, 2),
        trace=((0.5, 3.0), (0.75, 2.0)),
        clocks=Clocks(encode=0.5, judge=0.25),
        attempts=({"role": "primary"}, {"role": "fallback"}),
    )
    document = json.loads(json.dumps(record.to_json(), allow_nan=False))
    assert Record.from_json(document) == record
    assert set(document) == {part.name for part in fields(Record)}


def test_records_written_before_a_field_was_added_are_read() -> None:
    record = Record("ab", "a", "c", 1, "f", "cd", {}, Status.ANSWERED)
    document = record.to_json()
    for later in ("attempts", "counted", "solution", "encoding", "facts", "log", "peak_memory_by"):
        del document[later]
    assert Record.from_json(document) == record


def test_clocks_total_is_the_sum_of_all_stages() -> None:
    stages = [part.name for part in fields(Clocks)]
    assert stages == ["encode", "compile", "queue", "execute", "decode", "repair", "judge"]
    clocks = Clocks(**{name: 2.0**i for i, name in enumerate(stages)})
    assert clocks.total == 2.0**7 - 1
