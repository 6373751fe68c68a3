"""`qupel devices`."""

from __future__ import annotations

from pathlib import Path

import pytest

from qupel.backends.catalogue.listing import OWN, profiles
from tests.acceptance.command import qupel

GHZ = """OPENQASM 3.0;
include "stdgates.inc";
qubit[4] q;
bit[4] c;
h q[0];
cx q[0], q[1];
cx q[1], q[2];
cx q[2], q[3];
c = measure q;
"""


@pytest.fixture
def ghz(tmp_path: Path) -> Path:
    path = tmp_path / "ghz.qasm"
    path.write_text(GHZ)
    return path


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    """A graph of twelve nodes in a circle, whose largest cut is sought."""
    path = tmp_path / "ring.mc"
    edges = [f"{k + 1} {(k + 1) % 12 + 1} 1" for k in range(12)]
    path.write_text("\n".join(["12 12", *edges, ""]))
    return path


def test_the_list_names_every_device_by_kind() -> None:
    ended = qupel("devices", "list")
    assert ended.code == 0
    named = [line.split()[0] for line in ended.out.splitlines()[2:]]
    assert sorted(named) == sorted(profiles())


def test_the_list_in_json_carries_source_and_date() -> None:
    documents = qupel("devices", "list", "--json").document["devices"]
    assert all(each["source"] and each["checked"] and each["expires"] for each in documents)


def test_the_list_can_be_of_one_kind() -> None:
    documents = qupel("devices", "list", "--family", "annealer", "--json").document["devices"]
    assert [each["name"] for each in documents] == ["dwave-advantage", "dwave-advantage2"]


def test_the_list_can_leave_out_what_nobody_can_use() -> None:
    documents = qupel("devices", "list", "--runnable", "--json").document["devices"]
    assert "microsoft-majorana-1" not in {each["name"] for each in documents}


def test_an_unknown_kind_is_told_with_the_nearest() -> None:
    ended = qupel("devices", "list", "--family", "photon")
    assert ended.code == 3
    assert "did you mean 'photonic'?" in ended.err


def test_an_expired_claim_is_marked_wherever_it_is_shown(tmp_path: Path, ghz: Path) -> None:
    text = (OWN / "iqm-garnet.yaml").read_text(encoding="utf-8")
    old = text.replace("name: iqm-garnet", "name: old")
    old = old.replace("2025-06-30", "2020-06-30")
    (tmp_path / "old.yaml").write_text(old)
    for arguments in (
        ("list",),
        ("show", "old"),
        ("compare", ghz, "--device", "old"),
        ("advise", "--qubits", 5, "--depth", 20, "--two-qubit-gates", 10),
    ):
        ended = qupel("devices", *arguments, "--profiles", tmp_path)
        assert "claims about old expired on 2021-12-30 (read on 2020-06-30)" in ended.err
        marked = (
            "expired                    True" if arguments[0] == "show" else "2020-06-30 EXPIRED"
        )
        assert marked in ended.out


def test_one_device_is_shown_whole() -> None:
    ended = qupel("devices", "show", "ionq-forte-1")
    assert ended.code == 0
    assert "fidelities.two_qubit       0.996" in ended.out
    assert "source" in ended.out


def test_times_and_prices_are_shown_with_their_units() -> None:
    told = [line.split() for line in qupel("devices", "show", "ibm-heron-r2").out.splitlines()]
    assert ["times.readout", "1.5e-06", "s"] in told
    assert ["coherence.t2", "0.0001", "s"] in told
    assert ["price.second", "1.6", "USD"] in told
    assert ["price.increment", "1", "s"] in told


def test_an_unknown_device_is_told_with_the_nearest() -> None:
    ended = qupel("devices", "show", "ionq-fort-1")
    assert (ended.code, ended.out) == (3, "")
    assert "did you mean 'ionq-forte-1'?" in ended.err


def test_a_circuit_is_compared_over_four_families_with_success_and_time(ghz: Path) -> None:
    document = qupel("devices", "compare", ghz, "--json").document
    done = [each for each in document["devices"] if "success" in each]
    assert len({each["family"] for each in done} - {"simulator"}) >= 4
    assert all(0 < each["success"] <= 1 and each["run_seconds"] > 0 for each in done)
    assert document["compiled"] is True
    assert "nothing was run" in document["evidence"]


