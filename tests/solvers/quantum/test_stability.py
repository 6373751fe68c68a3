from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from qupel.errors import InputError
from qupel.model import Ising, Quota
from qupel.simulators import Qaoa
from qupel.solvers.quantum.stability import Stability, spsa, stability
from tests.simulators.test_qaoa import random_ising, regular


def report_of(form: Ising, seed: int = 0, **settings: Any) -> Stability:
    return stability(form, rng=np.random.default_rng(seed), **settings)


def test_thirty_starts_give_a_distribution() -> None:
    report = report_of(regular(10, 1), layers=1)
    assert report.energies.size == 30
    assert (np.diff(report.energies) >= 0).all()
    assert list(report.quantiles) == [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]
    assert report.quantiles[0.5] == pytest.approx(np.median(report.energies))
    assert report.chance == pytest.approx(regular(10, 1).offset)


def test_one_layer_of_a_field_alone_is_stable() -> None:
    report = report_of(Ising(np.ones(3), np.zeros((3, 3))), layers=1, limit=0.01)
    assert report.spread < 1e-4
    assert not report.is_unstable
    assert report.gains.min() == pytest.approx(1, abs=1e-4)
    assert report.summary().startswith("stable: of 30 starts with exact energies")


def test_several_layers_from_random_starts_are_unstable() -> None:
    report = report_of(random_ising(9, 3), layers=4)
    assert report.is_unstable
    assert report.spread > 0.1
    assert report.reference <= np.median(report.energies)
    assert "unstable" in report.summary()


def test_the_limit_decides_the_mark() -> None:
    loose = report_of(random_ising(9, 3), layers=4, starts=8, limit=1.0)
    strict = report_of(random_ising(9, 3), layers=4, starts=8, limit=0.0)
    assert loose.spread == strict.spread
    assert strict.is_unstable
    assert not loose.is_unstable


def test_noise_of_few_shots_widens_the_spread() -> None:
    form = Ising(np.ones(3), np.zeros((3, 3)))
    exact = report_of(form, layers=1)
    few, many = (report_of(form, layers=1, shots=shots, evaluations=60) for shots in (4, 2000))
    assert exact.spread < many.spread < few.spread
    assert few.summary().count("4 shots an energy") == 1


def test_equal_generators_give_equal_reports_for_any_number_of_threads() -> None:
    form = random_ising(8, 2)
    one, two = (report_of(form, starts=4, shots=20, threads=threads) for threads in (1, 2))
    assert one.energies.tobytes() == two.energies.tobytes()


def test_quotas_can_be_mixed_too() -> None:
    form = random_ising(8, 4, (Quota(tuple(range(8)), 3),))
    report = report_of(form, layers=1, starts=6, mixer="xy-ring")
    circuit = Qaoa(form, precision="double", mixer="xy-ring")
    assert report.chance == pytest.approx(circuit.energy([0.0], [0.0]))
    assert report.energies[0] < report.chance


def test_a_form_without_energy_is_stable() -> None:
    assert not report_of(Ising(np.zeros(3), np.zeros((3, 3)), 2.0), starts=5).is_unstable


def test_spsa_finds_the_bottom_of_a_bowl() -> None:
    rng = np.random.default_rng(1)

    def bowl(x: np.ndarray) -> float:
        return float(((x - 0.3) ** 2).sum() + 1e-3 * rng.normal())

    found = spsa(bowl, np.array([1.0, -0.5, 0.0]), 800, rng)
    np.testing.assert_allclose(found, 0.3, atol=0.06)


@pytest.mark.parametrize(
    "settings",
    [
        {"layers": 0},
        {"starts": 0},
        {"evaluations": 0},
        {"shots": 1},
        {"shots": 5, "evaluations": 10},
    ],
)
def test_settings_are_checked(settings: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="at least"):
        report_of(random_ising(3, 0), **settings)
