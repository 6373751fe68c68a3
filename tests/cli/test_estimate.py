"""`qupel estimate`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.command import qupel

BELL = """OPENQASM 3.0;
include "stdgates.inc";
qubit[2] q;
h q[0];
cx q[0], q[1];
t q[1];
"""


@pytest.fixture
def bell(tmp_path: Path) -> Path:
    path = tmp_path / "bell.qasm"
    path.write_text(BELL)
    return path


def test_a_circuit_is_shown_before_and_after_compiling(bell: Path) -> None:
    ended = qupel("estimate", bell, "--device", "ibm-heron-r2", "--shots", 500)
    assert ended.code == 0
    lines = [line.split() for line in ended.out.splitlines()]
    assert lines[0] == ["as", "given", "native", "gates", "on", "ibm-heron-r2"]
    assert ["cz", "0", "1", "1"] in lines
    assert ["cx", "1", "0", "0"] in lines
    assert "500 shots" in ended.out
    assert "queue                 unknown" in ended.out
    assert "claims read on" in ended.err


def test_the_document_has_all_of_it(bell: Path) -> None:
    found = qupel("estimate", bell, "--device", "ibm-heron-r2", "--json").document
    assert found["two_qubit_gates"] == found["sizes"]["compiled"]["gates"]["cz"] == 1
    assert found["routing_gates"] == 0
    assert found["evidence"] == "published figures; nothing was run"
    assert found["cost"] == "4.8"
    assert 0.9 < found["success"] < 1


def test_a_form_is_estimated_for_an_annealer(tmp_path: Path) -> None:
    path = tmp_path / "ring.mc"
    path.write_text("\n".join(["6 6", *(f"{k + 1} {(k + 1) % 6 + 1} 1" for k in range(6)), ""]))
    found = qupel("estimate", path, "--device", "dwave-advantage", "--json").document
    assert found["embedding"]["least"] <= found["qubits"]
    assert found["depth"] == 0


def test_a_circuit_is_estimated_on_an_error_corrected_machine(bell: Path) -> None:
    arguments = ("estimate", bell, "--device", "ibm-heron-r2", "--fault-tolerant")
    ended = qupel(*arguments, "--physical-error", "0.001")
    assert ended.code == 0
    assert "T states              1" in ended.out
    assert "no such machine can be hired" in ended.err
    found = qupel(*arguments, "--physical-error", "0.001", "--json").document
    assert found["t_states"] == 1
    assert found["physical_qubits"] == found["data_qubits"] + found["factory_qubits"]


def test_errors_above_the_threshold_are_told(bell: Path) -> None:
    ended = qupel("estimate", bell, "--device", "ibm-heron-r2", "--fault-tolerant")
    assert ended.code == 4
    assert "no distance helps" in ended.err


def test_a_job_that_fits_elsewhere_is_refused_with_the_devices_that_hold_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "wide.qasm"
    path.write_text(BELL.replace("qubit[2]", "qubit[30]"))
    ended = qupel("estimate", path, "--device", "iqm-garnet")
    assert ended.code == 4
    assert "30 qubits at depth 3 are needed, iqm-garnet has 20" in ended.err
    assert "ibm-heron-r2" in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--budget", 0.1), "go with --fault-tolerant; add it"),
        (("--physical-error", 0.1), "go with --fault-tolerant; add it"),
        (("--fault-tolerant", "--budget", 2), "--budget must lie between 0 and 1, got 2"),
        (("--fault-tolerant", "--budget", "nan"), "--budget must lie between 0 and 1, got nan"),
        (("--fault-tolerant", "--physical-error", 0), "--physical-error must lie between 0 and 1"),
    ],
)
def test_chances_that_are_none_or_meant_for_error_correction_are_told(
    tmp_path: Path, arguments: tuple[object, ...], said: str
) -> None:
    path = tmp_path / "bell.qasm"
    path.write_text("OPENQASM 3.0;\nqubit[2] q;\nU(1, 0, 0) q[0];\n")
    ended = qupel("estimate", path, "--device", "iqm-garnet", *arguments)
    assert (ended.code, ended.out) == (3, "")
    assert said in ended.err


def test_expired_claims_are_told_with_an_estimate(tmp_path: Path) -> None:
    path = tmp_path / "bell.qasm"
    path.write_text("OPENQASM 3.0;\nqubit[2] q;\nU(1, 0, 0) q[0];\n")
    for more in ((), ("--fault-tolerant",)):
        ended = qupel("estimate", path, "--device", "ionq-aria-1", *more)
        assert "expired: claims about ionq-aria-1 expired on 2026-08-26" in ended.err
        document = qupel("estimate", path, "--device", "ionq-aria-1", *more, "--json").document
        assert "expired on 2026-08-26" in document["notice"]


def test_a_job_that_fits_nowhere_is_premature(tmp_path: Path) -> None:
    path = tmp_path / "deep.qasm"
    path.write_text(
        'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[200] q;\n'
        + "cx q[0], q[1];\nh q[1];\ncx q[1], q[2];\nh q[0];\ncx q[2], q[0];\n" * 4000
    )
    ended = qupel("estimate", path, "--device", "iqm-garnet", "--json")
    assert ended.code == 22
    assert ended.document["premature"] is True
    assert "200 qubits at depth" in ended.document["why"]
    assert "Premature: no device of the catalogue" in ended.err


def test_an_unknown_device_is_told_with_the_nearest(bell: Path) -> None:
    ended = qupel("estimate", bell, "--device", "ibm-heron-r3")
    assert ended.code == 3
    assert "did you mean 'ibm-heron-r" in ended.err


def test_only_circuits_are_error_corrected(tmp_path: Path) -> None:
    path = tmp_path / "ring.mc"
    path.write_text("2 1\n1 2 1\n")
    ended = qupel("estimate", path, "--device", "ibm-heron-r2", "--fault-tolerant")
    assert ended.code == 3
    assert "give a .qasm file" in ended.err
