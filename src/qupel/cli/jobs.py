"""`qupel jobs`: what has been ordered from providers, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qupel.cli.amounts import money_in
from qupel.cli.logs import talker
from qupel.cli.output import print_document, print_text, say
from qupel.cli.table import moment_text, text_table
from qupel.governance.identity import own_name

if TYPE_CHECKING:
    from qupel.runs.ledger import Ledger
    from qupel.runs.reader import Reader

app = typer.Typer(
    help="Paid work: list jobs, show one, cancel it, clear up what is uncertain.",
    no_args_is_help=True,
)

JobId = Annotated[str, typer.Argument(help="Id of the job; its beginning is enough.")]
BackendName = Annotated[str, typer.Argument(help="Backend, as provider:device.")]
Who = Annotated[
    str, typer.Option("--by", help="Who decides; QUPEL_IDENTITY or your user name if left out.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
DatabaseOption = Annotated[
    str | None,
    typer.Option("--database", help="Path or URL; QUPEL_DATABASE, else QUPEL_HOME, by default."),
]

#: Fields of a job that are moments, in UTC seconds.
_TIMES = frozenset({"planned", "submitted", "concluded", "deadline"})


@app.command("list")
def list_jobs(
    state: Annotated[
        str | None, typer.Option(help="Only jobs in this state, such as 'ambiguous'.")
    ] = None,
    backend: Annotated[str | None, typer.Option(help="Only jobs of this backend.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="As many at most.")] = 50,
    database: DatabaseOption = None,
    as_json: AsJson = False,
) -> None:
    """List jobs, those to be looked after first at the front, then the newest.

    What a route's or pipeline's job is for, and why it stands so, is told to their readers.
    """
    with opened(database) as ledger:
        found = ledger.jobs(_state(state), backend=backend, limit=limit)
        standings = reader_of(ledger).standings(found)
    if as_json:
        print_document({"jobs": standings})
        return
    if not found:
        say("no job matches")
        return
    rows = [
        [
            job.id[:12],
            job.state.value,
            job.backend,
            str(job.attempts),
            str(job.shots),
            "–" if job.bound is None else str(job.bound),
            "–" if job.billed is None else str(job.billed),
            moment_text(job.planned),
            "for its readers" if "withheld" in standing else job.why[:60],
        ]
        for job, standing in zip(found, standings, strict=True)
    ]
    heads = ["job", "state", "backend", "attempts", "shots", "bound", "billed", "planned", "why"]
    print_text(text_table(heads, rows))


@app.command()
def show(job_id: JobId, database: DatabaseOption = None, as_json: AsJson = False) -> None:
    """Show a job: its attempts, everything that happened, its clocks and its bill.

    A job of a route or a pipeline is shown to who may read those; others are refused with 8.
    """
    with opened(database) as ledger:
        job = reader_of(ledger).job(job_id)
        attempts, events = ledger.attempts(job.id), ledger.events(job.id)
    document = {
        **job.document(),
        "attempt_rows": [
            {
                "number": attempt.number,
                "key": attempt.key,
                "tag": attempt.tag,
                "state": attempt.state.value,
                "intended": attempt.intended,
                "seconds": attempt.seconds,
                "provider_job": attempt.provider_job,
                "cause": None if attempt.cause is None else attempt.cause.value,
                "why": attempt.why,
            }
            for attempt in attempts
        ],
        "events": [
            {
                "at": event.at,
                "kind": event.kind,
                "attempt": event.attempt,
                "seconds": event.seconds,
                "alarm": event.alarm,
                **event.detail,
            }
            for event in events
        ],
    }
    if as_json:
        print_document(document)
        return
    for name, value in job.document().items():
        if value not in (None, "", {}):
            print_text(f"{name.replace('_', ' ') + ':':<16}{_shown(name, value)}")
    for event in events:
        told = ", ".join(
            f"{name} {_shown(name, value)}" for name, value in event.detail.items() if value
        )
        number = f" {event.attempt}" if event.attempt else ""
        mark = "!" if event.alarm else " "
        print_text(
            f"{moment_text(event.at)} {mark} {event.kind}{number}{': ' * bool(told)}{told}"[:160]
        )


@app.command()
def cancel(job_id: JobId, database: DatabaseOption = None, as_json: AsJson = False) -> None:
    """Ask for a job not to be run; a worker carries it out, and frees its money when it may."""
    with opened(database) as ledger:
        reader = reader_of(ledger)
        job = ledger.cancel(ledger.job(job_id).id)
        [standing] = reader.standings([job])
    state = f"is {job.state.value}" if job.state.final else "is to be cancelled"
    _print(standing, as_json, state)


@app.command()
def resolve(
    job_id: JobId,
    adopt: Annotated[
        str, typer.Option("--adopt", help="The provider's job that was accepted for it.")
    ] = "",
    not_accepted: Annotated[
        bool, typer.Option("--not-accepted", help="The provider has no such job; free its money.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="With --not-accepted: submit it once more.")
    ] = False,
    who: Who = "",
    database: DatabaseOption = None,
    as_json: AsJson = False,
) -> None:
    """Decide what became of an ambiguous job, after asking its provider."""
    with opened(database) as ledger:
        reader = reader_of(ledger)
        job = ledger.resolve(
            ledger.job(job_id).id,
            adopt_job=adopt,
            not_accepted=not_accepted,
            again=again,
            who=who or own_name(),
        )
        [standing] = reader.standings([job])
    _print(standing, as_json, f"is {job.state.value}")


@app.command()
def reconcile(
    backend: BackendName,
    restored: Annotated[
        bool,
        typer.Option(
            "--restored", help="The database is a restored backup: pay nothing before all is known."
        ),
    ] = False,
    thaw: Annotated[
        bool, typer.Option("--thaw", help="Let new jobs be paid at a frozen provider again.")
    ] = False,
    database: DatabaseOption = None,
    as_json: AsJson = False,
) -> None:
    """Compare our books with a provider's and adopt what is ours; nothing is submitted."""
    from qupel.backends.registry import backend_named

    with opened(database) as ledger:
        if restored:
            ledger.quarantine("a backup was restored")
        if thaw:
            ledger.thaw(backend.partition(":")[0], own_name())
        found = ledger.reconcile(backend_named(backend))
    if as_json:
        print_document(found.document())
        return
    for what, names in (
        ("adopted", found.adopted),
        ("orphans", found.orphans),
        ("second jobs", found.seconds),
        ("still ambiguous", found.ambiguous),
    ):
        print_text(f"{what + ':':<18}{len(names)} {' '.join(names)}")
    if not found.lists:
        say("this provider cannot list jobs by tag, so orphans would not be found")
    if found.wait is not None:
        say(f"nothing is paid there yet; reconcile again in {found.wait:.0f} s")


