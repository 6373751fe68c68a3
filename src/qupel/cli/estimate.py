"""`qupel estimate`: what a program takes on a device, before anything is paid."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qupel.cli.device_tables import say_expired
from qupel.cli.exits import Exit
from qupel.cli.output import print_document, print_text, say
from qupel.cli.programs import read_program
from qupel.cli.table import text_table
from qupel.errors import InputError, RefusedError

if TYPE_CHECKING:
    from qupel.backends.advice.estimate import Estimation
    from qupel.backends.advice.fault_tolerant import FaultTolerantEstimate
    from qupel.backends.catalogue.profile import DeviceProfile
    from qupel.model.circuit import Circuit
    from qupel.model.ising import Ising


def estimate(
    program: Annotated[
        Path, typer.Argument(help="OpenQASM file (.qasm), or an instance file for an annealer.")
    ],
    device: Annotated[str, typer.Option(help="Name of a device; see `qupel devices list`.")],
    shots: Annotated[int, typer.Option(min=1, help="Repetitions, or reads.")] = 1000,
    fault_tolerant: Annotated[
        bool,
        typer.Option(
            "--fault-tolerant", help="As if the device's qubits were many and error-corrected."
        ),
    ] = False,
    budget: Annotated[
        float | None,
        typer.Option(
            help="With --fault-tolerant: chance that a shot errs, at most; 0.001 by default."
        ),
    ] = None,
    physical_error: Annotated[
        float | None,
        typer.Option(help="With --fault-tolerant: error of operations, if not the device's."),
    ] = None,
    family: Annotated[
        str | None, typer.Option(help="Family of an instance that does not tell it.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the compiler.")] = 0,
    folders: Annotated[
        list[Path] | None,
        typer.Option("--profiles", help="Folder of further profiles; repeatable."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Estimate qubits, depth, gates, success, time and price; exit 22 if no device holds it."""
    from qupel.backends.advice.estimate import estimate as estimated
    from qupel.backends.advice.fault_tolerant import fault_tolerant as corrected
    from qupel.backends.advice.surface_code import SurfaceCode
    from qupel.backends.catalogue.listing import profile_named
    from qupel.backends.contract import Annealing
    from qupel.model.circuit import Circuit

    profile = profile_named(device, folders or [])
    read = read_program(program, family)
    if not fault_tolerant and (budget, physical_error) != (None, None):
        raise InputError("--budget and --physical-error go with --fault-tolerant; add it")
    today = datetime.now(UTC).date()
    if fault_tolerant:
        if not isinstance(read, Circuit):
            raise InputError(f"{program}: only circuits are error-corrected; give a .qasm file")
        _check_chances({"--budget": budget, "--physical-error": physical_error})
        code = SurfaceCode.of(profile, physical_error)
        found = corrected(read, code, budget=1e-3 if budget is None else budget)
        _print_corrected(found, profile, today, as_json)
        return
    try:
        ordered = read if isinstance(read, Circuit) else Annealing(read)
        made = estimated(ordered, profile, shots, seed=seed)
    except RefusedError as error:
        raise typer.Exit(_refuse(str(error), read, shots, folders or [], today, as_json)) from None
    if as_json:
        notice = profile.notice(today)
        print_document({"program": str(program), **made.document(), "notice": notice})
    else:
        _print(made)
        say_expired([profile], today)


def _check_chances(given: dict[str, float | None]) -> None:
    for option, chance in given.items():
        if chance is not None and not 0 < chance < 1:
            raise InputError(f"{option} must lie between 0 and 1, got {chance}")


def _refuse(
    why: str, program: Circuit | Ising, shots: int, folders: list[Path], today: date, as_json: bool
) -> Exit:
    """Say why it does not fit, and which device would hold it, if there is one."""
    from qupel.backends.advice.need import Need
    from qupel.backends.advice.ranking import advise
    from qupel.backends.catalogue.listing import profiles
    from qupel.model.circuit import Circuit

    need = (
        Need.of_circuit(program, shots)
        if isinstance(program, Circuit)
        else Need.of_form(program, shots)
    )
    advice = advise(need, profiles(folders).values(), today=today)
    fitting = [each.profile.name for each in advice.devices]
    code = Exit.PREMATURE if advice.premature else Exit.RUN
    if as_json:
        print_document(
            {"status": "refused", "premature": advice.premature, "why": why, "fitting": fitting}
        )
    if advice.premature:
        say(f"refused: {why}. Premature: no device of the catalogue that can be hired holds it")
    elif not fitting:
        say(f"refused: {why}. {'. '.join(advice.reasons)}")
    else:
        say(f"refused: {why}. By its published figures it fits {', '.join(fitting)}")
    return code


def _print(found: Estimation) -> None:
    from qupel.backends.advice.prospect import chance_text, seconds_text

    estimate, compiled = found.estimate, found.compiled
    if compiled is not None:
        sizes = [compiled.given, compiled.unrouted, compiled.compiled]
        names = sorted({name for size in sizes for name in size.gates})
        rows = [
            ["qubits", *(str(size.qubits) for size in sizes)],
            ["depth", *(str(size.depth) for size in sizes)],
            ["two-qubit gates", *(str(size.two_qubit_gates) for size in sizes)],
            *([name, *(str(size.gates.get(name, 0)) for size in sizes)] for name in names),
        ]
        heads = ("", "as given", "native gates", f"on {found.profile.name}")
        print_text(text_table(heads, rows))
        print_text("")
    cost = "free" if estimate.cost is not None and not estimate.cost.micros else estimate.cost
    lines = {
        "physical qubits": str(estimate.qubits),
        "a shot without error": chance_text(found.ln_success),
        "a shot": seconds_text(found.shot_seconds),
        f"{estimate.shots} shots": seconds_text(estimate.run_seconds or 0.0),
        "queue": "unknown",
        "price at most": "unpublished" if cost is None else str(cost),
    }
    print_text("\n".join(f"{name:<21} {value}" for name, value in lines.items()))
    for remark in estimate.remarks:
        say(f"note: {remark}")


def _print_corrected(
    found: FaultTolerantEstimate, profile: DeviceProfile, today: date, as_json: bool
) -> None:
    from qupel.backends.advice.prospect import seconds_text

    if as_json:
        notice = profile.notice(today)
        print_document({"device": profile.name, **found.document(), "notice": notice})
        return
    rows: dict[str, Any] = {
        "qubits of the circuit": found.counts.qubits,
        "logical qubits": found.logical_qubits,
        "logical steps": found.steps,
        "T states": found.t_states,
        "code distance": found.distance,
        "physical qubits": found.physical_qubits,
        "of them for T states": found.factory_qubits,
        "overhead": f"{found.overhead:.0f} physical to one qubit of the circuit",
        "a shot": seconds_text(found.seconds),
        "physical error": f"{found.code.error:.3g}",
        "chance of an error": f"{found.budget:.3g} at most",
    }
    print_text("\n".join(f"{name:<21} {value}" for name, value in rows.items()))
    say(
        f"note: as if {profile.name} had this many qubits of the quality it has; no such machine "
        "can be hired"
    )
    say_expired([profile], today)
