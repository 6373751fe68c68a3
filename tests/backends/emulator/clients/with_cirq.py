"""Talk to an emulator through cirq-ionq, unmodified; print what came of it as JSON.

Run by an interpreter that has the package: ``python with_cirq.py URL TOKEN``.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import cirq
import cirq_ionq
from cirq_ionq import MSGate

url, token = sys.argv[1:]
service = cirq_ionq.Service(remote_host=url, api_key=token, default_target="simulator")
qubits = cirq.LineQubit.range(8)


def flipped(count: int, qubit: int) -> cirq.Circuit:
    return cirq.Circuit(cirq.X(qubits[qubit]), cirq.measure(*qubits[:count], key="m"))


def rows(result: Any) -> list[tuple[int, ...]]:
    """Distinct rows of bits, first qubit first."""
    return sorted({tuple(int(bit) for bit in row) for row in result.measurements["m"]})


def wait(job: Any) -> Any:
    return job.results(polling_seconds=0.05)


bell = cirq.Circuit(cirq.H(qubits[0]), cirq.CNOT(*qubits[:2]), cirq.measure(*qubits[:2], key="m"))
batch = wait(service.create_batch_job([flipped(5, 0), flipped(5, 4)], repetitions=50, target="qpu"))
cancelled = service.create_job(bell, repetitions=10, target="qpu")
cancelled.cancel()
noisy = cirq.Circuit([cirq.X(qubits[0])] * 25, cirq.measure(qubits[0], key="m"))
machine = service.create_job(flipped(3, 1), repetitions=50, target="qpu")
native = cirq.Circuit(
    MSGate(phi0=0, phi1=0, theta=0.25)(*qubits[:2]), cirq.measure(*qubits[:2], key="m")
)
kept = service.create_job(bell, repetitions=100, name="kept")
chances = wait(kept).probabilities("m")
found = {
    "chances": [chances, wait(service.get_job(kept.job_id())).probabilities("m")],
    "named": service.get_job(kept.job_id()).name(),
    "native": rows(service.run(native, repetitions=100)),
    "sampled": rows(service.sampler().run(flipped(2, 1), repetitions=10)),
    "run batch": [
        rows(result) for result in service.run_batch([flipped(2, 0), bell], repetitions=50)
    ],
    "dated": [one.calibration_time().isoformat() for one in service.list_calibrations(limit=2)],
    "bell": rows(service.run(bell, repetitions=100)),
    "single": [rows(service.run(flipped(n, n // 3), repetitions=10)) for n in (1, 3, 5, 8)],
    "machine": max(wait(machine).counts("m").items(), key=lambda held: held[1])[0],
    "batch": [max(r.counts("m").items(), key=lambda held: held[1])[0] for r in batch],
    "noise": rows(service.run(noisy, repetitions=5000, noise={"model": "aria-1"})),
    "cancelled": cancelled.status(),
    "listed": len(service.list_jobs(limit=3, batch_size=2)),
    "calibrated": service.get_current_calibration().fidelities()["spam"]["median"],
}
print(json.dumps(found))  # noqa: T201  # this is what the test reads
