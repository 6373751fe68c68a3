"""Talk to an emulator through qiskit-ionq, unmodified; print what came of it as JSON.

Run by an interpreter that has the package: ``python with_qiskit.py URL TOKEN``.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from typing import Any

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit_ionq import GPI2Gate, GPIGate, IonQProvider, MSGate

warnings.simplefilter("ignore")
url, token = sys.argv[1:]
os.environ["IONQ_API_URL"] = f"{url}/v0.4"  # the number of qubits is asked for there
provider = IonQProvider(token, url=f"{url}/v0.4")
simulator, machine = provider.get_backend("simulator"), provider.get_backend("qpu.forte-1")


def measured(circuit: QuantumCircuit) -> QuantumCircuit:
    circuit.measure_all()
    return circuit


def flipped(qubits: int, qubit: int) -> QuantumCircuit:
    circuit = QuantumCircuit(qubits)
    circuit.x(qubit)
    return measured(circuit)


def counts(backend: Any, circuits: Any, **options: Any) -> Any:
    job = backend.run(circuits, **{"shots": 200, **options})
    return job.result(wait=0.05).get_counts()


bell = QuantumCircuit(2)
bell.h(0)
bell.cx(0, 1)
measured(bell)
cancelled = machine.run(bell, shots=10)
cancelled.cancel()
noisy = QuantumCircuit(1)
for _ in range(25):
    noisy.x(0)
native = QuantumCircuit(2, 2)
native.append(GPI2Gate(0.25), [0])  # a quarter turn about Y: half and half, as a Hadamard gives
native.append(GPI2Gate(0.25), [1])
native.append(GPIGate(0.0), [1])
native.measure([0, 1], [0, 1])
entangled = QuantumCircuit(2, 2)
entangled.append(MSGate(0, 0, 0.25), [0, 1])
entangled.measure([0, 1], [0, 1])
registers = QuantumCircuit(
    QuantumRegister(2, "a"),
    QuantumRegister(1, "b"),
    ClassicalRegister(2, "c"),
    ClassicalRegister(1, "d"),
)
registers.x(2)
registers.measure([0, 1, 2], [0, 1, 2])
kept = simulator.run(bell, shots=200)
kept.result(wait=0.05)
many = machine.run([flipped(3, k % 3) for k in range(20)], shots=20)
ions = provider.get_backend("simulator", gateset="native")
dated = machine.client.get_calibration_data("qpu.forte-1", limit=3)
found = {
    "backends": sorted(backend.name for backend in provider.backends()),
    "available": [simulator.status(), machine.status()],
    "probabilities": kept.get_probabilities(),
    "again": simulator.retrieve_job(kept.job_id()).get_probabilities(),
    "many": [max(held, key=held.get) for held in many.result(wait=0.05).get_counts()],
    "detailed": many.status(detailed=True)["completed"],
    "native": [sorted(counts(ions, circuit)) for circuit in (native, entangled)],
    "transpiled": sorted(counts(ions, transpile(bell, ions))),
    "registers": counts(simulator, registers),
    "dated": [one.id for one in dated],
    "cancelled twice": [
        told["status"]
        for told in machine.cancel_jobs([machine.run(bell, shots=10).job_id() for _ in range(2)])
    ],
    "qubits": machine.num_qubits,
    "bell": counts(simulator, bell),
    "single": [counts(simulator, flipped(n, n // 3)) for n in (1, 3, 5, 8)],
    "batch": counts(simulator, [flipped(5, 0), flipped(5, 4)]),
    "noise": counts(simulator, measured(noisy), noise_model="aria-1", shots=5000),
    "memory": machine.run(flipped(3, 1), shots=20, memory=True).result(wait=0.05).get_memory(),
    "cancelled": cancelled.status().name,
    "calibrated": machine.calibration().median_spam_fidelity,
    "cost": provider.get_backend("qpu.forte-1")
    .client.estimate_job(backend="qpu.forte-1", oneq_gates=1, twoq_gates=0, qubits=3, shots=20)
    .cost,
}
print(json.dumps(found))  # noqa: T201  # this is what the test reads
