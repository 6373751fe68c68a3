"""`qupel jobs submit`, `approve` and `result`: a program for the queue, and what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qupel.cli.jobs import AsJson, DatabaseOption, JobId, Who, opened, reader_of
from qupel.cli.output import print_document, print_text, say
from qupel.governance.identity import own_name

if TYPE_CHECKING:
    from qupel.runs.submitting import Submission

Program = Annotated[
    Path, typer.Argument(help="OpenQASM file (.qasm), or an instance file for an annealer.")
]
BackendName = Annotated[str, typer.Argument(help="Backend, as provider:device.")]
Shots = Annotated[int, typer.Option(min=1, help="Repetitions, or reads.")]
Family = Annotated[str | None, typer.Option(help="Family of an instance that does not tell it.")]

#: Outcomes that are printed for people.
SHOWN = 10


def submit(
    program: Program,
    backend: BackendName,
    shots: Shots = 1000,
    most: Annotated[
        str | None, typer.Option(help="What it may cost, such as '2.50 USD'; nothing by default.")
    ] = None,
    tier: Annotated[
        str | None,
        typer.Option(
            help="Access tier that is used, 'cloud simulator' by default; dearer devices are "
            "refused."
        ),
    ] = None,
    account: Annotated[
        list[str] | None,
        typer.Option(help="Account that is charged, such as team:night; may be repeated."),
    ] = None,
    within: Annotated[
        float | None, typer.Option(min=1.0, help="Seconds after which it is wanted no more.")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(help="Your name of the job; submitted again under it, it is the same job."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed, for backends that simulate.")
    ] = None,
    family: Family = None,
    who: Who = "",
    database: DatabaseOption = None,
    as_json: AsJson = False,
) -> None:
    """Submit a program as a job; a worker pays and follows it, and its result is kept.

    Refused before anything is paid: without the adapter's canary, beyond the tier, the accounts or
    what it may cost, and where it cannot fit the device.
    """
    from qupel.backends.checks.locks import FileCanaries, Lock, canary_file
    from qupel.backends.registry import backend_named
    from qupel.cli.amounts import money_in
    from qupel.runs.submitting import submit as submitted

    more = {
        **({} if tier is None else {"tier": tier}),
        **({} if key is None else {"key": key}),
        **({} if seed is None else {"settings": {"seed": seed}}),
    }
    wanted = _submission(
        program, shots, family, who,
        most=money_in("--most", most), accounts=tuple(account or ()), seconds=within, **more,
    )  # fmt: skip
    with opened(database) as ledger:
        job = submitted(ledger, wanted, backend_named(backend), Lock(FileCanaries(canary_file())))
    if as_json:
        print_document(job.document())
        return
    cost = "nothing is billed" if job.bound is None else f"at most {job.bound}"
    print_text(f"{job.id} is {job.state.value}: {job.shots} shots on {job.backend}, {cost}")
    say(f"a worker carries it out (qupel worker); then: qupel jobs result {job.id[:12]}")


def approve(
    program: Program,
    backend: BackendName,
    who: Annotated[str, typer.Option("--by", help="Who approves; not who submits it.")],
    why: Annotated[str, typer.Option("--why", help="The reason, written down.")],
    shots: Shots = 1000,
    family: Family = None,
    database: DatabaseOption = None,
) -> None:
    """Approve a program, its shots and its backend, for somebody else to submit."""
    from qupel.backends.registry import backend_named
    from qupel.runs.submitting import approve_submission

    wanted = _submission(program, shots, family, who)
    with opened(database) as ledger:
        approve_submission(ledger, wanted, backend_named(backend), who=who, why=why)
    print_text(f"{program} with {shots} shots on {backend} is approved by {who}")


def result(
    job_id: JobId,
    wait: Annotated[float, typer.Option(min=0.0, help="Seconds to wait for it, at most.")] = 0.0,
    database: DatabaseOption = None,
    as_json: AsJson = False,
) -> None:
    """Print a job's result; exit 7 while it is under way, 4 if it ended without one.

    That of a route or a pipeline is for who may read those; others are refused with 8.
    """
    from qupel.runs.submitting import result_document

    with opened(database) as ledger:
        document = result_document(*reader_of(ledger).result(job_id, wait))
    if as_json:
        print_document(document)
        return
    billed = document["billed"] or "nothing"
    print_text(f"{document['job']} on {document['backend']} ({document['evidence']}), {billed}")
    for reading in document["readings"]:
        counts = sorted(reading["counts"].items(), key=lambda held: (-held[1], held[0]))
        for bits, times in counts[:SHOWN]:
            print_text(f"{bits}  {times}")
        if len(counts) > SHOWN:
            say(f"{len(counts) - SHOWN} further outcomes; --json prints all")


def _submission(
    program: Path, shots: int, family: str | None, who: str, **terms: object
) -> Submission:
    from qupel.cli.programs import read_program
    from qupel.runs.submitting import Submission

    return Submission(
        read_program(program, family),
        shots,
        who or own_name(),
        **terms,  # type: ignore[arg-type]
    )
