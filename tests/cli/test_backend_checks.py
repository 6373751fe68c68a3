"""The commands that check backends, on this machine's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from qupel.cli.exits import Exit
from tests.acceptance.command import qupel

GHZ = (
    'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[3] q;\nh q[0];\ncx q[0], q[1];\ncx q[1], q[2];\n'
)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUPEL_HOME", str(tmp_path / "home"))


@pytest.fixture
def ghz(tmp_path: Path) -> Path:
    path = tmp_path / "ghz.qasm"
    path.write_text(GHZ, encoding="utf-8")
    return path


def test_canary_passes_and_keeps_its_report(tmp_path: Path) -> None:
    ended = qupel("canary", "local:statevector", "--sizes", "1-3,7", "--json")
    assert ended.code == Exit.OK
    assert ended.document["passed"] is True
    assert ended.document["sizes"] == [1, 2, 3, 7]
    assert (tmp_path / "home" / "canaries.jsonl").exists()


def test_canary_tells_what_it_would_take(tmp_path: Path) -> None:
    ended = qupel("canary", "local:annealer", "--sizes", "5", "--shots", "50", "--estimate")
    assert ended.out.strip() == "2 orders, 150 shots, nothing"
    assert not (tmp_path / "home").exists()


def test_parity_flags_a_noisy_device(ghz: Path) -> None:
    ended = qupel("parity", ghz, "local:statevector", "local:noisy-ibm-heron-r2", "--limit", "0.01")
    assert ended.code == Exit.ALARM
    assert "diverge beyond the limit" in ended.out


def test_diagnose_names_the_algorithm(ghz: Path) -> None:
    ended = qupel(
        "diagnose", ghz, "--device", "ibm-heron-r2", "--right", "010", "--shots", 500, "--json"
    )
    assert ended.code == Exit.ALARM
    assert ended.document["cause"] == "algorithm"
    assert [arm["passed"] for arm in ended.document["arms"]] == [False, False, False]


def test_drift_makes_a_baseline_and_then_watches() -> None:
    asked = ("drift", "local:noisy-ibm-heron-r2", "--baseline", 2, "--shots", 200)
    said = [qupel(*asked).out.splitlines()[-1] for _ in range(3)]
    assert said[:2] == ["run 1 of 2 of the baseline", "run 2 of 2 of the baseline"]
    assert said[2].startswith("no drift; a false alarm in one of")


def test_drift_begins_anew_and_keeps_older_runs(tmp_path: Path) -> None:
    asked = ("drift", "local:noisy-ibm-heron-r2", "--baseline", 2, "--shots", 50)
    qupel(*asked)
    assert "run 1 of 2" in qupel(*asked, "--anew").out
    assert len(list((tmp_path / "home" / "smoke").iterdir())) == 2


def test_testline_needs_smoke_runs_first(ghz: Path) -> None:
    line = ("testline", ghz, "--device", "ibm-heron-r2", "--outcome", "000=0.5")
    ended = qupel(*line, "--outcome", "111=0.5", "--baseline", 1)
    assert ended.code == Exit.NOT_READY
    assert [line.split(":")[0] for line in ended.out.splitlines()] == [
        "ok    circuit unit test",
        "ok    noiseless simulator",
        "ok    noisy simulator",
    ]
    assert "qupel drift local:modelled-ibm-heron-r2 --qubits 3" in ended.err


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        (("000=0.5", "111=0.4"), "sum to one, got 0.9"),
        (("00=1",), "an outcome of 3 qubits has as many bits, each 0 or 1, got '00'"),
        (("000=-0.5", "111=1.5"), "'000=-0.5': a probability is from 0 to 1, got -0.5"),
        (("000=nan",), "a probability is from 0 to 1, got nan"),
        (("000=0.5", "000=0.5"), "000 is named twice"),
        (("000=half", "111=0.5"), "write bits, '=', and a probability, such as 000=0.5"),
        (("000", "111=0.5"), "write bits, '=', and a probability, such as 000=0.5"),
    ],
)
def test_testline_looks_at_its_outcomes_before_all_else(
    ghz: Path, outcomes: tuple[str, ...], said: str
) -> None:
    asked = [word for outcome in outcomes for word in ("--outcome", outcome)]
    ended = qupel("testline", ghz, "--device", "ibm-heron-r2", *asked)
    assert (ended.code, said in ended.err) == (Exit.INPUT, True)


def test_testline_calls_few_shots_unclear(ghz: Path) -> None:
    asked = ("testline", ghz, "--device", "ibm-heron-r2", "--shots", 200, "--outcome", "000=0.5")
    ended = qupel(*asked, "--outcome", "111=0.5")
    assert ended.code == Exit.ALARM
    assert "unclear  noiseless simulator: 100.00% of shots are right" in ended.out
    document = qupel(*asked, "--outcome", "111=0.5", "--json").document
    assert (document["caught"], document["unclear"]) == (None, "noiseless simulator")
    assert document["steps"][-1]["passed"] is None


def test_testline_releases_or_falls_back(ghz: Path) -> None:
    qupel("drift", "local:modelled-ibm-heron-r2", "--baseline", 1)
    line = ("testline", ghz, "--device", "ibm-heron-r2", "--baseline", 1, "--outcome")
    released = qupel(*line, "000=0.5", "--outcome", "111=0.5", "--json")
    assert (released.code, released.document["verdict"]) == (Exit.OK, "release")
    wrong = qupel(*line, "000=0.5", "--outcome", "110=0.5", "--json")
    assert (wrong.code, wrong.document["caught"]) == (Exit.ALARM, "circuit unit test")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("canary", "local:statevector", "--sizes", "one"), "write numbers and ranges"),
        (("canary", "local:statevector", "--sizes", "5-2"), "'5-2' must be a range that rises"),
        (("canary", "local:statevector", "--sizes", "1-999999999"), "of up to 10000 numbers"),
        (("canary", "local:statevector", "--most", "-1"), "--most: an amount of money must be"),
        (("canary", "local:nothing"), "unknown local device"),
        (("canary", "local:statevector", "--most", "much"), "money is an amount"),
    ],
)
def test_bad_input_is_one_message(arguments: tuple[str, ...], said: str) -> None:
    ended = qupel(*arguments)
    assert ended.code == Exit.INPUT
    assert said in ended.err


def test_an_outcome_of_another_width_is_refused(ghz: Path) -> None:
    ended = qupel("diagnose", ghz, "--device", "ibm-heron-r2", "--right", "01")
    assert ended.code == Exit.INPUT
    assert "an outcome of this circuit has 3 bits" in ended.err
