"""IonQ's own clients, unmodified, against the emulator.

They run where an interpreter has them: the one that ``QUPEL_IONQ_PYTHON`` names, or that of
``build/vendors/ionq``, which these commands make::

    python -m venv build/vendors/ionq
    build/vendors/ionq/bin/pip install qiskit-ionq==1.1.1 cirq-ionq==1.7.0
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qupel.backends.emulator import Running, running_emulator
from tests.data import ROOT

PYTHON = Path(os.environ.get("QUPEL_IONQ_PYTHON", ROOT / "build/vendors/ionq/bin/python"))
CLIENTS = Path(__file__).parent / "clients"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason=f"no IonQ clients at {PYTHON}"),
]


@pytest.fixture(scope="module")
def emulator() -> Iterator[Running]:
    devices = ("--device", "ideal", "--device", "ionq-forte-1")
    # A queue of half a second: what is cancelled at once has not run.
    with running_emulator(*devices, "--speed", "20", "--queue-seconds", "10") as held:
        yield held


def talk(client: str, emulator: Running) -> dict[str, Any]:
    """What a client's script prints."""
    command = [str(PYTHON), str(CLIENTS / client), emulator.url, emulator.token]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def test_qiskit_ionq_runs_against_the_emulator(emulator: Running) -> None:
    found = talk("with_qiskit.py", emulator)
    assert found["backends"] == ["ionq_qpu", "ionq_simulator"]
    assert found["available"] == [True, True]
    assert found["probabilities"] == found["again"] == pytest.approx({"00": 0.5, "11": 0.5})
    assert found["many"] == [["001", "010", "100"][k % 3] for k in range(20)]
    assert found["detailed"] == 20
    assert found["native"] == [["00", "01", "10", "11"], ["00", "11"]]
    assert found["transpiled"] == ["00", "11"]
    assert found["registers"] == {"1 00": 200}
    assert len(set(found["dated"])) == 3
    assert found["cancelled twice"] == ["canceled", "canceled"]
    assert found["qubits"] == 36
    assert set(found["bell"]) == {"00", "11"}
    assert sum(found["bell"].values()) == 200
    # Qiskit writes qubit 0 last.
    assert found["single"] == [{"1": 200}, {"010": 200}, {"00010": 200}, {"00000100": 200}]
    assert found["batch"] == [{"00001": 200}, {"10000": 200}]
    assert set(found["noise"]) == {"0", "1"}
    assert max(found["noise"], key=lambda bits: found["noise"][bits]) == "1"
    assert found["memory"].count("010") > 15
    assert found["cancelled"] == "CANCELLED"
    assert 0.98 < found["calibrated"] < 1
    assert found["cost"] == pytest.approx(0.30 + 20 * 0.08)


def test_cirq_ionq_runs_against_the_emulator(emulator: Running) -> None:
    found = talk("with_cirq.py", emulator)
    assert found["chances"] == [{"0": 0.5, "3": 0.5}] * 2
    assert found["named"] == "kept"
    assert found["native"] == [[0, 0], [1, 1]]
    assert found["sampled"] == [[0, 1]]
    assert found["run batch"] == [[[1, 0]], [[0, 0], [1, 1]]]
    assert len(set(found["dated"])) == 2
    assert found["bell"] == [[0, 0], [1, 1]]
    # Cirq writes qubit 0 first, and takes it as the highest bit of a number.
    assert found["single"] == [[[1]], [[0, 1, 0]], [[0, 1, 0, 0, 0]], [[0, 0, 1, 0, 0, 0, 0, 0]]]
    assert found["machine"] == 0b010
    assert found["batch"] == [0b10000, 0b00001]
    assert found["noise"] == [[0], [1]]
    assert found["cancelled"] == "canceled"
    assert found["listed"] == 3
    assert 0.98 < found["calibrated"] < 1


def test_a_client_that_retries_by_itself_pays_twice_when_a_reply_is_lost() -> None:
    script = (
        "import sys, cirq, cirq_ionq\n"
        "s = cirq_ionq.Service(remote_host=sys.argv[1], api_key=sys.argv[2])\n"
        "q = cirq.LineQubit(0)\n"
        "c = cirq.Circuit(cirq.X(q), cirq.measure(q))\n"
        "for _ in range(3): s.create_job(c, repetitions=10, target='qpu')\n"
    )
    options = ("--device", "ionq-forte-1", "--scenario", "bad-gateway-after-accept:0.5")
    with running_emulator(*options, "--seed", "7") as held:
        command = [str(PYTHON), "-c", script, held.url, held.token]
        subprocess.run(command, capture_output=True, timeout=300, check=True)
        held.advance(3600)
        billed = [entry for entry in held.ledger() if entry["what"] == "bill"]
    assert len(billed) > 3
