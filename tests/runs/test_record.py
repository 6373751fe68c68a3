from __future__ import annotations

import json
from dataclasses import fields, replace

from qupel.model.evidence import Evidence
from qupel.runs.record import Clocks, Record, Share, Status


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


def test_remarks_tell_when_encoding_or_waiting_dominates() -> None:
    record = Record("ab", "a", "c", 1, "f", "cd", {}, Status.ANSWERED, budget=1.0)
    clocks = Clocks(encode=0.2, compile=0.1, decode=0.1, execute=0.3)
    slow = replace(record, clocks=clocks, end_to_end=clocks.total)
    assert slow.remarks == ("encoding, compiling and decoding took 0.4 s, the search 0.3 s",)
    waiting = replace(record, clocks=Clocks(queue=1.5, execute=0.5), end_to_end=2.0)
    assert waiting.remarks == (
        "1.5 of 2 s were spent waiting",
        "the answer took 2 s of 1 s allowed",
    )
    assert replace(record, clocks=Clocks(execute=0.5), end_to_end=0.5).remarks == ()
