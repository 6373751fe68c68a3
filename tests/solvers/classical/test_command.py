from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pytest

from qupel.errors import InputError, RunError
from qupel.model.samples import Samples
from qupel.problems.contract import Problem
from qupel.solvers.classical.command import Command
from qupel.solvers.contract import Incumbent, Solver, after_rounds, after_seconds
from tests.clocked import quickest
from tests.runs.toy import SMALL

#: Reads the instance, packs the first item, writes the answer.
PACK = """
import json, sys
problem = json.load(open(sys.argv[1]))
assert problem["limit"] == 7.0
open(sys.argv[2], "w").write("0\\n")
"""


def command(script: str, *more: str, **settings: float) -> Command:
    words = (sys.executable, "-c", script, "{instance}", "{answer}", *more)
    return Command(words, **settings)  # type: ignore[arg-type]


def solve(solver: Command, seconds: float = 10.0, seed: int = 1) -> Samples:
    return solver.solve(SMALL, stop=after_seconds(seconds), rng=np.random.default_rng(seed))


def test_command_answers_through_files() -> None:
    events: list[object] = []
    samples = command(PACK).solve(
        SMALL, stop=after_seconds(10), rng=np.random.default_rng(1), on_event=events.append
    )
    assert samples.values.tolist() == [[1, 0, 0]]
    assert samples.energies.tolist() == [-5.0]
    assert samples.facts["peak_memory"] > 1_000_000
    assert [event.energy for event in events if isinstance(event, Incumbent)] == [-5.0]


def test_command_is_a_solver_of_every_problem() -> None:
    solver = command(PACK)
    assert isinstance(solver, Solver)
    assert isinstance(SMALL, solver.accepts)
    assert solver.accepts is Problem


def test_command_without_a_deadline_runs_to_its_end() -> None:
    samples = command(PACK).solve(SMALL, stop=after_rounds(1), rng=np.random.default_rng(1))
    assert len(samples) == 1


def test_command_is_told_seconds_seed_and_threads() -> None:
    script = """
import os, sys
seconds, seed, threads = sys.argv[3:]
assert 1.5 < float(seconds) < 2 and int(seed) >= 0 and threads == "3"
assert os.environ["OMP_NUM_THREADS"] == "3"
open(sys.argv[2], "w").write("0")
"""
    solve(command(script, "{seconds}", "{seed}", "{threads}", threads=3), seconds=2.0)


def test_equal_seeds_give_the_command_equal_seeds() -> None:
    script = "import sys; open(sys.argv[2], 'w').write(str(int(sys.argv[3]) % 3))"
    solver = command(script, "{seed}")
    first, second = (solve(solver, seed=5) for _ in range(2))
    np.testing.assert_array_equal(first.values, second.values)


def test_answer_written_before_time_is_up_counts() -> None:
    solver = Command(("sh", "-c", 'echo 0 > "$1"; sleep 60', "{instance}", "{answer}"))
    timed = quickest(lambda: solve(solver, seconds=1.0), within=1.0 + 0.2)
    assert timed.seconds < 1.0 + 0.2
    assert timed.value.facts["ended_by_us"]


def test_what_a_command_started_ends_with_it(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    script = f"trap '' TERM; sleep 60 & echo $! > {note}; wait"
    with pytest.raises(RunError, match=r"wrote no answer: it was ended when its \S+ s were over"):
        solve(Command(("sh", "-c", script, "{instance}", "{answer}")), seconds=1.0)
    child, until = int(note.read_text()), time.monotonic() + 240
    while runs(child) and time.monotonic() < until:
        time.sleep(0.01)
    assert not runs(child)


def runs(process: int) -> bool:
    try:
        return ") Z" not in Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_failure_tells_the_last_lines() -> None:
    script = "import sys; print('reading'); sys.exit('licence expired')"
    with pytest.raises(RunError, match=r"exit code 1; its last output: .*licence expired"):
        solve(command(script))


def test_a_command_that_prints_without_end_is_ended_in_time() -> None:
    solver = command("while True: print('x' * 100_000)")

    def told() -> str:
        with pytest.raises(RunError, match="ended when its") as caught:
            solve(solver, seconds=0.5)
        return str(caught.value)

    timed = quickest(told, within=0.65)
    assert timed.seconds < 0.65
    assert len(timed.value) < 5000


def test_answer_of_a_failed_command_does_not_count() -> None:
    script = "import sys; open(sys.argv[2], 'w').write('0'); sys.exit(3)"
    with pytest.raises(RunError, match="failed: exit code 3; it printed nothing"):
        solve(command(script))


def test_malformed_answer_is_told_as_the_family_tells_it() -> None:
    script = "import sys; open(sys.argv[2], 'w').write('zero')"
    with pytest.raises(RunError, match="cannot be read: items must be whole numbers"):
        solve(command(script))


def test_unknown_program_is_the_callers_mistake() -> None:
    with pytest.raises(InputError, match="no-such-program"):
        solve(Command(("no-such-program", "{instance}", "{answer}")))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "empty"),
        (("solve", "{instance}"), "must name {instance} and {answer}"),
        (("solve", "{instance}", "{answer}", "{time}"), "unknown places {time}"),
        (("solve", "{instance", "{answer}"), "double a brace"),
    ],
)
def test_command_is_checked_when_it_is_made(words: tuple[str, ...], told: str) -> None:
    with pytest.raises(InputError, match=told):
        Command(words)


def test_text_is_split_as_a_shell_splits_it() -> None:
    solver = Command("solve --in '{instance}' --out {answer} 'a b'")  # type: ignore[arg-type]
    assert solver.command == ("solve", "--in", "{instance}", "--out", "{answer}", "a b")
