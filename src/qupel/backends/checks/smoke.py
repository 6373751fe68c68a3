"""Smoke circuits: small programs with known answers, run on schedule to see a device change."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from qupel.backends.checks.direct import Runner, order_of
from qupel.backends.contract import Reading
from qupel.errors import InputError
from qupel.model.circuit import Circuit

#: How often the mirror circuit entangles its qubits and disentangles them.
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Smoke:
    """A circuit and the outcomes that count as right.

    Attributes
    ----------
    name
        ``single``: each qubit turned twice by a quarter. ``ghz``: all zeros or all ones, by a chain
        of gates. ``mirror``: such chains made and undone, three times.
    circuit
        What runs.
    right
        Outcomes, qubit 0 first.
    """

    name: str
    circuit: Circuit
    right: tuple[tuple[int, ...], ...]

    def failures(self, reading: Reading) -> int:
        """How many shots gave something else."""
        rows = reading.bits[:, None, :] == np.array(self.right, np.uint8)[None]
        good = rows.all(axis=2).any(axis=1)
        return int(reading.occurrences[~good].sum())


def smoke_circuits(qubits: int, seed: int = 0) -> tuple[Smoke, ...]:
    """Smoke circuits on so many qubits, 2 at least; ``seed`` chooses the mirror's angles."""
    if qubits < 2:
        raise InputError(f"smoke circuits need 2 qubits or more, got {qubits}")
    zeros, ones = (0,) * qubits, (1,) * qubits
    single, ghz = Circuit(qubits), Circuit(qubits).h(0)
    for qubit in range(qubits):
        single = single.rx(math.pi / 2, qubit).rx(math.pi / 2, qubit)
    for qubit in range(qubits - 1):
        ghz = ghz.cx(qubit, qubit + 1)
    return (
        Smoke("single", single, (ones,)),
        Smoke("ghz", ghz, (zeros, ones)),
        Smoke("mirror", _mirror(qubits, np.random.default_rng(seed)), (zeros,)),
    )


@dataclass(frozen=True, slots=True)
class SmokeRun:
    """What one run of the smoke circuits gave.

    Attributes
    ----------
    at
        UTC seconds since 1970.
    shots
        Of each circuit.
    failures
        Shots that gave something else, by circuit.
    calibration
        Name of the device's calibration, empty if unknown.
    """

    at: float
    shots: int
    failures: Mapping[str, int]
    calibration: str = ""


def run_smoke(
    run: Runner, circuits: tuple[Smoke, ...], *, shots: int, at: float, seed: int | None = None
) -> SmokeRun:
    """Run the smoke circuits in one order.

    Parameters
    ----------
    run
        Carries out an order: `qupel.backends.checks.direct.Direct`, or through a ledger.
    at
        UTC seconds since 1970, which also tells this run's order from others.
    seed
        Of backends that are simulated; without it, the time is one.
    """
    settings = {} if seed is None else {"seed": seed}
    order = order_of(tuple(smoke.circuit for smoke in circuits), shots, "smoke", settings, at)
    result = run(order)
    failures = {
        smoke.name: smoke.failures(reading)
        for smoke, reading in zip(circuits, result.readings, strict=True)
    }
    return SmokeRun(at, shots, failures, result.calibration)


def read_runs(path: Path) -> list[SmokeRun]:
    """Runs kept in a file, one line each; none if there is no file."""
    if not path.exists():
        return []
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            data = json.loads(line)
            failures = {str(name): int(count) for name, count in data["failures"].items()}
            found.append(
                SmokeRun(float(data["at"]), int(data["shots"]), failures, str(data["calibration"]))
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{path}, line {number}: no smoke run ({error}); remove the line"
            ) from error
    return found


def keep_run(path: Path, run: SmokeRun) -> None:
    """Add a run to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(run)) + "\n")


def _mirror(qubits: int, rng: np.random.Generator) -> Circuit:
    """Entangle and disentangle again and again, so that no compiler can leave it out.

    Gates undone at once would cancel. So turns about Z stand between, which change nothing of the
    state they meet: on an entangled chain their angles sum to zero, and all zeros are left alone.
    """
    chain = Circuit(qubits).h(0)
    for qubit in range(qubits - 1):
        chain = chain.cx(qubit, qubit + 1)
    back = chain.inverse()
    circuit = Circuit(qubits)
    for _ in range(ROUNDS):
        angles = rng.uniform(-math.pi, math.pi, qubits)
        circuit = circuit.compose(_turned(qubits, rng.uniform(-math.pi, math.pi, qubits)))
        circuit = circuit.compose(chain).compose(_turned(qubits, angles - angles.mean()))
        circuit = circuit.compose(back)
    return circuit


def _turned(qubits: int, angles: np.ndarray) -> Circuit:
    circuit = Circuit(qubits)
    for qubit, angle in enumerate(angles.tolist()):
        circuit = circuit.rz(angle, qubit)
    return circuit