def test_a_comparison_can_simulate_the_noise(ghz: Path) -> None:
    ended = qupel(
        "devices", "compare", ghz, "--device", "iqm-garnet", "--device", "ionq-forte-1",
        "--simulate", "--json",
    )  # fmt: skip
    for each in ended.document["devices"]:
        assert abs(each["simulated_fidelity"] - each["success"]) < 0.05


def test_a_comparison_of_a_large_circuit_is_not_simulated(tmp_path: Path) -> None:
    path = tmp_path / "wide.qasm"
    path.write_text('OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[11] q;\nh q;\n')
    ended = qupel("devices", "compare", path, "--simulate")
    assert ended.code == 3
    assert "up to 10 qubits" in ended.err


def test_a_circuit_gets_a_recommendation_with_reasons(ghz: Path) -> None:
    document = qupel("devices", "advise", ghz, "--json").document
    assert document["recommended"] == document["devices"][0]["device"]
    assert len(document["reasons"]) >= 2
    assert document["need"]["two_qubit_gates"] == 3


def test_an_instance_goes_to_an_annealer(ring: Path) -> None:
    ended = qupel("devices", "advise", ring, "--json")
    assert ended.code == 0
    assert ended.document["devices"][0]["family"] == "annealer"
    assert ended.document["need"]["pairs"] == 12


def test_numbers_get_a_recommendation() -> None:
    ended = qupel("devices", "advise", "--qubits", 5, "--depth", 300, "--two-qubit-gates", 150)
    assert ended.code == 0
    assert ended.out.startswith("recommended: ")
    assert "speed, a shot takes" in ended.out


def test_a_form_can_be_told_by_its_couplings() -> None:
    document = qupel("devices", "advise", "--qubits", 100, "--couplings", 4950, "--json").document
    assert document["devices"][0]["family"] == "annealer"


def test_what_no_device_holds_is_premature_and_ends_with_22() -> None:
    ended = qupel("devices", "advise", "--qubits", 200, "--depth", 10000,
                  "--two-qubit-gates", 100000)  # fmt: skip
    assert ended.code == 22
    assert ended.out.strip().startswith("premature: no device that can be hired holds 200 qubits")


def test_a_budget_and_a_deadline_refuse_with_numbers() -> None:
    document = qupel(
        "devices", "advise", "--qubits", 5, "--depth", 10, "--two-qubit-gates", 4,
        "--budget", "2", "--deadline", 60, "--json",
    ).document  # fmt: skip
    refused = {each["device"]: each["refused"] for each in document["refused"]}
    assert refused["ionq-forte-1"] == ["the bill is up to 80.30 USD, the budget is 2.00 USD"]
    assert "the deadline is 60 s" in refused["quera-gemini"][0]


def test_a_tier_rules_out_what_it_does_not_open_with_numbers(ghz: Path) -> None:
    document = qupel("devices", "advise", ghz, "--tier", "sandbox", "--json").document
    assert (document["tier"], document["recommended"]) == ("sandbox", "quandela-ascella")
    refused = {each["device"]: each for each in document["refused"]}
    assert refused["iqm-garnet"]["by_tier"] is True
    assert "select hardware to use it" in refused["iqm-garnet"]["refused"][0]


def test_a_tier_that_leaves_the_simulators_only_is_not_premature(ghz: Path) -> None:
    ended = qupel("devices", "advise", ghz, "--tier", "local simulator")
    assert ended.code == 0
    assert ended.out.strip().startswith("tier local simulator opens none of the")
    assert "classical: local-statevector does it" in ended.out


def test_a_tier_that_leaves_nothing_ends_with_4() -> None:
    only = ("--qubits", 33, "--depth", 8, "--two-qubit-gates", 40)
    ended = qupel("devices", "advise", *only, "--tier", "local simulator")
    assert ended.code == 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--qubits", 4, "--tier", "sandpit"), "unknown tier 'sandpit'; did you mean 'sandbox'?"),
        ((), "give a file, or --qubits"),
        (("--qubits", 4, "--depth", 2, "--two-qubit-gates", 9), "raise the depth to 5"),
        (("--qubits", 4, "--couplings", 9), "at most 6 couplings"),
        (("--qubits", 4, "--couplings", 3, "--depth", 4), "--couplings tells of a form"),
        (("--qubits", 4, "--budget", "much"), "--budget: money is an amount"),
        (("--qubits", 4, "--budget", "-5"), "--budget: an amount of money must be at least 0"),
        (("--qubits", 10**26, "--couplings", 3), "qubits must be a whole number from 1 to 10^12"),
        (("--qubits", 4, "--shots", 10**20), "shots must be a whole number from 1 to 10^12"),
        (("--qubits", 4, "--aim", "fame"), "unknown aim"),
        (("nowhere.qasm",), "nowhere.qasm"),
        (("nowhere.qasm", "--qubits", 4), "leave out --qubits"),
    ],
)
def test_unusable_needs_get_one_clear_error(arguments: tuple[object, ...], said: str) -> None:
    ended = qupel("devices", "advise", *arguments)
    assert (ended.code, ended.out) == (3, "")
    assert said in ended.err
    assert len(ended.err.strip().splitlines()) == 1


