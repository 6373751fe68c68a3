from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from qupel.errors import InputError
from qupel.model import Ising, Outcome, Quota, Samples
from qupel.model.quota import keep_quotas
from qupel.solvers.classical.annealing import Annealing
from qupel.solvers.contract import OnEvent, Solver, Stop, after_rounds, ignore
from qupel.solvers.hybrid import Hybrid
from qupel.solvers.placebo import UniformBits, placebos
from qupel.solvers.quantum import Qaoa
from qupel.testing import check_solver

FORM = Ising(np.array([1.0, -2.0, 0.5]), np.triu(np.ones((3, 3)), 1), 0.5)


def draw(form: Ising, shots: int, stop: Stop | None = None) -> Any:
    return UniformBits(shots).solve(form, stop=stop or Stop(), rng=np.random.default_rng(0))


def test_uniform_bits_give_every_state_its_share() -> None:
    samples = draw(FORM, 80_000)
    assert len(samples) == 8
    assert samples.occurrences.sum() == 80_000
    assert np.abs(samples.occurrences - 10_000).max() < 500
    np.testing.assert_allclose(
        samples.energies, FORM.energies(samples.values), rtol=1e-12, atol=1e-12
    )
    assert samples.outcome is Outcome.SAMPLED


def test_uniform_bits_keep_quotas_and_are_uniform_among_them() -> None:
    quotas = (Quota((0, 2, 3), 1), Quota((1, 4), 1))
    form = Ising(np.arange(6.0), np.zeros((6, 6)), 0.0, quotas)
    samples = draw(form, 12_000)
    assert keep_quotas((1 - samples.values) // 2, quotas).all()
    assert len(samples) == 3 * 2 * 2
    assert np.abs(samples.occurrences - 1000).max() < 160


def test_uniform_bits_stop_when_told_and_say_so() -> None:
    form = Ising(np.ones(2000), np.zeros((2000, 2000)))
    samples = draw(form, 1000, after_rounds(2))
    assert samples.facts["shots"] == 100
    assert samples.outcome is Outcome.STOPPED


@pytest.mark.parametrize("n", [1, 30, 3000])
def test_uniform_bits_keep_the_contract_of_solvers(n: int) -> None:
    fields = np.random.default_rng(n).normal(size=n)
    check_solver(UniformBits(), Ising(fields, np.zeros((n, n))))


def test_uniform_bits_need_a_shot() -> None:
    with pytest.raises(InputError, match="shots"):
        UniformBits(0)


def test_a_classical_solver_has_no_placebo() -> None:
    assert placebos(Annealing()) == {}
    assert placebos(Hybrid(inner=Annealing())) == {}
    assert placebos(UniformBits()) == {}


def test_a_quantum_solver_is_replaced_itself() -> None:
    found = placebos(Qaoa(shots=77))
    assert found == {"uniform": UniformBits(77), "sampler": Annealing()}
    assert isinstance(found["uniform"], Solver)


def test_only_the_quantum_step_of_a_pipeline_is_replaced() -> None:
    start = Annealing()
    pipeline = Hybrid(start=start, inner=Qaoa(shots=33), size=9, few=3)
    assert placebos(pipeline) == {
        "uniform": Hybrid(start=start, inner=UniformBits(33), size=9, few=3),
        "sampler": Hybrid(start=start, inner=Annealing(), size=9, few=3),
    }


def test_quantum_steps_are_found_however_deep() -> None:
    inner: Any = Hybrid(start=Qaoa(shots=5), inner=Qaoa(shots=6))
    found: Any = placebos(Hybrid(start=inner, inner=Annealing()))["uniform"]
    assert found.start.start == UniformBits(5)
    assert found.start.inner == UniformBits(6)
    assert found.inner == Annealing()


@dataclass(frozen=True)
class Several:
    """Several solvers, one after the other."""

    name: ClassVar[str] = "several"
    kind: ClassVar[str] = "hybrid"
    accepts: ClassVar[type[Ising]] = Ising
    keeps_quotas: ClassVar[bool] = True

    parts: tuple[Solver[Ising], ...]

    def solve(
        self, form: Ising, *, stop: Stop, rng: np.random.Generator, on_event: OnEvent = ignore
    ) -> Samples:
        return self.parts[-1].solve(form, stop=stop, rng=rng, on_event=on_event)


def test_quantum_steps_are_found_among_several_solvers() -> None:
    found = placebos(Several((Annealing(replicas=2), Qaoa(shots=8))))
    assert found["uniform"] == Several((Annealing(replicas=2), UniformBits(8)))
    assert found["sampler"] == Several((Annealing(replicas=2), Annealing()))
    assert placebos(Several((Annealing(),))) == {}