@app.command()
def bills(
    backend: BackendName,
    days: Annotated[
        float, typer.Option(min=0, help="Ask about jobs that ended within so many days.")
    ] = 30.0,
    database: DatabaseOption = None,
    as_json: AsJson = False,
) -> None:
    """Ask for the bills of settled jobs again, and book those the provider has changed."""
    from qupel.backends.registry import backend_named

    with opened(database) as ledger:
        found = ledger.audit_bills(
            backend_named(backend), since=ledger.clock.now() - 86_400.0 * days
        )
    if as_json:
        print_document({"revised": [revision.document() for revision in found]})
        return
    for revision in found:
        print_text(f"{revision.job}  {revision.was} is now {revision.now}")
    say(f"{len(found)} bills were changed since they were booked")


@app.command()
def settle(
    job_id: JobId,
    bill: Annotated[
        str, typer.Option(help="What was charged, such as '1.30 USD', in its accounts' currency.")
    ],
    who: Who = "",
    database: DatabaseOption = None,
    as_json: AsJson = False,
) -> None:
    """Book the bill of a job that is over, from the invoice: where its provider told none."""
    amount = money_in("--bill", bill)
    assert amount is not None  # noqa: S101  a text was given
    with opened(database) as ledger:
        reader = reader_of(ledger)
        job = ledger.settle_by_hand(ledger.job(job_id).id, amount, who or own_name())
        [standing] = reader.standings([job])
    _print(standing, as_json, f"is settled: {job.billed}")


@contextmanager
def opened(database: str | None) -> Iterator[Ledger]:
    """The ledger in a database, closed at the end."""
    from qupel.runs.database import Database
    from qupel.runs.ledger import Ledger
    from qupel.runs.telemetry.listening import Listening

    talker(usual="off")
    with Database.open(database) as held:
        yield Ledger(held, listener=Listening(held))


def reader_of(ledger: Ledger) -> Reader:
    """Whoever runs this process, as a reader of a ledger's database."""
    from qupel.runs.reader import Reader

    return Reader.here(ledger.database)


def _state(name: str | None) -> str | None:
    from qupel.errors import unknown_name
    from qupel.runs.ledger import JobState

    if name is not None and name not in list(JobState):
        raise unknown_name("state of a job", name, list(JobState))
    return name


def _print(standing: Mapping[str, Any], as_json: bool, what: str) -> None:
    if as_json:
        print_document(dict(standing))
    else:
        why = standing["why"]
        print_text(f"{standing['id']} {what}{': ' * bool(why)}{why}")


def _shown(name: str, value: Any) -> str:
    """A field of a job or an event, for people."""
    if name in _TIMES:
        return f"{moment_text(value)} UTC"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{part} {_shown(part, held)}" for part, held in value.items() if held)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return f"{value:.3f}" if isinstance(value, float) else str(value)
