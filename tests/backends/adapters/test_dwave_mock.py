"""Against D-Wave's own libraries; ``make vendors`` runs these where they are installed."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from qupel.backends.adapters import dwave
from qupel.backends.adapters.dwave import Dwave
from qupel.backends.adapters.dwave_sapi import Sapi, decoded, encoded
from qupel.backends.adapters.embedding import Graph, embed
from qupel.backends.catalogue.listing import profile_named
from qupel.backends.catalogue.profile import DeviceProfile
from qupel.backends.clock import ManualClock
from qupel.backends.contract import Annealing, Order
from qupel.errors import RefusedError
from qupel.model.ising import Ising
from qupel.model.money import Money
from qupel.testing import check_backend
from tests.backends.adapters.clouds import FakeSapi
from tests.backends.adapters.vendors import needs

pytestmark = [needs("minorminer"), pytest.mark.filterwarnings("ignore")]


def test_the_mock_sampler_keeps_the_contract() -> None:
    check_backend(dwave.open("mock"), clock=ManualClock(), shots=50)


@pytest.mark.parametrize("profile", [None, profile_named("dwave-advantage")])
def test_the_solver_interface_keeps_the_contract(profile: DeviceProfile | None) -> None:
    backend = Dwave("Advantage", Sapi(FakeSapi(qubits=tuple(range(2, 14))), "s"), profile)
    sizes, most = (1, 2, 3, 5, 8, 12), Money.of(100)
    check_backend(backend, most=most, clock=ManualClock(), shots=50, sizes=sizes)


def test_problems_and_answers_are_those_of_d_wave_s_own_coders() -> None:
    from dwave.cloud import coders

    cloud = FakeSapi(qubits=(1, 2, 5, 8, 9, 12, 20, 33, 34, 40))
    line = Sapi(cloud, "s")
    graph = line.graph()
    form = Ising([0.5, -1.0, 2.0], np.array([[0, 0.3, -0.2], [0, 0, 0.9], [0, 0, 0]]))
    placed = embed(form, graph, 1)
    solver = SimpleNamespace(
        _encoding_qubits=list(graph.qubits), _encoding_couplers=list(graph.couplers)
    )
    theirs = coders.encode_problem_as_qp(solver, dict(placed.fields), dict(placed.couplings))
    assert encoded(placed, graph) == {**theirs, "offset": 0.0}
    job = line.post(placed, 20, None, "tag")
    answer = cloud._solved(cloud.jobs[job])
    ours = decoded(answer)
    read = coders.decode_qp_numpy({"answer": dict(answer), "type": "ising"})
    spins = np.asarray(read["solutions"])[:, list(ours.qubits)]
    np.testing.assert_array_equal(ours.spins, spins)
    np.testing.assert_array_equal(ours.energies, read["energies"])
    np.testing.assert_array_equal(ours.occurrences, read["num_occurrences"])


def test_an_embedding_keeps_the_energy_of_whole_chains() -> None:
    rng = np.random.default_rng(5)
    form = Ising(rng.normal(size=9), np.triu(rng.normal(size=(9, 9)), 1), 2.0)
    graph = dwave.open("mock").line.graph()
    placed = embed(form, graph, 7)
    assert placed.chains == embed(form, graph, 7).chains
    spins = rng.choice([-1, 1], size=(20, 9))
    owner = {qubit: spin for spin, chain in enumerate(placed.chains) for qubit in chain}
    held = np.zeros(20)
    for qubit, weight in placed.fields.items():
        held += weight * spins[:, owner[qubit]]
    for (a, b), weight in placed.couplings.items():
        whole = weight * spins[:, owner[a]] * spins[:, owner[b]]
        held += whole if owner[a] != owner[b] else whole - weight
    np.testing.assert_allclose(held * placed.scale + form.offset, form.energies(spins), atol=1e-9)
    assert all(abs(w) <= 4 + 1e-12 for w in placed.fields.values())
    assert all(-1 - 1e-12 <= w <= 1 + 1e-12 for w in placed.couplings.values())


def test_broken_chains_and_claimed_energies_are_reported() -> None:
    rng = np.random.default_rng(6)
    form = Ising(np.zeros(12), np.triu(rng.choice([-1.0, 1.0], size=(12, 12)), 1), 1.0)
    backend = dwave.open("mock")
    weak = Order((Annealing(form),), 200, "k", "t", {"chain_strength": 0.05})
    facts = backend.result(backend.submit(weak), weak).facts
    assert 0 < facts["chain_breaks"] <= 1
    assert facts["reads_with_breaks"] > 0
    assert facts["claimed_energy_error"] < 1e-5
    assert facts["chain_strength"] == 0.05


def test_a_form_that_cannot_be_embedded_is_refused_with_numbers() -> None:
    line = ((1, 2), (2, 3), (3, 4))
    form = Ising(np.zeros(4), np.triu(np.ones((4, 4)), 1))
    with pytest.raises(RefusedError, match="4 variables with 6 couplings"):
        embed(form, Graph((1, 2, 3, 4), line, (-4, 4), (-1, 1)), 1)
    with pytest.raises(RefusedError, match="too few"):
        embed(Ising(np.ones(5), np.zeros((5, 5))), Graph((1, 2), line[:1], (-4, 4), (-1, 1)), 1)