INPUT = "OPENQASM 3.0;\ninput float a;\nqubit[2] q;\nU(a, 0, 0) q[0];\n"


@pytest.mark.parametrize("command", ["advise", "compare"])
def test_free_parameters_are_told_with_their_file(tmp_path: Path, command: str) -> None:
    path = tmp_path / "free.qasm"
    path.write_text(INPUT)
    ended = qupel("devices", command, path)
    assert (ended.code, ended.out) == (3, "")
    assert "free.qasm: has free parameters a; write numbers in their place" in ended.err


def test_a_family_of_a_circuit_is_refused(ghz: Path) -> None:
    ended = qupel("devices", "compare", ghz, "--family", "qubo")
    assert ended.code == 3
    assert "leave out --family" in ended.err


def test_limits_that_rule_out_everything_are_told_as_such() -> None:
    ended = qupel("devices", "advise", "--qubits", 3, "--budget", "0.01", "--deadline", 2)
    assert ended.code == 4
    assert "premature" not in ended.out
    assert "two-qubit gates for 1000 shots within 2 s at 0.01 USD" in ended.out


def test_a_comparison_in_which_nothing_fits_says_so(ghz: Path) -> None:
    ended = qupel("devices", "compare", ghz, "--device", "dwave-advantage")
    assert ended.out.startswith("no device of these takes it")
    assert ended.code == 4


def test_a_comparison_of_what_no_device_holds_ends_with_22(tmp_path: Path) -> None:
    path = tmp_path / "complete.mc"
    edges = [f"{a + 1} {b + 1} 1" for b in range(200) for a in range(b)]
    path.write_text("\n".join(["200 19900", *edges, ""]))
    ended = qupel("devices", "compare", path, "--device", "dwave-advantage", "--json")
    assert ended.code == 22
    assert "refused" in ended.document["devices"][0]


def test_a_complete_graph_told_by_its_numbers_is_premature_too() -> None:
    ended = qupel("devices", "advise", "--qubits", 200, "--couplings", 19900)
    assert ended.code == 22


@pytest.mark.parametrize(
    "text", ["", "qubit q", "OPENQASM 3.0;\nqubit[2] q;\ncx q[0], q[7];\n", "\x00"]
)
def test_an_unreadable_circuit_gets_one_clear_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.qasm"
    path.write_text(text)
    for command in ("advise", "compare"):
        ended = qupel("devices", command, path)
        assert (ended.code, ended.out) == (3, "")
        assert "odd.qasm" in ended.err


def test_a_wrong_profile_is_told_with_file_and_line(tmp_path: Path) -> None:
    text = (OWN / "iqm-garnet.yaml").read_text(encoding="utf-8").replace("qubits: 20", "qubits: x")
    (tmp_path / "iqm-garnet.yaml").write_text(text)
    ended = qupel("devices", "list", "--profiles", tmp_path)
    assert ended.code == 3
    assert "iqm-garnet.yaml:7: qubits: got 'x'" in ended.err


def test_advice_can_compile_the_circuit(ghz: Path) -> None:
    document = qupel("devices", "advise", ghz, "--compile", "--json").document
    gates = {each["device"]: each["two_qubit_gates"] for each in document["devices"]}
    assert (gates["ibm-heron-r2"], gates["rigetti-ankaa-3"]) == (3, 6)
    ended = qupel("devices", "advise", "--qubits", 3, "--compile")
    assert (ended.code, "give an OpenQASM file" in ended.err) == (3, True)


def test_the_tiers_are_shown_with_their_caps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert qupel("devices", "tiers").out.splitlines()[-1].startswith("hardware")
    (tmp_path / "tiers.yaml").write_text("tiers:\n- {name: hardware, max_money: 7.5}\n")
    monkeypatch.setenv("QUPEL_HOME", str(tmp_path))
    [tier] = qupel("devices", "tiers", "--json").document["tiers"]
    assert (tier["name"], tier["max_money"], tier["max_shots"]) == ("hardware", "7.5", None)
