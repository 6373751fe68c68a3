from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from qupel.backends.checks.gate_probes import gate_probes, short_probe
from qupel.backends.checks.probes import Probe, couplings_probe
from qupel.model.circuit import Circuit
from qupel.model.gate import Gate
from qupel.model.gates import GATES
from qupel.model.ising import Ising
from qupel.simulators.statevector import StateVector

PROBES = list(gate_probes(3))
#: Gates that do not care which of their qubits comes first.
EVEN = {"cz", "cp", "swap", "iswap", "rxx", "ryy", "rzz", "xy", "ccz"}
#: ``id`` cannot be missed.
MISSED = sorted(set(GATES) - {"id"})


def circuit_of(probe: Probe) -> Circuit:
    assert isinstance(probe.program, Circuit)
    return probe.program


def chance(circuit: Circuit, expected: tuple[int, ...]) -> float:
    place = sum(bit << qubit for qubit, bit in enumerate(expected))
    return float(StateVector(threads=1).probabilities(circuit)[place])


def caught(change: Callable[[Gate], list[Gate]]) -> list[str]:
    """Probes in which a wrong translation gives something else, surely enough to be read."""
    found = []
    for probe in PROBES:
        circuit = circuit_of(probe)
        gates = [new for gate in circuit.gates for new in change(gate)]
        if chance(Circuit(circuit.qubits, gates), probe.expected) < 0.7:
            found.append(probe.name)
    return found


@pytest.mark.parametrize("qubits", [1, 2, 3])
def test_outcomes_are_certain(qubits: int) -> None:
    for probe in (short_probe(qubits), *gate_probes(qubits)):
        assert chance(circuit_of(probe), probe.expected) == pytest.approx(1, abs=1e-12), probe.name
        assert len(probe.expected) == len(probe.shows) == circuit_of(probe).qubits <= qubits


def test_every_gate_is_seen() -> None:
    assert {gate.name for probe in PROBES for gate in circuit_of(probe).gates} == set(GATES)


@pytest.mark.parametrize("name", MISSED)
def test_a_gate_that_is_left_out_shows(name: str) -> None:
    assert caught(lambda gate: [] if gate.name == name else [gate])


@pytest.mark.parametrize("name", [name for name in GATES if GATES[name].qubits > 1])
def test_exchanged_qubits_show(name: str) -> None:
    def exchanged(gate: Gate) -> list[Gate]:
        reversed_ = Gate(gate.name, gate.qubits[::-1], gate.angles)
        return [reversed_ if gate.name == name else gate]

    assert bool(caught(exchanged)) == (name not in EVEN)


@pytest.mark.parametrize("name", [name for name in GATES if GATES[name].angles])
@pytest.mark.parametrize("factor", [180 / math.pi, math.pi / 180, -1.0, 0.5, 2.0])
def test_degrees_signs_and_half_angles_show(name: str, factor: float) -> None:
    def scaled(gate: Gate) -> list[Gate]:
        angles = tuple(factor * float(angle) for angle in gate.angles)  # type: ignore[arg-type]
        return [Gate(gate.name, gate.qubits, angles) if gate.name == name else gate]

    assert caught(scaled)


@pytest.mark.parametrize(
    ("meant", "done"),
    [("s", "sdg"), ("t", "tdg"), ("sx", "sxdg"), ("x", "z"), ("y", "x"), ("z", "x"),
     ("cz", "cx"), ("cx", "cz"), ("cp", "crz"), ("crz", "cp"), ("swap", "cx"), ("iswap", "swap"),
     ("rxx", "ryy"), ("ryy", "rxx"), ("rzz", "rxx"), ("rzx", "rzz"), ("p", "rx"), ("ccx", "ccz")],
)  # fmt: skip
def test_a_gate_in_place_of_another_shows(meant: str, done: str) -> None:
    assert caught(
        lambda gate: [Gate(done, gate.qubits, gate.angles) if gate.name == meant else gate]
    )


def test_the_short_probe_sees_degrees_exchanged_qubits_and_missing_gates() -> None:
    probe = short_probe(3)
    gates = circuit_of(probe).gates
    degrees = [Gate(g.name, g.qubits, tuple(float(a) / 57.3 for a in g.angles)) for g in gates]  # type: ignore[arg-type]
    exchanged = [Gate(gate.name, gate.qubits[::-1], gate.angles) for gate in gates]
    dropped = [gate for gate in gates if len(gate.qubits) < 2]
    for wrong in (degrees, exchanged, dropped):
        assert chance(Circuit(3, wrong), probe.expected) < 0.1


@pytest.mark.parametrize(
    ("fields", "couplings"),
    [(1, -1), (-1, 1), (1, 0), (1, 0.5), (1, 2), (0.5, 1), (2, 1)],
)
def test_wrong_couplings_and_fields_have_another_ground_state(
    fields: float, couplings: float
) -> None:
    probe = couplings_probe()
    form = probe.program.form  # type: ignore[union-attr]
    codes = (np.arange(8)[:, None] >> np.arange(3) & 1).astype(np.int8)
    energies = np.sort(form.energies(1 - 2 * codes))
    assert energies[1] - energies[0] > 0.9
    assert form.energies(1 - 2 * np.array([probe.expected], np.int8))[0] == energies[0]
    wrong = Ising(fields * form.fields, couplings * form.couplings)
    best = codes[np.argmin(wrong.energies(1 - 2 * codes))]
    assert tuple(best.tolist()) != probe.expected
