from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from qupel.backends.adapters import azure, braket, dwave, ibm, ionq, neutral
from qupel.backends.addresses import address_in
from qupel.backends.contract import Backend, Order
from qupel.backends.credentials import word_in
from qupel.backends.http import HttpTransport
from qupel.backends.transport import Request
from qupel.errors import InputError, QupelError, TransientError
from qupel.model.circuit import Circuit

CONNECTION = (
    "SubscriptionId=s;ResourceGroupName=r;WorkspaceName=w;ApiKey=key-canary-0123;QuantumEndpoint={}"
)
KEYS = {
    "QUPEL_EMULATOR_TOKEN": "token-canary-0123",
    "IONQ_API_KEY": "token-canary-0123",
    "QISKIT_IBM_TOKEN": "token-canary-0123",
    "QISKIT_IBM_INSTANCE": "crn:v1:here",
    "DWAVE_API_TOKEN": "token-canary-0123",
}
OPENED: dict[str, Callable[[], Backend]] = {
    "QUPEL_EMULATOR_URL": lambda: neutral.open("ideal"),
    "QUPEL_IONQ_URL": lambda: ionq.open("qpu.forte-1"),
    "QUPEL_IBM_URL": lambda: ibm.open("ibm_fez"),
    "QUPEL_IBM_IDENTITY_URL": lambda: ibm.open("ibm_fez"),
    "DWAVE_API_ENDPOINT": lambda: dwave.open("Advantage_system4.1"),
}
ORDER = Order((Circuit(2).h(0).cx(0, 1),), 100, "key", "tag")


@pytest.fixture(autouse=True)
def _(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (*KEYS, *OPENED, "QUPEL_EMULATOR_SECRET", "QUPEL_ALLOWED_HOSTS"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in KEYS.items():
        monkeypatch.setenv(variable, value)


@pytest.mark.parametrize("variable", OPENED)
@pytest.mark.parametrize(
    ("value", "shown", "remedy"),
    [
        ("", "is set, but empty", "an address is https://host"),
        ("  ", "is set, but empty", "an address is https://host"),
        ("127.0.0.1:8080", "'127.0.0.1:8080'", "does not start so"),
        ("ftp://example.org", "'ftp://example.org'", "does not start so"),
        ("http://", "'http://'", "no host"),
        ("https://example.org:port", "'https://example.org:port'", "the port is a number"),
        ("https://example.org:99999", "'https://example.org:99999'", "the port is a number"),
        ("http://example.org", "'http://example.org'", "must start with https://"),
        ("https://user:canary@example.org", "'https://***@example.org'", "no credentials"),
        ("https://example.org/?key=canary", "'https://example.org/'", "no credentials"),
    ],
)
def test_a_bad_address_is_told_by_variable_value_and_remedy(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, shown: str, remedy: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InputError) as caught:
        OPENED[variable]()
    for part in (variable, shown, remedy):
        assert part in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("variable", OPENED)
def test_a_host_that_cannot_be_reached_is_told_by_the_variable_that_names_it(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for name in OPENED:
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv(variable, "http://127.0.0.1:1")
    with pytest.raises(QupelError) as caught:
        OPENED[variable]().find(ORDER)
    told = "QUPEL_IBM_IDENTITY_URL" if variable == "QUPEL_IBM_URL" else variable
    assert isinstance(caught.value, TransientError)
    assert re.search(rf"nothing was sent: .*{told} is http://127.0.0.1:\d", str(caught.value))


def test_an_address_that_is_empty_is_never_the_provider_s_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("QUPEL_IONQ_URL", "")
    with pytest.raises(InputError, match=r"unset it for https://api\.ionq\.co"):
        address_in("QUPEL_IONQ_URL", ionq.HOME)
    monkeypatch.delenv("QUPEL_IONQ_URL")
    assert address_in("QUPEL_IONQ_URL", ionq.HOME) == ionq.HOME


@pytest.mark.parametrize("endpoint", ["example.org", "http://example.org", "https://"])
def test_a_bad_endpoint_in_a_connection_string_is_told_without_its_key(
    monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setenv("AZURE_QUANTUM_CONNECTION_STRING", CONNECTION.format(endpoint))
    with pytest.raises(InputError, match="QuantumEndpoint in AZURE_QUANTUM_CONN") as caught:
        azure.open("quantinuum.qpu.h2-1")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AWS_REGION", ""),
        ("AWS_REGION", "virginia"),
        ("QUPEL_BRAKET_BUCKET", None),
        ("QUPEL_BRAKET_BUCKET", ""),
        ("QUPEL_BRAKET_BUCKET", "s3://mine/"),
    ],
)
def test_words_of_aws_are_checked_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str | None
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIACANARY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-secret")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("QUPEL_BRAKET_BUCKET", "amazon-braket-mine")
    if value is None:
        monkeypatch.delenv(variable)
    else:
        monkeypatch.setenv(variable, value)
    with pytest.raises(InputError, match=f"{variable} is .*a value such as") as caught:
        braket.open("sv1")
    assert not value or repr(value) in str(caught.value)


def test_a_word_that_is_not_set_has_its_usual_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION", raising=False)
    assert word_in("AWS_REGION", *braket.REGION) == "us-east-1"


def test_a_file_of_certificates_that_is_none_is_told_by_its_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    with pytest.raises(InputError, match=r"SSL_CERT_FILE is '/nowhere.pem'.*unset it"):
        HttpTransport("https://127.0.0.1:9").send(Request("GET", "/"))
