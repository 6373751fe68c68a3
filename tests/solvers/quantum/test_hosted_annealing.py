from __future__ import annotations

import numpy as np
import pytest

from qupel.errors import InputError
from qupel.model import Ising, Quota
from qupel.solvers.placebo import UniformBits, placebos
from qupel.solvers.quantum.hosted_annealing import HostedAnnealing
from qupel.testing import check_solver
from tests.solvers.quantum.test_qaoa import run, spin_glass

SMALL = {
    "no spin": Ising([], np.zeros((0, 0)), 1.5),
    "nothing at all": Ising(np.zeros(4), np.zeros((4, 4)), -3.0),
    "glass": spin_glass(20, 1),
    "quota": spin_glass(8, 2, (Quota((0, 1, 2, 3), 1),)),
}


@pytest.mark.parametrize("form", SMALL.values(), ids=SMALL.keys())
def test_hosted_annealing_keeps_the_contract_of_solvers(form: Ising) -> None:
    check_solver(HostedAnnealing(reads=200), form, rounds=4, seconds=0.1)


def test_twenty_glasses_are_solved_to_the_optimum() -> None:
    codes = (1 - 2 * (np.arange(1 << 14)[:, None] >> np.arange(14) & 1)).astype(np.int8)
    for seed in range(20):
        form = spin_glass(14, seed)
        samples = run(HostedAnnealing(reads=200), form)
        assert samples.energies[0] == pytest.approx(form.energies(codes).min())


def test_the_local_annealer_is_classical_computation() -> None:
    assert HostedAnnealing().evidence == "classical computation"


def test_its_placebo_draws_as_many_rows_as_it_reads() -> None:
    assert placebos(HostedAnnealing(reads=77))["uniform"] == UniformBits(77)


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"reads": 0}, "reads must be"), ({"microseconds": 0.0}, "microseconds must be above 0")],
)
def test_settings_are_checked(settings: dict[str, float], said: str) -> None:
    with pytest.raises(InputError, match=said):
        HostedAnnealing(**settings)  # type: ignore[arg-type]
