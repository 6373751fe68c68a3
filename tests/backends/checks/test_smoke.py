from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from qupel.backends import Reading
from qupel.backends.checks.direct import Direct
from qupel.backends.checks.smoke import SmokeRun, keep_run, read_runs, run_smoke, smoke_circuits
from qupel.backends.compiling import compile_circuit
from qupel.backends.local import open as open_device
from qupel.errors import InputError
from tests.backends.profiles import CHIP


@pytest.mark.parametrize("qubits", [2, 3, 7])
def test_without_noise_no_smoke_circuit_fails(qubits: int) -> None:
    run = run_smoke(Direct(open_device("statevector")), smoke_circuits(qubits), shots=200, at=0.0)
    assert run.failures == {"single": 0, "ghz": 0, "mirror": 0}


def test_shots_that_gave_something_else_are_failures() -> None:
    ghz = smoke_circuits(2)[1]
    bits = np.array([[0, 0], [1, 0], [1, 1]], np.uint8)
    assert ghz.failures(Reading(bits, np.array([5, 2, 6], np.int64))) == 2


def test_no_compiler_can_leave_the_mirror_out() -> None:
    mirror = smoke_circuits(4)[2].circuit
    assert mirror.two_qubit_gates() == 3 * 2 * 3
    compiled = compile_circuit(mirror, CHIP)
    assert compiled.compiled.two_qubit_gates >= 3 * 2 * 3


def test_runs_survive_a_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "smoke" / "runs.jsonl"
    runs = [SmokeRun(1.5, 100, {"ghz": 3}, "cal-1"), SmokeRun(2.5, 100, {"ghz": 4})]
    for run in runs:
        keep_run(path, run)
    assert read_runs(path) == runs
    assert read_runs(tmp_path / "none.jsonl") == []


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    path.write_text('{"at": 1}\n', encoding="utf-8")
    with pytest.raises(InputError, match="line 1: no smoke run"):
        read_runs(path)


def test_a_smoke_circuit_needs_two_qubits() -> None:
    with pytest.raises(InputError, match="need 2 qubits or more, got 1"):
        smoke_circuits(1)
