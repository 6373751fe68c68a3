from __future__ import annotations

import json
from typing import Any

from qupel.backends.adapters.braket_formats import action_of, source_of, tag_of
from qupel.model.circuit import Circuit


def test_programs_are_written_in_gates_that_every_device_takes() -> None:
    written = source_of(Circuit(2).sdg(0).cx(0, 1).p(0.5, 1).measure(1))
    assert written.splitlines() == [
        "OPENQASM 3.0;",
        "qubit[2] q;",
        "bit[2] b;",
        "si q[0];",
        "cnot q[0], q[1];",
        "rz(0.5) q[1];",
        "b[0] = measure q[0];",
        "b[1] = measure q[1];",
    ]
    compiled = source_of(Circuit(2).ecr(0, 1).crx(0.5, 0, 1))
    gates = {line.split("(")[0].split()[0] for line in compiled.splitlines()[3:-2]}
    assert gates <= {"rz", "rx", "cnot"}
    assert json.loads(action_of(written))["source"] == written


def test_tags_are_looked_at_with_care() -> None:
    assert tag_of({"qupel_tag": "t"}) == "t"
    odd: list[Any] = [None, {}, [], {"qupel_tag": 5}, "t"]
    assert not any(tag_of(tags) for tags in odd)
