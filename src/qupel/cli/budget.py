"""`qupel budget`: caps on money, shots and runs, and what was paid for whom."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from qupel.cli.amounts import money_in
from qupel.cli.jobs import AsJson, DatabaseOption, opened
from qupel.cli.output import print_document, print_text, say
from qupel.cli.table import text_table

app = typer.Typer(
    help="Caps on money, shots and runs; what is held, spent, and by whom.",
    no_args_is_help=True,
)


@app.command("set")
def set_budget(
    account: Annotated[
        str,
        typer.Argument(help="job:NAME, experiment:NAME, pilot:NAME, team:NAME or outcome:NAME."),
    ],
    money: Annotated[
        str | None, typer.Option(help="Cap on money, such as '250' or '250 EUR'; USD by default.")
    ] = None,
    shots: Annotated[int | None, typer.Option(min=0, help="Cap on shots.")] = None,
    runs: Annotated[int | None, typer.Option(min=0, help="Cap on runs.")] = None,
    database: DatabaseOption = None,
    as_json: AsJson = False,
) -> None:
    """Set the caps of an account; a cap that is not named is taken away.

    Refused if more than a cap is held or spent already. Which caps were taken away is told on
    stderr.
    """
    cap = money_in("--money", money)
    with opened(database) as ledger:
        standing = [one for one in ledger.accounts() if one.name == account]
        made = ledger.set_budget(account, money=cap, shots=shots, runs=runs)
    for before in standing:
        for word, was in before.caps().items():
            if was is not None and made.caps()[word] is None:
                shown = before.shown(word, was)
                say(
                    f"{account}: the cap of {shown} on {word} is gone, since --{word} was not "
                    f"named; to keep it, set all caps in one command, with --{word} '{shown}'"
                )
    if as_json:
        print_document(made.document())
    else:
        print_text(_table([made.document()]))


@app.command()
def show(
    account: Annotated[str | None, typer.Argument(help="One account; all by default.")] = None,
    database: DatabaseOption = None,
    as_json: AsJson = False,
) -> None:
    """Show accounts: caps, what open jobs hold, what is spent, and what remains."""
    with opened(database) as ledger:
        found = ledger.accounts() if account is None else [ledger.account(account)]
    documents = [one.document() for one in found]
    if as_json:
        print_document({"accounts": documents})
    elif not documents:
        say("no account yet; begin with: qupel budget set team:NAME --money 100")
    else:
        print_text(_table(documents))


@app.command()
def report(
    by: Annotated[
        str,
        typer.Option(
            help="job, experiment, pilot, team, outcome, backend or purpose.NAME; or all of them."
        ),
    ] = "team",
    database: DatabaseOption = None,
    as_json: AsJson = False,
) -> None:
    """Report what was paid, for whom and for what; the total is over all jobs."""
    from qupel.runs.ledger.costs import GROUPS

    with opened(database) as ledger:
        found = [ledger.costs(way).document() for way in (GROUPS if by == "all" else (by,))]
    if as_json:
        reports = {report["by"]: report for report in found}
        together = {"by": by, "reports": reports, "total": found[0]["total"]}
        print_document(together if by == "all" else found[0])
        return
    if not found[0]["lines"]:
        say("nothing has been ordered yet")
        return
    print_text("\n\n".join(_costs(report) for report in found))


def _costs(report: dict[str, Any]) -> str:
    """Lines of one way to group costs, with their total."""
    unnamed = f"no {report['by'].removeprefix('purpose.')}"
    lines = [
        *report["lines"],
        *({**line, "name": "in several"} for line in report["shared"]),
        *({**line, "name": "total"} for line in report["total"]),
    ]
    rows = [
        [
            line["name"] or unnamed,
            str(line["jobs"]),
            str(line["shots"]),
            line["billed"] if line["currency"] else "–",
            line["held"] if line["currency"] else "–",
            line["currency"] or "free",
        ]
        for line in lines
    ]
    return text_table([report["by"], "jobs", "shots", "billed", "held", "currency"], rows)


def _table(documents: list[dict[str, dict[str, object]]]) -> str:
    rows = []
    for one in documents:
        for what in ("money", "shots", "runs"):
            part = one[what]
            if part["cap"] is None and not any(str(part[n]) != "0" for n in ("held", "spent")):
                continue
            unit = one["currency"] if what == "money" else what
            cells = [part[name] for name in ("cap", "held", "spent", "remaining")]
            shown = ["–" if cell is None else str(cell) for cell in cells]
            rows.append([str(one["account"]), str(unit), *shown])
    return text_table(["account", "of", "cap", "held", "spent", "remaining"], rows)
