from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import sqlalchemy as sa

from qupel.errors import BudgetError, InputError
from qupel.model.money import Money
from qupel.runs.database import Database
from qupel.runs.ledger import Amounts, Ledger
from qupel.runs.ledger.accounts import account_named, checked_names, set_caps
from qupel.runs.ledger.holds import reserve
from qupel.runs.tables import accounts
from tests.runs.ledger.fake import Fake
from tests.runs.ledger.orders import finish, plan


def test_the_database_itself_forbids_more_than_the_cap(database: Database) -> None:
    with database.writing() as connection:
        set_caps(connection, "team:a", Money.of(1), None, None)
    beyond = sa.update(accounts).values(held_money=1_000_001)
    with pytest.raises(sa.exc.IntegrityError), database.writing() as connection:
        connection.execute(beyond)


@pytest.mark.parametrize("name", ["team", "team:", "teem:a", "", "team: "])
def test_names_of_accounts_have_a_kind(name: str) -> None:
    with pytest.raises(InputError, match="an account is named"):
        checked_names([name])


def test_caps_below_what_is_held_are_refused(ledger: Ledger) -> None:
    plan(ledger)
    said = r"has 1\.00 USD of money held or spent already, more than the cap of 0\.50 USD"
    with pytest.raises(BudgetError, match=said):
        ledger.set_budget("team:a", money=Money.of("0.5"))
    with pytest.raises(BudgetError, match=r"has 100 of shots held .* cap of 99;"):
        ledger.set_budget("team:a", shots=99)
    with pytest.raises(InputError, match=r"at least 0, got -1\.00 USD"):
        ledger.set_budget("team:a", money=Money(-1_000_000, "USD"))
    with pytest.raises(InputError, match="at least 0"):
        ledger.set_budget("team:a", shots=-1)
    with pytest.raises(InputError, match="counts in USD"):
        ledger.set_budget("team:a", money=Money.of(9, "EUR"))
    with pytest.raises(InputError, match="no account"):
        ledger.account("team:b")


def test_an_account_counts_in_one_currency(ledger: Ledger) -> None:
    plan(ledger)
    with pytest.raises(BudgetError, match="counts in USD, the job is paid in EUR"):
        plan(ledger, "2", bound=Money.of(1, "EUR"))


def test_shots_and_runs_count_where_nothing_is_billed(ledger: Ledger) -> None:
    ledger.set_budget("experiment:e", shots=250, runs=5)
    free = Fake(ledger.clock, currency="")
    for number in range(2):
        finish(ledger, free, plan(ledger, str(number), bound=None, accounts=["experiment:e"]))
    with pytest.raises(BudgetError, match="shots"):
        plan(ledger, "3", bound=None, accounts=["experiment:e"])
    account = ledger.account("experiment:e")
    assert (account.spent.shots, account.spent.runs, account.currency) == (200, 2, "")


SPEND = """
import sys
from typing import Any
from qupel.errors import BudgetError
from qupel.runs.database import Database
from qupel.runs.ledger.accounts import Amounts
from qupel.runs.ledger.holds import reserve
database, seed, held, refused = Database.open(sys.argv[1]), int(sys.argv[2]), 0, 0
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    amount = 500_000 + (seed * 7919 + number * 104729) % 500_000
    try:
        with database.writing(durable=False) as connection:
            reserve(connection, ["team:a", "pilot:b"], Amounts(amount, 10, 1), "USD")
        held += amount
    except BudgetError:
        refused += 1
print(held, refused)
"""


def race(database: Database, where: str, processes: int, decisions: int) -> tuple[int, int]:
    """Money that processes say they hold together, and how often they were refused."""
    with database.writing() as connection:
        set_caps(connection, "team:a", Money.of(100), None, None)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    running = [
        subprocess.Popen([sys.executable, "-c", SPEND, where, str(seed), str(decisions)], **pipes)  # type: ignore[call-overload]
        for seed in range(processes)
    ]
    for one in running:
        assert one.stdout.readline() == "ready\n"
    told = [one.communicate("go\n")[0].split() for one in running]
    assert all(one.returncode == 0 for one in running)
    return sum(int(held) for held, _ in told), sum(int(refused) for _, refused in told)


@pytest.mark.slow
def test_eight_processes_never_hold_more_than_the_cap(database: Database) -> None:
    held, refused = race(database, str(database.folder), 8, 60)
    with database.reading() as connection:
        account = account_named(connection, "team:a")
        assert account_named(connection, "pilot:b").held == account.held
    assert account.held.money == held <= 100_000_000
    assert 100_000_000 - held < 1_000_000
    assert account.held.runs + refused == 480


@pytest.mark.slow
def test_processes_never_hold_more_than_the_cap_on_postgresql(
    postgres: Database, postgres_url: str
) -> None:
    held, refused = race(postgres, postgres_url, 4, 60)
    with postgres.reading() as connection:
        account = account_named(connection, "team:a")
    assert account.held.money == held <= 100_000_000
    assert account.held.runs + refused == 240


def test_reserving_in_several_accounts_is_all_or_none(database: Database) -> None:
    with database.writing() as connection:
        set_caps(connection, "team:z", Money.of(1), None, None)
    with pytest.raises(BudgetError), database.writing() as connection:
        reserve(connection, ["experiment:a", "team:z"], Amounts(2_000_000), "USD")
    with database.reading() as connection:
        assert account_named(connection, "team:z").held == Amounts()


@pytest.mark.parametrize(
    "name", ["team:a\nb", "team:\x1b[31mred", "team:\udc80", f"team:{'a' * 200}"]
)
def test_a_name_of_an_account_can_be_printed(name: str) -> None:
    with pytest.raises(InputError, match="characters that can be printed"):
        checked_names([name])


@pytest.mark.parametrize(
    ("caps", "said"),
    [
        ({"money": Money(2**53)}, r"a cap on money is at most 9007199254\.740991 USD, got"),
        ({"shots": 2**63}, "a cap on shots is at most 9007199254740991, got"),
        ({"runs": 2**53}, "a cap on runs is at most 9007199254740991, got"),
    ],
)
def test_a_cap_too_large_to_be_kept_is_told(
    ledger: Ledger, caps: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        ledger.set_budget("team:a", **caps)
    assert ledger.accounts() == []
