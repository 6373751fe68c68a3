from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from qupel.errors import InputError
from qupel.model import Ising, Outcome, Quota
from qupel.model.quota import keep_quotas
from qupel.solvers.contract import Event, Incumbent, Solver, Stop, after_rounds, after_seconds
from qupel.solvers.quantum import Qaoa
from qupel.testing import check_solver
from tests.clocked import quickest
from tests.simulators.test_qaoa import heawood, regular


def spin_glass(n: int, seed: int, quotas: tuple[Quota, ...] = (), scale: float = 1.0) -> Ising:
    rng = np.random.default_rng(seed)
    couplings = np.triu(rng.normal(size=(n, n)), 1) * scale
    return Ising(rng.normal(size=n) * scale, couplings, 3.0, quotas)


def run(solver: Solver[Ising], form: Ising, stop: Stop | None = None, seed: int = 0) -> Any:
    return solver.solve(form, stop=stop or Stop(), rng=np.random.default_rng(seed))


def test_qaoa_is_a_solver() -> None:
    assert isinstance(Qaoa(), Solver)


@pytest.mark.parametrize(("layers", "expected"), [(1, 0.692450), (2, 0.755906)])
def test_the_angles_found_are_the_best_of_the_heawood_graph(layers: int, expected: float) -> None:
    form = heawood()
    maximised = Ising(-form.fields, -form.couplings, -form.offset)
    samples = run(Qaoa(layers=layers, precision="double"), maximised)
    assert -samples.facts["expectation"] / 21 == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("seed", range(10))
def test_more_layers_are_never_worse(seed: int) -> None:
    form = regular(12, seed)
    found = [run(Qaoa(layers=p, shots=10), form).facts["expectation"] for p in (1, 2, 3, 4)]
    assert all(more <= fewer + 1e-6 for fewer, more in pairwise(found))
    assert found[3] < found[0] - 1


def test_samples_are_the_shots_with_their_own_energies() -> None:
    form = spin_glass(8, 1)
    samples = run(Qaoa(layers=2, shots=500), form)
    assert samples.outcome is Outcome.SAMPLED
    assert samples.occurrences.sum() == 500
    np.testing.assert_allclose(
        samples.energies, form.energies(samples.values), rtol=1e-12, atol=1e-12
    )
    assert (np.diff(samples.energies) >= 0).all()
    facts = samples.facts
    assert abs(facts["mean_of_shots"] - facts["expectation"]) < 5 * facts["standard_error"]
    assert samples.seconds["compile"] > 0


def test_few_shots_may_miss_the_best_state() -> None:
    form = spin_glass(12, 5)
    best = run(Qaoa(layers=1, shots=20_000), form).energies[0]
    assert run(Qaoa(layers=1, shots=1), form).energies[0] > best


def test_equal_seeds_give_equal_samples_for_any_number_of_threads() -> None:
    form = spin_glass(15, 2)
    one, again, two = (
        run(Qaoa(threads=threads, shots=200), form, after_rounds(20)) for threads in (1, 1, 2)
    )
    for other in (again, two):
        assert one.values.tobytes() == other.values.tobytes()
        assert one.occurrences.tobytes() == other.occurrences.tobytes()
        assert one.facts == other.facts


@pytest.mark.parametrize("rounds", [1, 5, 12])
def test_a_round_is_one_evaluation(rounds: int) -> None:
    assert run(Qaoa(), spin_glass(6, 0), after_rounds(rounds)).facts["evaluations"] == rounds


def test_the_cap_on_evaluations_holds() -> None:
    facts = run(Qaoa(layers=3, evaluations=40), spin_glass(9, 3)).facts
    assert facts["evaluations"] <= 40
    assert facts["layers"] == 3


@pytest.mark.parametrize("seconds", [0.03, 0.3])
def test_the_time_limit_leaves_time_for_the_shots(seconds: float) -> None:
    form = spin_glass(18, 4)
    run(Qaoa(layers=1), form, after_rounds(12))  # loads the optimiser
    solver, within = Qaoa(layers=8, evaluations=4000), seconds + 0.05
    timed = quickest(lambda: run(solver, form, after_seconds(seconds)), within)
    assert timed.seconds < within
    assert timed.value.occurrences.sum() == 1000


