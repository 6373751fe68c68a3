"""A pilot from its file to its verdict."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from qupel.errors import InputError
from qupel.pilots.dossier import Dossier, folder_of
from qupel.pilots.pilot import Finished, Prepared, Progress, prepare, run_pilot
from qupel.pilots.pilot_file import PilotFileError
from qupel.pilots.template import pilot_text
from qupel.problems.registry import families, family
from qupel.runs.store import Store
from tests.pilots.small import small_pilot

ARMS = {"as-is", "milp", "hybrid", "hybrid · uniform", "hybrid · sampler"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pilot")


@pytest.fixture(scope="module")
def store(folder: Path) -> Iterator[Store]:
    with Store.open(folder / "home") as opened:
        yield opened


@pytest.fixture(scope="module")
def prepared(folder: Path) -> Prepared:
    return prepare(small_pilot(folder))


@pytest.fixture(scope="module")
def finished(prepared: Prepared, store: Store) -> Finished:
    return run_pilot(prepared, store, workers=2)


def test_every_arm_runs_every_case_and_quantum_arms_get_both_placebos(finished: Finished) -> None:
    assert finished.complete
    assert {record.arm for record in finished.records} == ARMS
    assert len(finished.records) == len(ARMS) * 6


def test_objectives_are_those_the_judge_finds_in_the_stored_solutions(finished: Finished) -> None:
    problems = finished.prepared.cases.compared
    for record in finished.records:
        problem = problems[record.case]
        judged = problem.judge(problem.read_answer(record.solution))
        assert judged.objective == pytest.approx(record.objective, abs=1e-9)
        assert judged.feasible == record.feasible


def test_no_arm_beats_the_known_optimum(finished: Finished) -> None:
    optima = finished.prepared.cases.best_known
    for record in finished.records:
        assert record.objective is not None
        assert record.objective >= optima[record.case] - 1e-9


def test_a_finished_pilot_runs_no_cell_again(
    finished: Finished, prepared: Prepared, store: Store
) -> None:
    seen: list[Progress] = []
    again = run_pilot(prepared, store, workers=1, on_progress=seen.append)
    assert [progress.record for progress in seen] == [None]
    assert {r.id for r in again.records} == {r.id for r in finished.records}
    assert again.comparison.verdict == finished.comparison.verdict


def test_a_changed_charter_is_refused_and_names_what_changed(
    finished: Finished, prepared: Prepared, store: Store, folder: Path
) -> None:
    changed = prepare(small_pilot(folder / "changed", seeds=[1, 2]))
    with pytest.raises(InputError, match=r"charter\.seeds was \[1\], is \[1, 2\]"):
        run_pilot(changed, store)


def test_the_dossier_survives_its_folder_and_becomes_a_page(
    finished: Finished, folder: Path
) -> None:
    Dossier.of(finished).write(folder / "dossier")
    read = Dossier.read(folder / "dossier")
    assert read.comparison.to_json() == finished.comparison.to_json()
    page = read.html()
    for part in (
        "Where quantum would fit", "Baseline", "Success criterion", "Fallback", "Time and cost",
        "Go or no-go", "What was not shown", "Reproduce it",
    ):  # fmt: skip
        assert part in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert 'src="http' not in page


def test_an_amended_charter_begins_a_new_run_and_keeps_equal_cells(
    tmp_path: Path,
) -> None:
    with Store.open(tmp_path / "home") as store:
        first = run_pilot(prepare(small_pilot(tmp_path)), store, workers=2)
        changed = prepare(small_pilot(tmp_path, owner="Somebody else"))
        seen: list[Progress] = []
        second = run_pilot(
            changed, store, workers=2, amend="the owner left", on_progress=seen.append
        )
    assert second.lock.amendments[0].endswith("the owner left")
    assert second.lock.run == "small.1"
    assert {r.id for r in second.records} == {r.id for r in first.records}
    assert all(progress.record is None for progress in seen)


def test_a_family_without_its_strong_baseline_is_refused(tmp_path: Path) -> None:
    path = small_pilot(tmp_path)
    weak = path.read_text().replace("solver: milp", "solver: local-search")
    path.write_text(weak)
    with pytest.raises(PilotFileError, match="no strong baseline") as error:
        prepare(path)
    assert all(name in str(error.value) for name in family("subset").baselines)


def test_an_unknown_solver_is_reported_with_line_and_nearest_name(tmp_path: Path) -> None:
    path = small_pilot(tmp_path)
    path.write_text(path.read_text().replace("solver: milp", "solver: mlip"))
    with pytest.raises(PilotFileError, match=r"pilot\.yaml:\d+: arms\.1\.solver: .*'milp'"):
        prepare(path)


def test_an_unknown_setting_is_reported_with_the_nearest_name(tmp_path: Path) -> None:
    path = small_pilot(tmp_path)
    path.write_text(path.read_text().replace("layers: 1", "layer: 1"))
    with pytest.raises(PilotFileError, match="did you mean 'layers'"):
        prepare(path)


def test_a_direction_against_the_family_is_refused(tmp_path: Path) -> None:
    path = small_pilot(tmp_path)
    path.write_text(path.read_text().replace("direction: min", "direction: max"))
    with pytest.raises(PilotFileError, match=r"kpi\.direction"):
        prepare(path)


@pytest.mark.slow
def test_a_run_killed_without_warning_resumes_without_repeating_or_losing_a_cell(
    tmp_path: Path,
) -> None:
    path = small_pilot(tmp_path)
    home = tmp_path / "home"
    command = [sys.executable, "-m", "qupel", "run", *map(str, (path, "--home", home))]
    process = subprocess.Popen(
        command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    )
    with Store.open(home) as store:
        deadline = time.monotonic() + 240
        while len(store.finished_cells("small")) < 4 and time.monotonic() < deadline:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        before = {record.id: record.created for record in store.records("small")}
        assert 4 <= len(before) < 30
        ended = subprocess.run(
            [sys.executable, "-m", "qupel", "resume", "small", "--home", home, "--out", tmp_path],
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        after = {record.id: record.created for record in store.records("small")}
        assert len(store.finished_cells("small")) == len(store.records("small")) == 30
        assert {name: after[name] for name in before} == before
        assert (folder_of(store, "small") / "comparison.json").is_file()
    assert (tmp_path / "memo.html").is_file()


@pytest.mark.parametrize("name", sorted(families()))
def test_the_template_of_every_family_is_ready_to_run(tmp_path: Path, name: str) -> None:
    path = tmp_path / "pilot.yaml"
    path.write_text(pilot_text(name))
    assert len(prepare(path).cases.compared) == 8


def test_an_unknown_size_of_the_generator_is_reported_with_the_nearest_name(tmp_path: Path) -> None:
    path = small_pilot(tmp_path, data={"random": {"count": 6, "itmes": 9}})
    with pytest.raises(InputError, match="did you mean 'items'"):
        prepare(path)


def test_the_status_quo_stands_as_it_is_unless_the_charter_says_otherwise(tmp_path: Path) -> None:
    charter = prepare(small_pilot(tmp_path)).charter
    assert [arm.repairs for arm in charter.arms] == [False, True, True]
    assert charter.arms[0].model_copy(update={"repair": True}).repairs
