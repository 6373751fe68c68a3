"""A pilot through the command line, from its file to an export that runs elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acceptance.command import Ended, qupel
from tests.pilots.small import small_pilot


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("commands")


@pytest.fixture(scope="module")
def ran(folder: Path) -> Ended:
    path = small_pilot(folder)
    return qupel(
        "run", path, "--home", folder / "home", "--out", folder / "out", "--progress", "none",
        "--json",
    )  # fmt: skip


def test_run_prints_one_document_with_the_verdict_and_how_to_repeat_it(
    ran: Ended, folder: Path
) -> None:
    assert ran.code == 0, ran.err
    assert ran.document["pilot"] == "small"
    assert ran.document["cells"] == 30
    assert ran.document["sentence"]
    assert ran.document["reproduce"].startswith("qupel run ")
    assert Path(ran.document["memo"]).read_text().startswith("<!DOCTYPE html>")


def test_the_outlook_with_its_power_is_told_before_the_run(ran: Ended) -> None:
    assert "chance to show an effect beyond it with 6 cases" in ran.err


def test_list_names_the_pilot_and_its_decision(ran: Ended, folder: Path) -> None:
    [row] = qupel("list", "--home", folder / "home", "--json").document["pilots"]
    assert (row["pilot"], row["records"]) == ("small", 30)
    assert row["decision"] == ran.document["decision"]


def test_show_gives_verdict_and_arms_or_one_record(ran: Ended, folder: Path) -> None:
    shown = qupel("show", "small", "--home", folder / "home", "--json").document
    assert shown["verdict"]["sentence"] == ran.document["sentence"]
    assert len(shown["arms"]) == 5
    export = folder / "for-records"
    qupel("export", "small", export, "--home", folder / "home")
    record = json.loads((export / "records.jsonl").read_text().splitlines()[0])
    again = qupel("show", record["id"][:16], "--home", folder / "home", "--json").document
    assert again["record"]["id"] == record["id"]
    assert again["reproduce"][1].startswith("qupel solve ")


def test_report_writes_the_memo_in_the_format_of_its_ending(ran: Ended, folder: Path) -> None:
    for name, begins in (("memo.html", b"<!DOCTYPE"), ("comparison.json", b"{")):
        ended = qupel("report", "small", "--home", folder / "home", "--out", folder / name)
        assert ended.code == 0
        assert (folder / name).read_bytes().startswith(begins)
    assert qupel("report", "small", "--home", folder / "home", "--out", "memo.docx").code == 3


def test_an_exported_pilot_validates_elsewhere_with_the_same_data(ran: Ended, folder: Path) -> None:
    written = qupel("export", "small", folder / "export", "--home", folder / "home", "--json")
    assert written.code == 0
    hashes = json.loads((folder / "export" / "hashes.json").read_text())
    ended = qupel(
        "run", folder / "export" / "pilot.yaml", "--home", folder / "elsewhere", "--out",
        folder / "again", "--progress", "none",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    qupel("export", "small", folder / "second", "--home", folder / "elsewhere")
    assert json.loads((folder / "second" / "hashes.json").read_text()) == hashes


def test_compare_leaves_out_what_is_equal(ran: Ended, folder: Path) -> None:
    ended = qupel("compare", "small", "small", "--home", folder / "home", "--json")
    assert ended.document["rows"] == []


def test_a_pilot_that_never_ran_is_an_input_error(folder: Path) -> None:
    for command in ("show", "report", "resume"):
        ended = qupel(command, "absent", "--home", folder / "home")
        assert ended.code == 3
        assert "absent" in ended.err


def test_init_refuses_to_overwrite(folder: Path) -> None:
    assert qupel("init", folder / "new.yaml", "--family", "mis").code == 0
    assert qupel("init", folder / "new.yaml").code == 3
    assert qupel("validate", folder / "new.yaml", "--json").document["family"] == "mis"


def test_validate_prints_the_schema() -> None:
    document = json.loads(qupel("validate", "--schema").out)
    assert document["title"] == "Charter"
