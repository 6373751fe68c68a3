"""IonQ's protocol, as our own adapter and plain requests speak it."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from qupel.backends.adapters.ionq import Ionq
from qupel.backends.catalogue.listing import profile_named
from qupel.backends.clock import ManualClock
from qupel.backends.contract import State
from qupel.backends.emulator import Direct, Provider, Terms, Waiting, device_named, direct
from qupel.backends.emulator.ionq_circuits import circuits_of
from qupel.backends.transport import Request
from qupel.errors import InputError, ResultError
from qupel.model.circuit import Circuit
from qupel.model.gates import matrix
from qupel.simulators.statevector import StateVector
from tests.backends.emulator.stand import circuits

DEVICES = tuple(device_named(name) for name in ("ideal", "noisy", "ionq-forte-1"))


class Cloud:
    """An emulated provider behind IonQ's protocol."""

    def __init__(self, scenario: str = "") -> None:
        self.clock = ManualClock()
        self.provider = Provider(Terms(devices=DEVICES, waiting=Waiting(7.0)), self.clock)
        self.transport: Direct = direct(self.provider, scenario=scenario, prefix="/v0.4")

    def ask(self, method: str, path: str, document: Any = None) -> tuple[int, Any]:
        body = b"" if document is None else json.dumps(document).encode()
        reply = self.transport.send(Request(method, path, body))
        return reply.status, json.loads(reply.body)

    def run(
        self, gates: list[Any], *, qubits: int = 3, backend: str = "simulator"
    ) -> dict[str, float]:
        status, told = self.ask("POST", "/jobs", job(gates, qubits=qubits, backend=backend))
        assert status == 200, told
        self.clock.advance(60.0)
        told = self.ask("GET", f"/jobs/{told['id']}")[1]
        url = told["results"]["probabilities"]["url"].removeprefix("/v0.4")
        found: dict[str, float] = self.ask("GET", url)[1]
        return found


def job(
    gates: list[Any], *, qubits: int = 3, backend: str = "simulator", **more: Any
) -> dict[str, Any]:
    return {
        "type": "ionq.circuit.v1",
        "backend": backend,
        "shots": "1000",
        "input": {"gateset": "qis", "qubits": qubits, "circuit": gates},
        **more,
    }


X0 = [{"gate": "x", "targets": [0]}]


