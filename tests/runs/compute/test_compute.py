"""What fan-out promises, by processes here and by Ray where it is installed."""

from __future__ import annotations

import importlib.util
import pickle
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from qupel.errors import InputError, RunError
from qupel.runs.compute import Compute, Options, Processes, compute
from tests.runs.compute import cells

HAS_RAY = importlib.util.find_spec("ray") is not None


@pytest.fixture(
    scope="module",
    params=[
        "processes",
        pytest.param(
            "ray",
            marks=[
                pytest.mark.slow,
                pytest.mark.skipif(not HAS_RAY, reason="Ray is not installed"),
                pytest.mark.filterwarnings("ignore"),  # Ray's own
            ],
        ),
    ],
)
def pool(request: pytest.FixtureRequest) -> Iterator[Compute]:
    made = compute(request.param, 2)
    yield made
    made.close()


def test_results_stand_in_the_order_of_the_cells(pool: Compute) -> None:
    found = pool.map(cells.square, range(2000))
    assert [cell.get() for cell in found] == [n * n for n in range(2000)]


def test_results_are_the_same_bytes_wherever_they_are_made(pool: Compute) -> None:
    found = [cell.get() for cell in pool.map(cells.drawn, range(300), Options(chunk=50))]
    assert pickle.dumps(found) == pickle.dumps([cells.drawn(seed) for seed in range(300)])


def test_an_error_is_the_result_of_its_own_cell(pool: Compute) -> None:
    found = pool.map(cells.even, range(4))
    assert [cell.value for cell in found] == [0, None, 2, None]
    with pytest.raises(ValueError, match="3 is odd"):
        found[3].get()


def test_errors_and_values_that_cannot_be_sent_are_told(pool: Compute) -> None:
    with pytest.raises(RunError, match="OddError: 1 and 2"):
        pool.map(cells.odd_error, [1])[0].get()
    assert pool.map(cells.unsendable, [1])[0].error is not None


def test_a_value_that_cannot_be_read_is_an_error_of_its_own_cell(pool: Compute) -> None:
    found = pool.map(cells.sealed, range(3), Options(chunk=3))
    assert [cell.value for cell in found] == [0, None, 2]
    assert "cannot be read here: ValueError: sealed" in str(found[1].error)


def test_a_cell_that_cannot_be_sent_or_read_fails_alone(pool: Compute) -> None:
    found = pool.map(cells.same, [0, threading.Lock(), cells.Sealed(), 3], Options(chunk=4))
    assert [cell.value for cell in found] == [0, None, None, 3]
    assert "cell 1 cannot be sent to other processes: cannot pickle" in str(found[1].error)
    assert "sealed" in str(found[2].error)


def test_a_cell_that_exits_fails_alone_and_once(pool: Compute) -> None:
    found = pool.map(cells.ending, range(3), Options(chunk=3))
    assert [(cell.value, cell.attempts) for cell in found] == [(0, 1), (None, 1), (2, 1)]
    assert "SystemExit 3" in str(found[1].error)


def test_cells_may_come_one_by_one(pool: Compute) -> None:
    found = pool.map(cells.square, (n for n in range(5)))
    assert [cell.get() for cell in found] == [0, 1, 4, 9, 16]


def test_what_is_no_sequence_of_cells_is_refused(pool: Compute) -> None:
    with pytest.raises(InputError, match="cells are a sequence, got int"):
        pool.map(cells.square, 3)  # type: ignore[arg-type]


def test_a_cell_whose_process_dies_is_begun_again(pool: Compute, tmp_path: Path) -> None:
    found = pool.map(cells.deadly, [(n, str(tmp_path / "mark")) for n in range(20)])
    assert [cell.get() for cell in found] == list(range(20))
    assert found[7].attempts == 2


def test_a_cell_that_kills_every_process_fails_alone(pool: Compute) -> None:
    found = pool.map(cells.always_deadly, range(6), Options(chunk=6))
    assert [cell.value for cell in found] == [0, 1, 2, None, 4, 5]
    assert "died" in str(found[3].error)


def test_a_cell_that_overruns_is_killed(pool: Compute) -> None:
    began = time.monotonic()
    found = pool.map(cells.sleeping, [0.01, 60.0], Options(seconds=1.5))
    assert found[0].get() == 0.01
    assert "killed" in str(found[1].error)
    assert time.monotonic() - began < 20


def test_cancelling_kills_what_is_under_way(pool: Compute) -> None:
    options = Options(chunk=1)
    threading.Timer(1.0, options.cancelled.set).start()
    began = time.monotonic()
    found = pool.map(cells.sleeping, [0.0, 60.0, 60.0], options)
    assert time.monotonic() - began < 20
    assert "cancelled" in str(found[1].error)


def test_progress_is_told_up_to_the_last_cell(pool: Compute) -> None:
    told: list[tuple[int, int]] = []
    pool.map(cells.square, range(10), Options(chunk=3, progress=lambda *n: told.append(n)))
    assert sorted(told)[-1] == (10, 10)
    assert len(told) == 4


def test_no_cells_are_no_work(pool: Compute) -> None:
    assert pool.map(cells.square, []) == []


def test_a_function_without_a_name_is_refused(pool: Compute) -> None:
    with pytest.raises(InputError, match="cannot be sent"):
        pool.map(lambda n: n, [1])


def test_where_is_chosen_by_argument_or_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(compute(), Processes)
    monkeypatch.setenv("QUPEL_COMPUTE", "moon")
    with pytest.raises(InputError, match="'moon'"):
        compute()


def test_closed_processes_say_so() -> None:
    closed = Processes(1)
    closed.close()
    with pytest.raises(RunError, match="closed"):
        closed.map(cells.square, [1])


@pytest.mark.parametrize("options", [{"chunk": 0}, {"attempts": 0}, {"seconds": 0.0}])
def test_options_that_make_no_sense_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(InputError, match=r"at least 1|above 0"):
        Options(**options)  # type: ignore[arg-type]
