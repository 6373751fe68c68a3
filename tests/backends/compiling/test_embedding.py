"""Minor embeddings: graphs as published, embeddings checked by the definition."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest

from qupel.backends.advice.placement import embedding
from qupel.backends.catalogue.lattices import chimera, pegasus, zephyr
from qupel.backends.catalogue.listing import profile_named
from qupel.backends.compiling.embedding import embedding_faults, find_embedding
from qupel.errors import InputError
from qupel.model import Ising


def complete(variables: int) -> Ising:
    return Ising(np.zeros(variables), np.triu(np.ones((variables, variables)), 1))


@pytest.mark.parametrize(
    ("made", "nodes", "couplers"),
    [
        (chimera(16), 2048, 6016),  # D-Wave 2000Q
        (pegasus(16), 5640, 40484),  # Advantage
        (zephyr(12), 4800, 45864),  # Advantage2, as designed
    ],
)
def test_graphs_have_the_published_numbers_of_qubits_and_couplers(
    made: tuple[int, list[tuple[int, int]]], nodes: int, couplers: int
) -> None:
    qubits, edges = made
    assert (qubits, len(edges)) == (nodes, couplers)
    assert len({frozenset(edge) for edge in edges}) == couplers


def test_faults_of_an_embedding_are_named() -> None:
    line = [(0, 1), (1, 2), (2, 3)]
    found = embedding_faults({0: (0, 2), 1: (2, 3)}, [(0, 1)], line)
    assert found == [
        "chain of variable 0 does not hang together: (0, 2)",
        "qubit 2 is in the chains of 0 and 1",
    ]
    assert embedding_faults({0: (0,), 1: ()}, [], line) == [
        "chain of variable 1 does not hang together: ()"
    ]


@pytest.mark.parametrize("device", ["dwave-advantage", "dwave-advantage2"])
def test_an_embedding_that_is_found_is_one_and_keeps_the_bounds(device: str) -> None:
    pytest.importorskip("minorminer")
    profile, form = profile_named(device), complete(12)
    edges = profile.coupling()
    assert edges is not None
    chains = find_embedding(form, profile, seconds=20)
    pairs = [(a, b) for b in range(12) for a in range(b)]
    assert embedding_faults(chains, pairs, edges) == []
    bounds = embedding(profile, 12, len(pairs))
    assert bounds.most is not None
    assert bounds.least <= sum(map(len, chains.values())) <= 2 * bounds.most


def test_variables_without_couplings_take_a_qubit_each() -> None:
    pytest.importorskip("minorminer")
    form = Ising(np.ones(4), np.zeros((4, 4)))
    chains = find_embedding(form, profile_named("dwave-advantage"))
    assert sorted(chains) == [0, 1, 2, 3]
    assert len({q for chain in chains.values() for q in chain}) == 4


def test_a_device_that_does_not_anneal_is_refused() -> None:
    with pytest.raises(InputError, match="choose an annealer"):
        find_embedding(complete(3), profile_named("ibm-heron-r2"))


def test_without_minorminer_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "minorminer":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r'pip install "qupel\[dwave\]"'):
        find_embedding(complete(3), profile_named("dwave-advantage"))