@pytest.mark.parametrize("n", range(1, 13))
@pytest.mark.parametrize("batch", [False, True])
def test_our_adapter_reads_an_asymmetric_state_in_our_order(n: int, *, batch: bool) -> None:
    cloud = Cloud()
    backend = Ionq("simulator", cloud.transport, profile_named("ionq-simulator"))
    order = circuits(*(Circuit(n).x(q) for q in ([0, n - 1] if batch else [n // 3])))
    name = backend.submit(order)
    cloud.clock.advance(60.0)
    assert backend.status(name).state is State.DONE
    for program, reading in zip(order.programs, backend.result(name, order).readings, strict=True):
        assert isinstance(program, Circuit)
        [gate] = program.gates
        assert reading.bits.tolist() == [[int(k in gate.qubits) for k in range(n)]]


def test_our_adapter_finds_a_job_whose_reply_was_lost() -> None:
    cloud = Cloud("reply-lost-after-accept")
    backend = Ionq("qpu.forte-1", cloud.transport, profile_named("ionq-forte-1"))
    with pytest.raises(Exception, match="closed before a reply"):
        backend.submit(circuits())
    assert backend.find(circuits()) == list(cloud.provider.jobs)
    [accepted] = cloud.provider.ledger()
    assert accepted.tag == circuits().tag


def test_our_adapter_reads_the_bill() -> None:
    cloud = Cloud()
    backend = Ionq("qpu.forte-1", cloud.transport, profile_named("ionq-forte-1"))
    name = backend.submit(circuits())
    cloud.clock.advance(60.0)
    assert backend.status(name).billed == cloud.provider.books.billed()["USD"]


def test_outcomes_are_numbers_whose_lowest_bit_is_qubit_0() -> None:
    assert Cloud().run(X0) == {"1": 1.0}
    assert Cloud().run([{"gate": "x", "target": 2}]) == {"4": 1.0}


def test_the_simulator_tells_exact_probabilities_and_a_machine_shares_of_shots() -> None:
    gates = [{"gate": "ry", "targets": [0], "rotation": 1.0}]
    assert Cloud().run(gates)["1"] == pytest.approx(math.sin(0.5) ** 2)
    shares = Cloud().run(gates, backend="qpu.forte-1")
    assert all((1000 * share).is_integer() for share in shares.values())
    assert sum(shares.values()) == pytest.approx(1.0)


SINGLE = {"x": "x", "y": "y", "z": "z", "h": "h", "s": "s", "si": "sdg", "t": "t", "ti": "tdg"}
SINGLE |= {"v": "sx", "vi": "sxdg", "not": "x"}
TURNED = {"rx": "rx", "ry": "ry", "rz": "rz", "z": "p"}
PAIRED = {"xx": "rxx", "yy": "ryy", "zz": "rzz"}


def prepared(qubits: int) -> list[dict[str, Any]]:
    """A state without symmetry, so that phases show after another layer."""
    return [
        entry
        for q in range(qubits)
        for entry in (
            {"gate": "ry", "targets": [q], "rotation": 0.4 + 0.3 * q},
            {"gate": "rz", "targets": [q], "rotation": 0.9 - 0.2 * q},
        )
    ]


def state_after(entries: list[dict[str, Any]], qubits: int, gateset: str = "qis") -> np.ndarray:
    document = job(entries, qubits=qubits)
    document["input"]["gateset"] = gateset
    [circuit] = circuits_of(document)
    return StateVector().run(Circuit(qubits, circuit.gates))


def same(state: np.ndarray, other: np.ndarray) -> bool:
    return abs(abs(np.vdot(state, other)) - 1) < 1e-12


def on(unitary: np.ndarray, targets: list[int], qubits: int) -> np.ndarray:
    """A gate's matrix on the whole register; its first target is the lowest bit of its index."""
    size = 1 << qubits
    out = np.zeros((size, size), complex)
    for column in range(size):
        inner = sum((column >> q & 1) << k for k, q in enumerate(targets))
        rest = column & ~sum(1 << q for q in targets)
        for row in range(1 << len(targets)):
            at = rest | sum((row >> k & 1) << q for k, q in enumerate(targets))
            out[at, column] += unitary[row, inner]
    return out


def controlled(unitary: np.ndarray, controls: int) -> np.ndarray:
    """Controls are the high bits."""
    size = unitary.shape[0] << controls
    out = np.eye(size, dtype=complex)
    out[-unitary.shape[0] :, -unitary.shape[0] :] = unitary
    return out


@pytest.mark.parametrize("controls", [0, 1, 2])
@pytest.mark.parametrize("name", [*SINGLE, *TURNED])
def test_a_gate_on_one_qubit_is_the_one_it_says_under_any_number_of_controls(
    name: str, controls: int
) -> None:
    entry: dict[str, Any] = {"gate": name, "targets": [1]}
    angles: list[float] = []
    if name in TURNED and not (name == "z" and controls == 9):
        entry["rotation"], angles = 0.7, [0.7]
    unitary = matrix(TURNED[name] if angles else SINGLE[name], angles)
    places = [3, 0][:controls]
    entry |= {"controls": places} if places else {}
    before = state_after(prepared(4), 4)
    expected = on(controlled(unitary, controls), [1, *places], 4) @ before
    assert same(state_after([*prepared(4), entry], 4), expected)


@pytest.mark.parametrize("name", [*PAIRED, "swap", "cnot"])
def test_a_gate_on_two_qubits_is_the_one_it_says(name: str) -> None:
    entry: dict[str, Any] = {"gate": name, "targets": [2, 0]}
    if name in PAIRED:
        entry["rotation"] = 0.7
        unitary = matrix(PAIRED[name], [0.7])
    elif name == "cnot":
        entry = {"gate": "cnot", "control": 2, "target": 0}
        unitary = matrix("cx")
    else:
        unitary = matrix("swap")
    expected = on(unitary, [2, 0], 3) @ state_after(prepared(3), 3)
    assert same(state_after([*prepared(3), entry], 3), expected)


def test_an_evolution_under_commuting_products_is_the_exponential() -> None:
    from scipy.linalg import expm

    entry = {
        "gate": "pauliexp", "targets": [2, 0, 1], "terms": ["XYZ", "XYI"],
        "coefficients": [0.3, -0.5], "time": 0.8,
    }  # fmt: skip
    paulis = {"I": np.eye(2), "X": matrix("x"), "Y": matrix("y"), "Z": matrix("z")}

    def product(term: str) -> np.ndarray:
        return np.kron(np.kron(paulis[term[0]], paulis[term[1]]), paulis[term[2]])

    generator = 0.3 * product("XYZ") - 0.5 * product("XYI")
    expected = on(expm(-0.8j * generator), [2, 0, 1], 3) @ state_after(prepared(3), 3)
    assert same(state_after([*prepared(3), entry], 3), expected)


def gpi2(phi: float) -> np.ndarray:
    turn = np.exp(2j * np.pi * phi)
    return np.array([[1, -1j / turn], [-1j * turn, 1]]) / math.sqrt(2)


def ms(first: float, second: float, angle: float) -> np.ndarray:
    """Mølmer-Sørensen gate; the first qubit is the low bit."""
    low, high = (
        np.array([[0, np.exp(-2j * np.pi * phi)], [np.exp(2j * np.pi * phi), 0]])
        for phi in (first, second)
    )
    both = np.kron(high, low)
    return math.cos(math.pi * angle) * np.eye(4) - 1j * math.sin(math.pi * angle) * both


def test_native_gates_are_the_ones_they_say() -> None:
    start = [
        {"gate": "gpi2", "target": 0, "phase": 0.13},
        {"gate": "gpi2", "target": 1, "phase": 0.3},
    ]
    state = state_after(start, 2, "native")
    assert same(state, np.kron(gpi2(0.3), gpi2(0.13))[:, 0])
    zz = np.diag(np.exp(-1j * np.pi * 0.2 * np.array([1, -1, -1, 1])))
    flip = np.array([[0, np.exp(-2j * np.pi * 0.4)], [np.exp(2j * np.pi * 0.4), 0]])
    for entry, unitary in (
        ({"gate": "ms", "targets": [0, 1], "phases": [0.1, 0.2]}, ms(0.1, 0.2, 0.25)),
        ({"gate": "ms", "targets": [0, 1], "phases": [0.1, 0.2], "angle": 0.1}, ms(0.1, 0.2, 0.1)),
        ({"gate": "zz", "targets": [0, 1], "angle": 0.2}, zz),
        ({"gate": "zz", "targets": [0, 1], "phase": 0.2}, zz),
        ({"gate": "gpi", "target": 1, "phase": 0.4}, np.kron(flip, np.eye(2))),
    ):
        assert same(state_after([*start, entry], 2, "native"), unitary @ state)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "JSON object"),
        (job([{"gate": "warp", "targets": [0]}]), "no such gate"),
        (job([{"gate": "rx", "targets": [0]}]), "rotation"),
        (job(X0, noise="aria-1"), "noise must be an object"),
        (job(X0, noise={"model": 3}), "noise must be an object"),
        (job([{"gate": "x", "targets": [3]}]), "3"),
        (job([{"gate": "x", "targets": ["0"]}]), "numbers of qubits"),
        (job([{"gate": "rx", "targets": [0], "rotation": "1"}]), "finite"),
        (job(X0, type="ionq.qasm3.v1"), "not emulated"),
        (job(X0, dry_run=True), "dry"),
        (job(X0, shots="many"), "shots"),
        (job(X0, noise={"model": "harmony"}), "noise model"),
        (job(X0, input={"qubits": 2}), "list of objects"),
        (job(X0, backend="qpu.nothing", type="ionq.multi-circuit.v1"), "list of objects"),
    ],
)
def test_what_cannot_be_run_is_refused_in_words(document: Any, message: str) -> None:
    status, told = Cloud().ask("POST", "/jobs", document)
    assert status == 422
    assert message in told["message"]
    assert told["statusCode"] == 422


def test_a_backend_that_is_not_there_is_told() -> None:
    assert Cloud().ask("POST", "/jobs", job(X0, backend="abacus"))[0] == 404
    assert Cloud().ask("GET", "/backends/abacus")[0] == 404


def test_a_noise_model_makes_the_simulator_noisy() -> None:
    cloud = Cloud()
    document = job([*X0] * 25, noise={"model": "aria-1"})
    name = cloud.ask("POST", "/jobs", document)[1]["id"]
    cloud.clock.advance(60.0)
    shares = cloud.ask("GET", f"/jobs/{name}/results/probabilities")[1]
    assert len(shares) > 1
    assert shares["1"] > 0.9


def test_a_job_of_several_circuits_has_children_with_their_own_results() -> None:
    cloud = Cloud()
    document = job([], type="ionq.multi-circuit.v1", backend="qpu.forte-1")
    document["input"] = {
        "qubits": 3, "gateset": "qis",
        "circuits": [{"circuit": X0}, {"circuit": [{"gate": "x", "targets": [2]}]}],
    }  # fmt: skip
    name = cloud.ask("POST", "/jobs", document)[1]["id"]
    cloud.clock.advance(60.0)
    parent = cloud.ask("GET", f"/jobs/{name}")[1]
    assert parent["stats"]["circuits"] == len(parent["child_job_ids"]) == 2
    aggregated = cloud.ask("GET", f"/jobs/{name}/results/probabilities/aggregated")[1]
    assert list(aggregated) == parent["child_job_ids"]
    for child, likely in zip(parent["child_job_ids"], ("1", "4"), strict=True):
        told = cloud.ask("GET", f"/jobs/{child}")[1]
        assert (told["id"], told["parent_job_id"]) == (child, name)
        shares = cloud.ask("GET", f"/jobs/{child}/results/probabilities")[1]
        assert shares == aggregated[child]
        assert max(shares, key=lambda key: shares[key]) == likely
        shots = cloud.ask("GET", f"/jobs/{child}/results/shots")[1]
        assert shots.count(likely) == round(1000 * shares[likely])


def test_jobs_are_listed_in_pages_and_by_status() -> None:
    cloud = Cloud()
    names = [cloud.ask("POST", "/jobs", job(X0))[1]["id"] for _ in range(5)]
    first = cloud.ask("GET", "/jobs?limit=3")[1]
    rest = cloud.ask("GET", f"/jobs?limit=3&next={first['next']}")[1]
    assert [told["id"] for told in first["jobs"] + rest["jobs"]] == names[::-1]
    assert "next" not in rest
    assert cloud.ask("GET", "/jobs?status=completed")[1]["jobs"] == []
    cloud.clock.advance(60.0)
    assert len(cloud.ask("GET", "/jobs?status=completed")[1]["jobs"]) == 5


def test_a_job_can_be_cancelled_and_deleted_and_the_books_keep_it() -> None:
    cloud = Cloud()
    names = [cloud.ask("POST", "/jobs", job(X0))[1]["id"] for _ in range(2)]
    assert cloud.ask("PUT", f"/jobs/{names[0]}/status/cancel")[1]["status"] == "canceled"
    assert cloud.ask("GET", f"/jobs/{names[0]}")[1]["status"] == "canceled"
    assert cloud.ask("DELETE", f"/jobs/{names[1]}")[1]["status"] == "deleted"
    assert cloud.ask("GET", f"/jobs/{names[1]}")[0] == 404
    assert [entry.what for entry in cloud.provider.ledger()].count("accept") == 2


def test_backends_are_told_without_a_key_and_jobs_are_not() -> None:
    cloud = Cloud()
    bare = Direct(cloud.transport.site, prefix="/v0.4")
    told = bare.send(Request("GET", "/backends/qpu.forte-1"))
    assert json.loads(told.body)["qubits"] == 36
    assert bare.send(Request("GET", "/jobs")).status == 401


def test_faults_reach_ionqs_protocol_too() -> None:
    cloud = Cloud("bits-reversed,unknown-final-word")
    name = cloud.ask("POST", "/jobs", job(X0))[1]["id"]
    cloud.clock.advance(60.0)
    assert cloud.ask("GET", f"/jobs/{name}")[1]["status"] == "CANCELLED - RAN TOO LONG"
    assert cloud.ask("GET", f"/jobs/{name}/results/probabilities")[1] == {"4": 1.0}


def test_a_wrong_document_is_an_input_error() -> None:
    with pytest.raises(InputError):
        circuits_of({})


def several(cloud: Cloud) -> tuple[str, list[str]]:
    """Name of a job of two circuits that is done, and of its circuits."""
    document = job([], type="ionq.multi-circuit.v1", backend="qpu.forte-1")
    bell = [{"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1}]
    document["input"] = {
        "qubits": 2, "gateset": "qis", "circuits": [{"circuit": X0}, {"circuit": bell}],
    }  # fmt: skip
    name = cloud.ask("POST", "/jobs", document)[1]["id"]
    return name, cloud.ask("GET", f"/jobs/{name}")[1]["child_job_ids"]


def test_a_name_that_only_begins_like_a_jobs_is_nobodys() -> None:
    cloud = Cloud()
    name, children = several(cloud)
    for other in (name[:-1], name[:24], f"{name[:24]}ffffffffffff", f"{children[0]}0"):
        assert cloud.ask("GET", f"/jobs/{other}")[0] == 404
        assert cloud.ask("GET", f"/jobs/{other}/cost")[0] == 404


def test_a_circuit_of_a_job_costs_its_part_of_the_bill() -> None:
    cloud = Cloud()
    name, children = several(cloud)
    assert cloud.ask("GET", f"/jobs/{children[0]}/cost")[1]["cost"] is None
    cloud.clock.advance(60.0)
    whole = cloud.ask("GET", f"/jobs/{name}/cost")[1]
    parts = [cloud.ask("GET", f"/jobs/{child}/cost")[1] for child in children]
    assert all(0 < part["cost"]["value"] <= whole["cost"]["value"] for part in parts)
    assert all(part["cost"] == part["estimated_cost"] for part in parts)


def test_one_circuit_of_a_job_is_not_cancelled_alone() -> None:
    cloud = Cloud()
    name, [child, _] = several(cloud)
    status, told = cloud.ask("PUT", f"/jobs/{child}/status/cancel")
    assert status == 409
    assert name in told["message"]


def quoted(scenario: str) -> Any:
    return Cloud(scenario).ask("GET", "/jobs/estimate?backend=qpu.forte-1&qubits=2&shots=10")[1]


def test_a_quote_in_cents_is_a_hundredth_of_the_estimate() -> None:
    assert quoted("quote-in-cents")["estimated_cost"] == quoted("")["estimated_cost"] / 100
    assert quoted("quote-missing")["estimated_cost"] is None
    assert quoted("quote-missing,quote-in-cents")["estimated_cost"] is None


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize(
    "name",
    [
        "result-of-wrong-types", "result-with-nan", "result-with-negative-counts",
        "result-with-endless-number", "shots-short", "shots-doubled",
    ],
)  # fmt: skip
def test_a_fault_of_occurrences_strikes_ionqs_shares(name: str, *, batch: bool) -> None:
    cloud = Cloud(name)
    backend = Ionq("qpu.forte-1", cloud.transport, profile_named("ionq-forte-1"))
    order = circuits(*[Circuit(3).x(0).h(1)] * (1 + batch), shots=1000)
    held = backend.submit(order)
    cloud.clock.advance(60.0)
    with pytest.raises(ResultError):
        backend.result(held, order)


def test_shots_lost_by_rounding_are_missing_in_the_shares() -> None:
    assert sum(Cloud("shots-short-by-rounding").run(X0).values()) == pytest.approx(0.999)


def test_a_scenario_of_the_neutral_protocol_is_not_turned_on_for_ionqs_alone() -> None:
    provider = Cloud().provider
    with pytest.raises(InputError, match="neutral protocol"):
        direct(provider, scenario="bits-reversed,conflict-after-accept", prefix="/v0.4")
    assert not provider.stage.on
