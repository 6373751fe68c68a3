"""The catalogue: every profile is whole, sourced and dated; wrong files are refused by line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from qupel.backends.catalogue.listing import OWN, profile_named, profiles, read_profile
from qupel.backends.catalogue.profile import (
    LIFETIME,
    DeviceProfile,
    Modality,
    Runs,
    months_after,
)
from qupel.errors import InputError
from qupel.model.gates import GATES

ALL = profiles()
EVERY = pytest.mark.parametrize("profile", ALL.values(), ids=ALL)
FORTE = (OWN / "ionq-forte-1.yaml").read_text(encoding="utf-8")


def test_every_family_is_there() -> None:
    assert {profile.modality for profile in ALL.values()} == set(Modality)


def test_there_are_fifteen_devices_beside_simulators() -> None:
    assert sum(not profile.simulated for profile in ALL.values()) >= 15


@EVERY
def test_a_profile_has_a_source_and_one_rule_says_when_it_is_read_again(
    profile: DeviceProfile,
) -> None:
    assert len(profile.source) > 40
    assert profile.checked > date(2020, 1, 1)
    assert profile.expires is None
    assert profile.expiry == months_after(profile.checked, LIFETIME)


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2025, 2, 26), 18, date(2026, 8, 26)),
        (date(2025, 6, 30), 18, date(2026, 12, 30)),
        (date(2025, 8, 31), 18, date(2027, 2, 28)),
        (date(2025, 12, 1), 1, date(2026, 1, 1)),
        (date(2023, 8, 31), 6, date(2024, 2, 29)),
    ],
)
def test_a_day_some_months_later_is_in_that_month(day: date, months: int, later: date) -> None:
    assert months_after(day, months) == later


@EVERY
def test_the_coupling_is_that_of_the_qubits(profile: DeviceProfile) -> None:
    edges = profile.coupling()
    if edges is not None:
        assert {q for edge in edges for q in edge} == set(range(profile.qubits))


@EVERY
def test_native_gates_are_known_and_make_any_circuit(profile: DeviceProfile) -> None:
    assert set(profile.native_gates) <= set(GATES)
    if profile.runs is Runs.CIRCUIT and profile.runnable:
        assert {"rx", "sx", "u", "h"} & set(profile.native_gates)


@EVERY
def test_what_runs_has_figures(profile: DeviceProfile) -> None:
    if profile.runnable and profile.runs is Runs.CIRCUIT:
        assert profile.fidelities is not None
        assert profile.times is not None
    if profile.runnable and profile.runs is Runs.ANNEALING:
        assert profile.anneal is not None


def test_a_topological_device_is_experimental_and_runs_nothing() -> None:
    [device] = [p for p in ALL.values() if p.modality is Modality.TOPOLOGICAL]
    assert (str(device.availability), device.runnable) == ("experimental", False)


def test_hardware_says_in_which_region_it_stands() -> None:
    for profile in ALL.values():
        if profile.runnable and not profile.simulated:
            assert profile.regions, profile.name


def test_claims_expire_on_their_day_and_say_so() -> None:
    forte = ALL["ionq-forte-1"]
    assert forte.notice(date(2026, 12, 29)) is None
    assert forte.notice(date(2026, 12, 30)) == (
        "claims about ionq-forte-1 expired on 2026-12-30 (read on 2025-06-30); check the source "
        "and renew the profile"
    )


def test_a_document_tells_every_claim_and_its_age() -> None:
    document = ALL["iqm-garnet"].document(date(2030, 1, 1))
    assert document["expired"] is True
    assert document["couplings"] == 30
    assert document["fidelities"]["two_qubit"] == 0.995
    assert document["price"] == {
        "task": "0.3", "shot": "0.00145", "currency": "USD", "kind": "per shot",
    }  # fmt: skip


def test_your_profiles_are_added_and_take_the_place_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "devices").mkdir()
    (tmp_path / "devices" / "ionq-forte-1.yaml").write_text(
        FORTE.replace("qubits: 36", "qubits: 5")
    )
    (tmp_path / "devices" / "mine.yaml").write_text(
        FORTE.replace("name: ionq-forte-1", "name: mine")
    )
    monkeypatch.setenv("QUPEL_HOME", str(tmp_path))
    found = profiles()
    assert found["ionq-forte-1"].qubits == 5
    assert found["mine"].qubits == 36
    assert set(found) == {*ALL, "mine"}


def test_a_folder_given_comes_last(tmp_path: Path) -> None:
    (tmp_path / "ionq-forte-1.yaml").write_text(FORTE.replace("qubits: 36", "qubits: 7"))
    assert profile_named("ionq-forte-1", [tmp_path]).qubits == 7


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "ionq-forte-1.yaml"
    path.write_text(FORTE)
    assert profile_named("ionq-forte-1", [tmp_path]).qubits == 36
    path.write_text(FORTE.replace("qubits: 36", "qubits: 111"))
    assert profile_named("ionq-forte-1", [tmp_path]).qubits == 111


def test_an_unknown_device_is_told_with_the_nearest() -> None:
    with pytest.raises(InputError, match="unknown device 'iqm-garnett'; did you mean 'iqm-garnet'"):
        profile_named("iqm-garnett")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no folder of device profiles"):
        profiles([tmp_path / "none"])


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("t2: 1.0", "t22: 1.0", "coherence.t22: is not a field; did you mean 't2'?"),
        ("reset: 50.0e-6", "reset: soon", "times.reset: got 'soon'; input should be"),
        ("trapped ion", "traped ion", "modality: got 'traped ion'; did you mean 'trapped ion'?"),
        ("qubits: 36", "qubits: -3", "qubits: must be at least 1, got -3"),
        ("qubits: 36", "qubits: '36'", "qubits: got '36'; input should be a valid integer"),
        ("shot: 0.08", "shot: -1", "price.shot: must be a decimal number from 0"),
        ("kind: per shot", "kind: by shot", "price.kind: must be one of free, unpublished"),
        ("rzz]", "rzy]", "native_gates: holds an unknown gate 'rzy'; did you mean 'rz'?"),
        ("native_gates: [rx, ry, rz, rzz]", "native_gates: [rx]", "native_gates: must name a gate"),
        ("two_qubit: 0.9960", "two_qubit: 1.2", "fidelities.two_qubit: must be above 0"),
        ("t1: 100.0", "t1: 0.1", "coherence.t1: and t2 must be above 0 and t2 at most 2 t1"),
        ("{lattice: all-to-all}", "{lattice: grid, sizes: [2, 3]}", "connectivity: is a grid"),
        ("checked: 2025-06-30", "checked: lately", "checked: got 'lately'; input should be"),
        ("vendor: IonQ", "expires: 2020-01-01\nvendor: IonQ", "expires: must be after checked"),
        ("max_shots: 10000", "max_shots: .inf", "max_shots: got inf"),
        ("checked: 2025-06-30", "checked: 2026-02-30", "checked: got '2026-02-30'; input"),
        ("vendor: IonQ", "expires: 2026-13-03\nvendor: IonQ", "expires: got '2026-13-03'; input"),
        ("qubits: 36", f"qubits: {'9' * 5000}", "qubits: got '999"),
        ("[rx, ry, rz, rzz]", "[rzz]", "native_gates: must name a gate on one qubit, got rzz"),
        ("[rx, ry, rz, rzz]", "[rx]", "native_gates: must name a gate on two qubits, got rx"),
        ("[rx, ry, rz, rzz]", "[rx, rx, rzz]", "native_gates: names rx twice"),
        ("false_one: 0.005", "false_one: 0.6", "fidelities.false_one: must be from 0 to below 0.5"),
        ("tier: hardware", "tier: hard", "tier: unknown tier 'hard'; did you mean 'hardware'?"),
        ("name: ionq-forte-1", "name: other", "name: got 'other'; a profile has the name of its"),
        ("runs: circuit", "runs: annealing", "runs: is annealing, so anneal must be given"),
        (
            "{lattice: all-to-all}",
            "{lattice: edges, edges: [[0, 1], [1, 0]]}",
            "connectivity.edges: name the pair (0, 1) twice",
        ),
        (
            "modality: trapped ion",
            "modality: superconducting",
            "coherence: t1 and t2 are in seconds, and one is 100: superconducting",
        ),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_with_file_line_field_value_and_remedy(
    tmp_path: Path, was: str, now: str, said: str
) -> None:
    assert was in FORTE
    text = FORTE.replace(was, now, 1)
    path = tmp_path / "ionq-forte-1.yaml"
    path.write_text(text)
    place = now.splitlines()[0] if not said.startswith("coherence: ") else "coherence:"
    line = next(k for k, each in enumerate(text.splitlines(), 1) if place in each)
    with pytest.raises(InputError) as caught:
        read_profile(path)
    assert str(caught.value).startswith(f"{path}:{line}: {said}")


def test_a_kind_of_price_that_is_none_is_told_with_what_was_given(tmp_path: Path) -> None:
    path = tmp_path / "ionq-forte-1.yaml"
    path.write_text(FORTE.replace("kind: per shot", "kind: by shot"))
    with pytest.raises(InputError, match="got 'by shot'"):
        read_profile(path)


def test_a_tier_of_your_own_may_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUPEL_HOME", str(tmp_path))
    (tmp_path / "tiers.yaml").write_text("tiers:\n- name: laboratory\n")
    path = tmp_path / "ionq-forte-1.yaml"
    path.write_text(FORTE.replace("tier: hardware", "tier: laboratory"))
    assert read_profile(path).tier == "laboratory"


def test_a_missing_field_is_told(tmp_path: Path) -> None:
    path = tmp_path / "ionq-forte-1.yaml"
    path.write_text(FORTE.replace("vendor: IonQ\n", ""))
    with pytest.raises(InputError, match="vendor: is missing; add it"):
        read_profile(path)


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "ionq-forte-1.yaml"
    path.write_text(
        FORTE.replace("trapped ion", "ions").replace("max_shots: 10000", "max_shots: x")
    )
    with pytest.raises(InputError) as caught:
        read_profile(path)
    assert len(str(caught.value).splitlines()) == 2


def test_a_profile_has_the_name_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "other.yaml"
    path.write_text(FORTE)
    with pytest.raises(InputError, match="has the name of its file, 'other'"):
        read_profile(path)


@pytest.mark.parametrize(
    "text",
    ["", "3", "[1, 2]", "name: [1", "a: b: c", "\x00", "name: x\nname: y\n", "!!python/x {}"],
)
def test_what_is_no_profile_gets_one_clear_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"odd\.yaml"):
        read_profile(path)


def test_bytes_that_are_no_text_get_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is not UTF-8"):
        read_profile(path)
