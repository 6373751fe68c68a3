from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qupel.backends import Annealing, Backend, Order, Program, State
from qupel.backends.catalogue.lattices import Connectivity, Lattice
from qupel.backends.local import Local
from qupel.backends.local import open as open_device
from qupel.backends.machines import Noisy
from qupel.errors import InputError, RefusedError, ResultError
from qupel.model import Circuit, Evidence, Ising
from qupel.testing import check_backend
from tests.backends.profiles import CHIP

LINE_16 = Connectivity(Lattice.LINE, (16,))
BELL = Circuit(2).h(0).cx(0, 1)
RING = Annealing(Ising([0.5, 0.0, 0.0, -0.25], np.diag([1.0, 1.0, -1.0], 1), 2.0))


def order(*programs: Program, shots: int = 500, key: str = "key", **settings: object) -> Order:
    return Order(programs, shots, key=key, tag="tag", settings=settings)


def table(backend: Backend, placed: Order) -> dict[tuple[int, ...], int]:
    [reading] = backend.result(backend.submit(placed), placed).readings
    return {
        tuple(row): count
        for row, count in zip(reading.bits.tolist(), reading.occurrences.tolist(), strict=True)
    }


def test_a_local_device_is_a_backend() -> None:
    assert isinstance(open_device("statevector"), Backend)


def test_a_bell_pair_gives_equal_bits_half_and_half() -> None:
    counts = table(open_device("statevector"), order(BELL, shots=10_000))
    assert set(counts) == {(0, 0), (1, 1)}
    assert abs(counts[0, 0] - 5000) < 250  # five standard deviations


def test_measured_qubits_are_the_columns_in_their_order() -> None:
    counts = table(open_device("statevector"), order(Circuit(3).x(2).measure(2, 0)))
    assert counts == {(1, 0): 500}


def test_equal_seeds_give_equal_bytes_under_any_key_and_in_any_process() -> None:
    placed, again = order(BELL, BELL, seed=7), order(BELL, BELL, seed=7, key="other")
    first, second = open_device("statevector"), open_device("statevector")
    readings = [
        (reading.bits.tobytes(), reading.occurrences.tobytes())
        for backend, asked in ((first, placed), (second, again))
        for reading in backend.result(backend.submit(asked), asked).readings
    ]
    assert readings[:2] == readings[2:]


def test_without_a_seed_the_key_fixes_the_result() -> None:
    counts = [table(open_device("statevector"), order(BELL, key=key)) for key in ("a", "a", "b")]
    assert counts[0] == counts[1]
    assert counts[0] != counts[2]


def test_a_process_that_never_saw_the_order_can_fetch_its_result() -> None:
    placed = order(BELL, seed=1)
    job = open_device("statevector").submit(placed)
    other = open_device("statevector")
    assert other.status(job).state is State.DONE
    assert other.result(job, placed).readings[0].shots == 500


def test_a_known_key_gives_the_first_job() -> None:
    backend, placed = open_device("statevector"), order(BELL)
    assert backend.find(placed) == []
    job = backend.submit(placed)
    assert backend.submit(placed) == job
    assert backend.find(placed) == [job]


def test_a_key_is_refused_for_other_content() -> None:
    backend = open_device("statevector")
    backend.submit(order(BELL))
    with pytest.raises(RefusedError, match="needs a key of its own"):
        backend.submit(order(BELL, shots=501))


def test_a_job_of_another_order_has_no_result_here() -> None:
    backend = open_device("statevector")
    job = backend.submit(order(BELL))
    with pytest.raises(ResultError, match="is not of this order"):
        backend.result(job, order(BELL, key="other"))


@pytest.mark.parametrize(
    ("device", "program", "shots", "said"),
    [
        ("statevector", Circuit(29), 10, "takes 28 qubits at most, got 29"),
        ("statevector", BELL, 1_000_001, "takes 1000000 shots at most"),
        ("statevector", RING, 10, "runs circuit, got an order for annealing"),
        ("annealer", BELL, 10, "runs annealing"),
    ],
)
def test_what_does_not_fit_is_refused_with_numbers(
    device: str, program: Program, shots: int, said: str
) -> None:
    backend = open_device(device)
    for ask in (backend.estimate, backend.submit):
        with pytest.raises(RefusedError, match=said):
            ask(order(program, shots=shots))


@pytest.mark.parametrize("seed", [-1, "one", 1.5])
def test_a_seed_is_a_whole_number(seed: object) -> None:
    with pytest.raises(RefusedError, match="takes whole numbers from 0"):
        open_device("statevector").submit(order(BELL, seed=seed))


def test_the_estimate_counts_gates_and_shots() -> None:
    told = open_device("statevector").estimate(order(BELL, Circuit(3).h(0), shots=10))
    assert (told.qubits, told.depth, told.two_qubit_gates, told.shots) == (3, 2, 1, 20)
    assert told.cost is None


def test_the_annealer_claims_true_energies_and_says_it_is_classical() -> None:
    backend, placed = open_device("annealer"), order(RING, seed=3)
    result = backend.result(backend.submit(placed), placed)
    [reading] = result.readings
    spins = 1 - 2 * reading.bits.astype(np.int8)
    assert result.evidence is Evidence.CLASSICAL
    assert reading.energies is not None
    np.testing.assert_array_equal(reading.energies, RING.form.energies(spins))


def test_an_unknown_device_is_an_input_error() -> None:
    with pytest.raises(InputError, match="did you mean 'statevector'"):
        open_device("statevectr")


@pytest.mark.parametrize("compiles", [False, True], ids=["noisy", "modelled"])
def test_noisy_devices_keep_the_contract_of_backends(compiles: bool) -> None:
    check_backend(Local("chip", Noisy.of(CHIP, compiles=compiles)), sizes=(1, 2, 3, 8))


def test_a_modelled_device_runs_native_gates_on_couplings_and_says_how_many() -> None:
    ends = Circuit(8).h(0).cx(0, 7)
    noisy, modelled = (Local("chip", Noisy.of(CHIP, compiles=c)) for c in (False, True))
    assert noisy.estimate(order(ends)).two_qubit_gates == 1
    assert modelled.estimate(order(ends)).two_qubit_gates >= 1
    counts = table(modelled, order(ends, shots=4000))
    right = sum(count for bits, count in counts.items() if bits[0] == bits[7])
    assert right > 3500


def test_a_noisy_device_of_the_catalogue_opens_by_its_profiles_name() -> None:
    able = open_device("noisy-ibm-heron-r2").capabilities()
    assert (able.profile, able.evidence) == ("ibm-heron-r2", Evidence.NOISY)
    with pytest.raises(InputError, match="unknown device"):
        open_device("noisy-ibm-heron-r7")


def test_many_qubits_are_noisy_too() -> None:
    counts = table(
        Local("chip", Noisy.of(replace(CHIP, qubits=16, connectivity=LINE_16))),
        order(Circuit(16).x(3).cx(3, 9), shots=50),
    )
    assert sum(counts.values()) == 50
    assert sum(count for bits, count in counts.items() if bits[3] and bits[9]) > 40
