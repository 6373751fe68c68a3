from __future__ import annotations

import numpy as np
import pytest

from qupel.backends import Order, Reading, Result, backend_named
from qupel.errors import InputError, ResultError
from qupel.model import Circuit, Evidence, Ising, Quota
from qupel.model.quota import keep_quotas
from qupel.problems.maxcut import MaxCut
from qupel.simulators import Qaoa
from qupel.solvers.contract import Stop, after_rounds
from qupel.solvers.hybrid import Hybrid
from qupel.solvers.quantum.hosted import TRAINED, HostedQaoa
from qupel.testing import check_solver
from tests.solvers.quantum.test_qaoa import run, spin_glass

SMALL = {
    "no spin": Ising([], np.zeros((0, 0)), 1.5),
    "one spin": Ising([0.3], [[0.0]]),
    "nothing at all": Ising(np.zeros(4), np.zeros((4, 4)), -3.0),
    "glass": spin_glass(9, 1),
    "quota": spin_glass(8, 2, (Quota((0, 1, 2, 3), 1),)),
    "quota of all": Ising(np.zeros(5), np.zeros((5, 5)), 0.0, [Quota(tuple(range(5)), 5)]),
}


@pytest.mark.parametrize("form", SMALL.values(), ids=SMALL.keys())
def test_hosted_qaoa_keeps_the_contract_of_solvers(form: Ising) -> None:
    check_solver(HostedQaoa(), form, rounds=4, seconds=0.1)


def test_a_twelve_spin_glass_is_solved_end_to_end() -> None:
    form = spin_glass(12, 4)
    codes = np.arange(1 << 12)[:, None] >> np.arange(12) & 1
    lowest = form.energies((1 - 2 * codes).astype(np.int8)).min()
    samples = run(HostedQaoa(layers=3), form)
    assert samples.energies[0] == pytest.approx(lowest)
    assert samples.facts["device"] == "statevector"


def test_prepare_execute_finish_give_what_solve_gives() -> None:
    form, solver = spin_glass(7, 5), HostedQaoa()
    programs, settings = solver.program(form, np.random.default_rng(0))
    backend = backend_named(solver.backend)
    order = Order(programs, solver.shots, key="k", tag="t", settings=settings)
    parted = solver.samples(form, backend.result(backend.submit(order), order))
    whole = run(solver, form)
    assert parted.values.tobytes() == whole.values.tobytes()
    assert parted.occurrences.tobytes() == whole.occurrences.tobytes()


def test_large_forms_take_fixed_angles_and_need_no_state() -> None:
    form = spin_glass(200, 6)
    [circuit], _ = HostedQaoa(layers=2).program(form, np.random.default_rng(0))
    assert isinstance(circuit, Circuit)
    assert circuit.counts()["rzz"] == 2 * 199 * 100


def test_trained_angles_are_at_least_as_good_as_fixed_ones() -> None:
    form = spin_glass(TRAINED, 7)
    circuit = Qaoa(form, precision="double")
    trained = circuit.energy(*HostedQaoa(layers=2).found_angles(form))
    assert trained <= circuit.energy(*HostedQaoa(layers=2, angles="fixed").found_angles(form))


def test_quotas_are_kept_by_every_shot_where_there_is_no_noise() -> None:
    form = spin_glass(8, 2, (Quota((0, 1, 2, 3), 1),))
    samples = run(HostedQaoa(), form)
    assert samples.facts["mixer"] == "xy-complete"
    assert samples.facts["kept"] == samples.facts["shots"] == 1000