def test_scaling_the_energies_scales_only_the_gammas() -> None:
    small, large = (run(Qaoa(precision="double"), spin_glass(8, 6, scale=s)) for s in (1, 1000))
    np.testing.assert_array_equal(small.values, large.values)
    np.testing.assert_allclose(small.facts["betas"], large.facts["betas"], rtol=1e-6)
    np.testing.assert_allclose(
        small.facts["gammas"], 1000 * np.array(large.facts["gammas"]), rtol=1e-6
    )


QUOTAS = {
    "choose 4 of 12": (Quota(tuple(range(12)), 4),),
    "three one-hot codes": tuple(Quota((i, i + 3, i + 6, i + 9), 1) for i in range(3)),
    "one code and free spins": (Quota((1, 4, 5), 2),),
}


@pytest.mark.parametrize("mixer", ["auto", "xy-ring", "xy-complete", "x"])
@pytest.mark.parametrize("quotas", QUOTAS.values(), ids=QUOTAS)
def test_every_sample_keeps_the_quotas(quotas: tuple[Quota, ...], mixer: Any) -> None:
    form = spin_glass(12, 7, quotas)
    samples = run(Qaoa(layers=2, mixer=mixer), form)
    assert keep_quotas((1 - samples.values) // 2, quotas).all()
    np.testing.assert_allclose(
        samples.energies, form.energies(samples.values), rtol=1e-12, atol=1e-12
    )
    if mixer != "x":
        assert samples.occurrences.sum() == 1000


@pytest.mark.parametrize("n", [2, 9, 14])
@pytest.mark.parametrize("quotas", [(), (Quota((0, 1), 1),)], ids=["free", "quota"])
def test_qaoa_keeps_the_contract_of_solvers(n: int, quotas: tuple[Quota, ...]) -> None:
    check_solver(Qaoa(layers=2, shots=200), spin_glass(n, n, quotas))


def test_large_quotas_are_mixed_on_a_ring() -> None:
    small = spin_glass(12, 0, (Quota(tuple(range(12)), 2),))
    large = spin_glass(13, 0, (Quota(tuple(range(13)), 2),))
    stop = after_rounds(2)
    assert run(Qaoa(), small, stop).facts["mixer"] == "xy-complete"
    assert run(Qaoa(), large, after_rounds(2)).facts["mixer"] == "xy-ring"


@pytest.mark.parametrize(
    "form",
    [
        Ising(np.zeros(0), np.zeros((0, 0)), 2.0),
        Ising(np.zeros(3), np.zeros((3, 3))),
        Ising(np.array([1.0]), np.zeros((1, 1))),
        Ising(np.zeros(2), np.array([[0, 1.0], [0, 0]]), 0.0, (Quota((0, 1), 2),)),
    ],
    ids=["no spins", "no energy", "one spin", "one state"],
)
def test_degenerate_forms_have_samples(form: Ising) -> None:
    samples = run(Qaoa(layers=2, shots=30), form)
    assert samples.occurrences.sum() == 30
    np.testing.assert_allclose(
        samples.energies, form.energies(samples.values), rtol=1e-12, atol=1e-12
    )


def test_the_best_shot_is_reported_once() -> None:
    events: list[Event] = []
    samples = Qaoa().solve(
        spin_glass(6, 0), stop=Stop(), rng=np.random.default_rng(0), on_event=events.append
    )
    [event] = events
    assert isinstance(event, Incumbent)
    assert event.energy == samples.energies[0]


def test_too_many_spins_are_refused_with_a_way_out() -> None:
    with pytest.raises(InputError, match="hybrid"):
        run(Qaoa(), Ising(np.zeros(40), np.zeros((40, 40))))


@pytest.mark.parametrize("spins", [29, 5000])
def test_a_circuit_that_cannot_be_made_in_time_is_refused(spins: int) -> None:
    form = Ising(np.ones(spins), csr_array((spins, spins)))
    with pytest.raises(InputError, match="hybrid"):
        Qaoa().solve(form, stop=after_seconds(2), rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    "settings",
    [
        {"layers": 0},
        {"layers": 21},
        {"shots": 0},
        {"threads": 0},
        {"evaluations": 2},
        {"mixer": "y"},
        {"precision": "half"},
    ],
)
def test_settings_are_checked(settings: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="must be"):
        Qaoa(**settings)
