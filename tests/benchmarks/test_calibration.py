"""The rule's error rates and its intervals' coverage, by simulation."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qupel.benchmarks import Decision, Rule, compare
from qupel.benchmarks import calibration as trial
from qupel.errors import InputError
from tests.benchmarks.constructed import ARMS, CLASSICAL, STATUS_QUO, Bench

SMALL = trial.Design(8, 3, 3, 1)


@pytest.mark.parametrize("shape", trial.SHAPES)
def test_keeps_are_rarely_false(shape: str) -> None:
    for truth in trial.TRUTHS[:3]:
        found = trial.outcome(SMALL, truth, shape, 300, 1)
        assert found.keep <= 0.025 + 2 * trial.error_of(0.025, 300)


def test_gain_of_three_margins_is_mostly_kept_and_never_stopped() -> None:
    found = trial.outcome(trial.Design(12, 3, 2, 1), trial.TRUTHS[3], "normal", 300, 1)
    assert found.keep > 0.7
    assert found.stop < 0.01


def test_synthetic_and_recorded_benchmarks_are_decided_alike() -> None:
    arms = (STATUS_QUO, CLASSICAL, ARMS[2], *ARMS[3:])
    blank = {(r.arm, int(r.case.split()[1]), r.seed): r for r in Bench(cases=8, seeds=3).records()}
    seen = set()
    for truth in trial.TRUTHS:
        # Close calls in both directions are what the two must agree on.
        values = trial.draw(np.random.default_rng(3), SMALL, truth, "normal", 6)
        found = trial.decide(values, SMALL, truth.margin)
        for place in range(6):
            records = [
                replace(
                    blank[arm.name, case, seed], objective=float(values[place, row, case, seed])
                )
                for row, arm in enumerate(arms)
                for case in range(8)
                for seed in range(3)
            ]
            rule = Rule(margin=truth.margin, margin_unit="kpi")
            verdict = compare(records, arms, rule, draws=10).verdict
            expected = (
                Decision.KEEP
                if found.keep[place]
                else Decision.STOP
                if found.stop[place]
                else Decision.ITERATE
            )
            assert verdict.decision == expected
            seen.add(expected)
    assert seen == {Decision.KEEP, Decision.STOP, Decision.ITERATE}


def test_experiment_is_reproducible_and_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "DESIGNS", trial.DESIGNS[:1])
    page = tmp_path / "page.md"
    page.write_text(f"Before.\n\n{trial.BEGIN}\nold\n{trial.END}\n\nAfter.\n")
    trial.main(["--trials", "20", "--seed", "3", "--write", str(page)])
    printed = capsys.readouterr().out
    assert "## No effect: false keeps" in printed
    text = page.read_text()
    assert text.startswith("Before.")
    assert text.endswith("After.\n")
    assert "old" not in text
    assert printed.strip() in text
    trial.main(["--trials", "20", "--seed", "3", "--json"])
    document = json.loads(capsys.readouterr().out)
    assert document == trial.experiment(20, 3)
    bare = tmp_path / "bare.md"
    bare.write_text("no marks")
    with pytest.raises(InputError, match="figures"):
        trial.write(bare, document)
    with pytest.raises(InputError, match="trials"):
        trial.experiment(0, 0)


@pytest.mark.slow
def test_false_keeps_stay_below_two_and_a_half_percent_and_intervals_cover() -> None:
    trials = 250
    found = [
        trial.outcome(design, truth, shape, trials, 11)
        for truth in trial.TRUTHS[:3]
        for shape in trial.SHAPES
        for design in trial.DESIGNS
    ]
    for known in found:
        assert known.keep <= 0.025 + 3 * trial.error_of(0.025, trials), known
    assert sum(known.keep for known in found) / len(found) <= 0.005
    for cover in trial.coverages(600, 11):
        if cover.method == "deciding interval":
            assert cover.covered >= 0.95 - 3 * trial.error_of(0.95, 600), cover