@pytest.mark.parametrize(
    "solver", [HostedQaoa(mixer="x"), HostedQaoa(backend="local:noisy-ibm-heron-r2")]
)
def test_shots_that_break_a_quota_are_dropped(solver: HostedQaoa) -> None:
    form = spin_glass(8, 2, (Quota((0, 1, 2, 3), 1),))
    samples = run(solver, form)
    assert keep_quotas((1 - samples.values) // 2, form.quotas).all()
    assert samples.facts["kept"] < samples.facts["shots"] == 1000


def test_large_forms_with_quotas_take_a_ramp_that_is_better_than_chance() -> None:
    form = spin_glass(16, 3, (Quota(tuple(range(16)), 8),))
    solver = HostedQaoa(layers=3, angles="fixed")
    circuit = Qaoa(form, precision="double", mixer="xy-ring")
    gammas, betas = solver.found_angles(form)
    uniform = circuit.energy(np.zeros(3), np.zeros(3))
    assert circuit.energy(gammas, betas) < uniform - circuit.spread / 2


def test_angles_found_for_one_form_serve_a_scaled_one() -> None:
    form, larger = spin_glass(10, 8), spin_glass(10, 8, scale=3.0)
    found = run(HostedQaoa(layers=2), form)
    again = HostedQaoa(layers=2).after(found.facts)
    gammas, betas = again.found_angles(larger)
    np.testing.assert_allclose(gammas, np.array(found.facts["gammas"]) / 3)
    np.testing.assert_allclose(betas, found.facts["betas"])


def test_a_hybrid_can_order_its_parts() -> None:
    problem, _ = MaxCut.random(1, nodes=20)
    hybrid = Hybrid(inner=HostedQaoa(shots=200), size=8)
    samples = hybrid.solve(problem, stop=after_rounds(3), rng=np.random.default_rng(0))
    judged = problem.judge(problem.answer(samples.values[0]))
    assert samples.energies[0] == -judged.objective


def test_evidence_is_the_backends() -> None:
    assert HostedQaoa().evidence == "noiseless simulator"


def result_of(bits: np.ndarray, occurrences: np.ndarray) -> Result:
    made = Reading(np.zeros((1, 1), np.uint8), np.ones(1, np.int64))
    object.__setattr__(made, "bits", bits)  # what a broken adapter might hold
    object.__setattr__(made, "occurrences", occurrences)
    return Result((made,), job="j", device="d", evidence=Evidence.HARDWARE)


ONE = np.ones(1, np.int64)


@pytest.mark.parametrize(
    ("bits", "occurrences", "said"),
    [
        (np.zeros((1, 3), np.uint8), ONE, "4 spins were measured"),
        (np.zeros((0, 4), np.uint8), ONE[:0], "4 spins were measured"),
        (np.full((1, 4), 2, np.uint8), ONE, "bits are 0 or 1"),
        (np.full((1, 4), -1, np.int8), ONE, "bits are 0 or 1"),
        (np.zeros((1, 4), np.uint8), -ONE, "once or more"),
        (np.zeros((1, 4), np.uint8), np.array([np.nan]), "once or more"),
        (np.zeros((1, 4), np.uint8), np.ones(2, np.int64), "once or more"),
    ],
)
def test_a_result_that_is_no_reading_of_the_form_is_a_result_error(
    bits: np.ndarray, occurrences: np.ndarray, said: str
) -> None:
    with pytest.raises(ResultError, match=f"job j: .*{said}"):
        HostedQaoa().samples(spin_glass(4, 0), result_of(bits, occurrences))


def test_rows_that_come_twice_are_merged_and_energies_recomputed() -> None:
    form = Ising([1.0, 2.0], np.zeros((2, 2)))
    bits = np.array([[1, 0], [0, 1], [1, 0]], np.uint8)
    reading = Reading(bits, np.array([2, 3, 4], np.int64), np.full(3, -99.0))
    result = Result((reading,), job="j", device="d", evidence=Evidence.HARDWARE)
    samples = HostedQaoa().samples(form, result)
    assert samples.values.tolist() == [[1, -1], [-1, 1]]
    assert samples.energies.tolist() == [-1.0, 1.0]
    assert samples.occurrences.tolist() == [3, 6]


def test_a_form_too_large_for_the_time_left_is_refused_with_numbers() -> None:
    with pytest.raises(InputError, match="s are left: give more time"):
        run(HostedQaoa(shots=1), spin_glass(28, 1), Stop(deadline=0.0))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"layers": 0}, "layers must be 1 to 10"),
        ({"shots": 0}, "shots must be at least 1"),
        ({"angles": "best"}, "angles must be auto, fixed or numbers"),
        ({"angles": (0.1,)}, "a finite gamma and beta for each of 1 layers"),
        ({"mixer": "y"}, "mixer must be one of"),
        ({"evaluations": 1, "layers": 2}, "at least one a layer"),
    ],
)
def test_settings_are_checked(settings: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        HostedQaoa(**settings)  # type: ignore[arg-type]
