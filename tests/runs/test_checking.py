from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qupel.backends import ManualClock, Reading
from qupel.backends.adapters.neutral import Neutral
from qupel.backends.checks.canary import check_canary
from qupel.backends.checks.locks import FileCanaries, Lock, MemoryCanaries
from qupel.backends.checks.smoke import SmokeRun, keep_run
from qupel.backends.contract import Capabilities, Estimate, Order
from qupel.backends.emulator import Provider, Terms, direct
from qupel.errors import InputError
from qupel.model.evidence import Evidence
from qupel.model.money import Money
from qupel.runs import checking
from qupel.runs.checking import ACCOUNT, Paying, canary, expected_of, watch
from qupel.runs.database import Database
from qupel.runs.ledger import JobState, Ledger
from tests.backends.faulty import Changed, each


def test_a_billed_canary_goes_through_the_ledger(tmp_path: Path) -> None:
    clock = ManualClock()
    provider = Provider(Terms(), clock)
    backend = Neutral("ideal", direct(provider))
    with Database.open(tmp_path / "ledger.sqlite") as database:
        ledger = Ledger(database, clock)
        report = check_canary(
            backend,
            sizes=[2, 5],
            shots=20,
            most=Money.of(1000, backend.capabilities().currency),
            run=Paying(ledger, backend),
            clock=clock,
        )
        assert report.passed
        account = ledger.account(ACCOUNT)
        assert len(ledger.jobs()) == account.held.runs + account.spent.runs == report.orders


class Unpriced(Neutral):
    """A device that bills, and whose estimates name no price."""

    def estimate(self, order: Order) -> Estimate:
        return replace(Neutral.estimate(self, order), cost=None)


@pytest.fixture
def unpriced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger, and `Unpriced` behind every name."""
    clock = ManualClock()
    device = Unpriced("ideal", direct(Provider(Terms(), clock)))
    monkeypatch.setattr(checking, "backend_named", lambda _: device)
    with Database.open(tmp_path / "ledger.sqlite") as database:
        yield Ledger(database, clock)


def test_where_no_price_is_known_every_order_is_bounded_by_its_share(unpriced: Ledger) -> None:
    most = Money.of(1000, "USD")
    report = canary(
        "any", sizes=[2, 5], shots=20, most=most, ledger=unpriced, clock=unpriced.clock,
        store=MemoryCanaries(),
    )  # fmt: skip
    assert report.passed
    bounds = [job.bound for job in unpriced.jobs()]
    assert set(bounds) == {Money(most.micros // report.orders, "USD")}


def test_where_no_price_is_known_the_most_is_asked_for_and_nothing_is_ordered(
    unpriced: Ledger,
) -> None:
    with pytest.raises(
        InputError, match=r"no price of an order is known for .*ideal; say what all"
    ):
        canary("any", sizes=[2], ledger=unpriced, clock=unpriced.clock, store=MemoryCanaries())
    assert not unpriced.jobs()


def inverted_first(reading: Reading) -> Reading:
    """Qubit 0 is read inverted."""
    bits = reading.bits.copy()
    bits[:, 0] ^= 1
    return replace(reading, bits=bits)


def genuine(clock: ManualClock) -> Neutral:
    """The emulated device, were it the hardware itself."""

    class Hardware(Neutral):
        def capabilities(self) -> Capabilities:
            return replace(Neutral.capabilities(self), evidence=Evidence.HARDWARE)

    return Hardware("ideal", direct(Provider(Terms(), clock)))


def test_a_canary_of_genuine_hardware_can_pass_and_unlock_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, clock = MemoryCanaries(), ManualClock()
    backend = genuine(clock)
    monkeypatch.setattr(checking, "backend_named", lambda _: backend)
    most = Money.of(1000, backend.capabilities().currency)
    with Database.open(tmp_path) as database:
        ledger = Ledger(database, clock)
        report = canary(
            "emulator:ideal", sizes=[2], most=most, store=store, clock=clock, ledger=ledger
        )
        assert report.passed, report.first
        Lock(store, clock).check(backend)
        assert {job.state for job in ledger.jobs()} == {JobState.DONE}


def test_drift_of_genuine_hardware_is_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock()
    backend = genuine(clock)
    monkeypatch.setattr(checking, "backend_named", lambda _: backend)
    most = Money.of(1000, backend.capabilities().currency)
    with Database.open(tmp_path) as database:
        seen = watch(
            "emulator:ideal",
            most=most,
            path=tmp_path / "runs.jsonl",
            clock=clock,
            ledger=Ledger(database, clock),
        )
    assert seen.baseline == 1


def test_a_canary_is_kept_and_unlocks() -> None:
    store, clock = MemoryCanaries(), ManualClock()
    report = canary("local:statevector", sizes=[2], store=store, clock=clock)
    names = (report.provider, report.device, report.version)
    assert Lock(store, clock).is_unlocked(*names)


def test_runs_of_a_baseline_must_be_alike(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    watch("local:statevector", shots=100, path=path)
    with pytest.raises(InputError, match="same shots and circuits"):
        watch("local:statevector", shots=200, path=path)
    assert watch("local:statevector", shots=100, path=path).baseline == 2


def test_a_device_that_is_wrong_from_the_start_gets_no_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = Changed(each(inverted_first))
    monkeypatch.setattr(checking, "backend_named", lambda _: wrong)
    path = tmp_path / "runs.jsonl"
    seen = watch("local:statevector", shots=100, baseline=2, path=path)
    assert seen.baseline == 0
    assert {alarm.name for alarm in seen.alarms} == {"single", "ghz", "mirror"}
    assert not path.exists()


def test_a_baseline_kept_earlier_is_doubted_too(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    for hour in range(2):
        keep_run(path, SmokeRun(3600.0 * hour, 200, {"single": 0, "ghz": 100, "mirror": 0}))
    [alarm] = watch("local:statevector", shots=200, baseline=2, path=path).alarms
    assert str(alarm).startswith("ghz: 50.00% of shots fail, and 0.00% at most would be plausible")


def test_outcomes_are_placed_with_the_first_qubit_lowest() -> None:
    found = expected_of({(1, 0): 0.25, (0, 1): 0.75}, 2)
    np.testing.assert_array_equal(found, [0, 0.25, 0.75, 0])


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ({(0,): 1.0}, "as many bits"),
        ({(0, 1): 0.5}, "sum to one"),
        ({(0, 1): -0.5, (1, 1): 1.5}, "outcome 01 is from 0 to 1, got -0.5"),
    ],
)
def test_outcomes_are_checked(outcomes: dict[tuple[int, ...], float], said: str) -> None:
    with pytest.raises(InputError, match=said):
        expected_of(outcomes, 2)


def test_reports_of_two_devices_share_a_file(tmp_path: Path) -> None:
    store = FileCanaries(tmp_path / "canaries.jsonl")
    for name in ("local:statevector", "local:annealer"):
        canary(name, sizes=[2], store=store)
    assert len(store.path.read_text(encoding="utf-8").splitlines()) == 2
