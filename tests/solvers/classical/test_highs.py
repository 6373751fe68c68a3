from __future__ import annotations

import numpy as np
import pytest

from qupel.model.model import Model
from qupel.solvers.classical import highs
from qupel.solvers.classical.milp import Milp
from qupel.solvers.contract import after_rounds, after_seconds
from tests.clocked import quickest
from tests.solvers.classical.test_cpsat import random_model


def test_a_large_form_is_held_to_its_deadline_in_its_own_process() -> None:
    rng = np.random.default_rng(0)
    model = Model.from_arrays(np.zeros(400), quadratic=np.triu(rng.normal(size=(400, 400))))
    within = 1.5 + 0.25  # 50 ms on a machine with nothing else to do
    timed = quickest(lambda: Milp().solve(model, stop=after_seconds(1.5), rng=rng), within)
    assert timed.seconds < within


def test_a_process_of_its_own_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_model(5, whole=True, integers=True)
    here = Milp().solve(model, stop=after_seconds(60), rng=np.random.default_rng(0))
    monkeypatch.setattr(highs, "LARGE", 0)
    apart = Milp().solve(model, stop=after_seconds(60), rng=np.random.default_rng(0))
    assert here.values.tobytes() == apart.values.tobytes()
    assert here.bound == apart.bound


def test_highs_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    for seed in range(6):
        model = random_model(seed, whole=False, integers=True)
        Milp().solve(model, stop=after_rounds(1000), rng=np.random.default_rng(0))
    assert capfd.readouterr().out == ""
