from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from qupel.backends.adapters import azure
from qupel.backends.adapters.azure import Azure, job_of
from qupel.backends.adapters.azure_formats import qasm2_of
from qupel.backends.adapters.azure_workspace import Workspace, storage_at
from qupel.backends.catalogue.listing import profile_named
from qupel.backends.contract import Order, State
from qupel.errors import InputError, ResultError, TransientError, UnknownOutcomeError
from qupel.model.circuit import Circuit
from qupel.model.money import Money
from tests.backends.adapters.clouds import FakeAzure

ORDER = Order((Circuit(3).x(0).measure(0, 2),), 20, "key", "tag")
CONNECTION = (
    "SubscriptionId=00000000-0000-0000-0000-000000000001;ResourceGroupName=g;WorkspaceName=w;"
    "ApiKey=canary;QuantumEndpoint=https://eastus.quantum.azure.com/;"
)


def backend(cloud: FakeAzure, device: str = "quantinuum.qpu.h2-1") -> Azure:
    name = "ionq-forte-1" if device.startswith("ionq") else "quantinuum-h2-1"
    return Azure(device, cloud, "/workspaces/w", cloud.storage, profile_named(name))


def test_a_job_s_name_follows_from_the_key_and_tells_nothing_of_this_machine() -> None:
    name = uuid.UUID(job_of(ORDER))
    assert name.version == 4
    assert job_of(Order((Circuit(1),), 1, "key", "other")) == str(name)
    assert job_of(Order((Circuit(1),), 1, "another", "tag")) != str(name)


@pytest.mark.parametrize("fault", [303, 409, 500, 503, "lost", b"<html>", b"{}"])
def test_a_job_of_unknown_fate_is_put_once_and_found_by_its_name(fault: int | str | bytes) -> None:
    cloud = FakeAzure(faults=[("^PUT /workspaces/w/jobs/", fault)])
    held = backend(cloud)
    with pytest.raises(UnknownOutcomeError):
        held.submit(ORDER)
    assert cloud.count("PUT", "/workspaces/w/jobs/") == 1
    assert held.find(ORDER) == ([job_of(ORDER)] if fault == "lost" else [])
    # The same key meets the first job, or makes it.
    assert held.submit(ORDER) == job_of(ORDER)
    assert len(cloud.jobs) == 1


def test_a_name_that_is_taken_is_of_unknown_fate_while_nobody_tells_whose_it_is() -> None:
    cloud = FakeAzure()
    held = backend(cloud)
    held.submit(ORDER)
    cloud.faults = [("^GET /workspaces/w/jobs/", 500)]
    with pytest.raises(UnknownOutcomeError, match="HTTP 409"):
        held.submit(ORDER)
    assert held.submit(ORDER) == job_of(ORDER)


@pytest.mark.parametrize("pattern", ["sasUri", r"restype=container", "inputData"])
@pytest.mark.parametrize("fault", [500, "lost", "refused"])
def test_when_the_program_cannot_be_stored_nothing_was_ordered(
    pattern: str, fault: int | str
) -> None:
    cloud = FakeAzure(faults=[(pattern, fault)])
    with pytest.raises(TransientError):
        backend(cloud).submit(ORDER)
    assert cloud.count("PUT", "/workspaces/w/jobs/") == 0


def test_output_that_was_never_written_is_no_result() -> None:
    cloud = FakeAzure()
    held = backend(cloud)
    job = held.submit(ORDER)
    del cloud.stored[f"/job-{job}/rawOutputData"]
    with pytest.raises(ResultError):
        held.result(job, ORDER)


@pytest.mark.parametrize(
    "document",
    [{}, {"c": []}, {"c": ["011"]}, {"c": ["2 "]}, {"c": "01"}, {"c": [1]}, {"d": ["01"]}, []],
)
def test_output_that_cannot_be_is_refused(document: Any) -> None:
    cloud = FakeAzure(faults=[("GET /job-", json.dumps(document).encode())])
    held = backend(cloud)
    job = held.submit(ORDER)
    with pytest.raises(ResultError):
        held.result(job, ORDER)


def test_a_result_of_another_program_is_refused() -> None:
    held = backend(FakeAzure())
    job = held.submit(ORDER)
    with pytest.raises(ResultError, match="of another order"):
        held.result(job, Order((Circuit(3).x(1).measure(0, 2),), 20, "key", "tag"))


def test_shares_that_were_rounded_are_counts_again() -> None:
    rounded = {"histogram": {"1": 0.3333333, "5": 0.6666667}}
    cloud = FakeAzure(faults=[("GET /job-", json.dumps(rounded).encode())])
    held = backend(cloud, "ionq.qpu.forte-1")
    order = Order((Circuit(3).x(0),), 1233, "key", "tag")
    result = held.result(held.submit(order), order)
    assert result.readings[0].occurrences.tolist() == [411, 822]
    assert result.facts["counts"] == "shares of shots"


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("Waiting", State.QUEUED),
        ("Executing", State.RUNNING),
        ("CancellationRequested", State.RUNNING),
        ("Succeeded", State.DONE),
        ("Failed", State.FAILED),
        ("succeeded", State.UNKNOWN),
        ("Gone", State.UNKNOWN),
    ],
)
def test_words_are_known_or_unknown(word: str, state: State) -> None:
    held = backend(FakeAzure(status=word))
    status = held.status(held.submit(ORDER))
    assert (status.state, status.word) == (state, word)
    assert status.billed == (Money.of("1.25") if state.final else None)


def test_a_job_that_is_over_is_not_cancelled() -> None:
    cloud = FakeAzure()
    held = backend(cloud)
    held.cancel(held.submit(ORDER))
    assert cloud.count("POST", ":cancel") == 0
    cloud.status = "Waiting"
    held.cancel(job_of(ORDER))
    assert cloud.count("POST", ":cancel") == 1


def test_gates_that_openqasm_2_lacks_are_compiled() -> None:
    text = qasm2_of(Circuit(2).ecr(0, 1).rzz(0.3, 0, 1)).decode()
    assert {line.split("(")[0].split()[0] for line in text.splitlines()[4:]} <= {
        "rz", "rx", "cz", "measure",
    }  # fmt: skip


def test_a_connection_string_is_read_and_its_key_not_shown() -> None:
    workspace = Workspace.of(CONNECTION)
    assert workspace.endpoint == "https://eastus.quantum.azure.com"
    assert workspace.path.endswith("/resourceGroups/g/providers/Microsoft.Quantum/workspaces/w")
    assert "canary" not in repr(workspace)
    with pytest.raises(InputError, match="no part WorkspaceName") as caught:
        Workspace.of(CONNECTION.replace("WorkspaceName=w;", ""))
    assert "canary" not in str(caught.value)


def test_storage_elsewhere_is_not_asked() -> None:
    assert storage_at("https://some.blob.core.windows.net/job-1?sig=x")
    with pytest.raises(TransientError, match="not Azure's"):
        storage_at("https://evil.example/job-1?sig=canary")


def test_missing_credentials_are_told_by_their_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_QUANTUM_CONNECTION_STRING", raising=False)
    with pytest.raises(InputError, match="AZURE_QUANTUM_CONNECTION_STRING"):
        azure.open("quantinuum.qpu.h2-1")
    monkeypatch.setenv("AZURE_QUANTUM_CONNECTION_STRING", CONNECTION)
    assert "canary" not in repr(azure.open("quantinuum.qpu.h2-1"))
