"""Simulated fidelity."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qupel.backends.advice.estimate import estimate
from qupel.backends.advice.simulated import simulated_fidelity
from qupel.backends.catalogue.figures import Fidelities
from qupel.backends.catalogue.listing import profile_named
from qupel.errors import InputError
from qupel.model.circuit import Circuit
from tests.backends.profiles import CHIP

GHZ = Circuit(4).h(0).cx(0, 1).cx(1, 2).cx(2, 3)


def test_without_errors_the_readings_are_ideal() -> None:
    perfect = replace(CHIP, fidelities=Fidelities(1.0, 1.0, 0.0, 0.0), coherence=None)
    assert simulated_fidelity(GHZ, perfect) == pytest.approx(1.0, abs=1e-9)


def test_misreading_alone_gives_the_chance_to_read_rightly() -> None:
    """A qubit left at 0 is read as 0 with chance 1 - 0.1, which is also its fidelity."""
    misread = replace(CHIP, fidelities=Fidelities(1.0, 1.0, 0.1, 0.2), coherence=None)
    assert simulated_fidelity(Circuit(1).measure(0), misread) == pytest.approx(0.9)
    assert simulated_fidelity(Circuit(1).x(0).measure(0), misread) == pytest.approx(0.8)


@pytest.mark.parametrize("device", ["ibm-heron-r2", "ionq-forte-1", "quera-gemini", "iqm-garnet"])
def test_the_chance_without_an_error_is_near_and_not_far_above(device: str) -> None:
    profile = profile_named(device)
    success = estimate(GHZ, profile).success
    assert success is not None
    assert success - 0.02 < simulated_fidelity(GHZ, profile) < success + 0.05


def test_too_many_qubits_are_refused_with_both_numbers() -> None:
    circuit = Circuit(11).h(0)
    for q in range(10):
        circuit = circuit.cx(q, q + 1)
    with pytest.raises(InputError, match="11 qubits of ionq-forte-1 are used; up to 10"):
        simulated_fidelity(circuit, profile_named("ionq-forte-1"))


def test_an_annealer_has_no_such_noise() -> None:
    with pytest.raises(InputError, match="no gate times"):
        simulated_fidelity(GHZ, profile_named("dwave-advantage"))
