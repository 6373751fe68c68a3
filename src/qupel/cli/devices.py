"""`qupel devices`: the catalogue of devices, and which one suits a program."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qupel.cli.amounts import money_in
from qupel.cli.device_tables import (
    HEADS,
    flat,
    line,
    print_advice,
    print_comparison,
    print_tiers,
    say_expired,
    shown,
    unit_of,
)
from qupel.cli.exits import Exit
from qupel.cli.output import print_document, print_text, say
from qupel.cli.programs import read_program
from qupel.cli.table import text_table
from qupel.errors import InputError

if TYPE_CHECKING:
    from qupel.backends.advice.need import Need
    from qupel.model.circuit import Circuit

app = typer.Typer(
    help="Devices as published: list them, show one, compare them, choose one.",
    no_args_is_help=True,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Folders = Annotated[
    list[Path] | None, typer.Option("--profiles", help="Folder of further profiles; repeatable.")
]
Shots = Annotated[int, typer.Option(min=1, help="Repetitions, or reads of an annealer.")]


@app.command("list")
def list_devices(
    family: Annotated[
        str | None, typer.Option(help="Only this kind, such as 'trapped ion' or 'annealer'.")
    ] = None,
    runnable: Annotated[
        bool, typer.Option("--runnable", help="Only devices on which somebody can run programs.")
    ] = False,
    folders: Folders = None,
    as_json: AsJson = False,
) -> None:
    """List devices by kind, with what is published of them and how old that is."""
    from qupel.backends.catalogue.listing import profiles
    from qupel.backends.catalogue.profile import Modality
    from qupel.errors import unknown_name

    if family is not None and family not in list(Modality):
        raise unknown_name("kind of device", family, map(str, Modality))
    chosen = [
        profile
        for profile in profiles(folders or []).values()
        if (family is None or profile.modality == family) and (profile.runnable or not runnable)
    ]
    chosen.sort(key=lambda profile: (list(Modality).index(profile.modality), profile.name))
    today = _today()
    if as_json:
        print_document({"devices": [profile.document(today) for profile in chosen]})
        return
    print_text(text_table(HEADS, [line(profile, today) for profile in chosen]))
    say_expired(chosen, today)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Name of a device; see `qupel devices list`.")],
    folders: Folders = None,
    as_json: AsJson = False,
) -> None:
    """Show every claim about one device, with its source and its date."""
    from qupel.backends.catalogue.listing import profile_named

    profile, today = profile_named(name, folders or []), _today()
    document = profile.document(today)
    if as_json:
        print_document(document)
        return
    currency = (document["price"] or {}).get("currency", "")
    rows = [
        [key, shown(value) + unit_of(key, currency)]
        for key, value in flat(document)
        if value not in (None, [], "")
    ]
    print_text("\n".join(f"{key:<26} {value}" for key, value in rows))
    say_expired([profile], today)


@app.command()
def advise(
    program: Annotated[
        Path | None,
        typer.Argument(help="OpenQASM file (.qasm), or an instance file; or give numbers."),
    ] = None,
    qubits: Annotated[int | None, typer.Option(min=1, help="Qubits, or variables.")] = None,
    depth: Annotated[int | None, typer.Option(min=1, help="Longest chain of gates.")] = None,
    two_qubit_gates: Annotated[
        int | None, typer.Option(min=0, help="Gates on two qubits, in units of CX.")
    ] = None,
    couplings: Annotated[
        int | None, typer.Option(min=0, help="Couplings of a form to anneal, in place of gates.")
    ] = None,
    shots: Shots = 1000,
    layers: Annotated[int, typer.Option(min=1, help="QAOA layers, where a form is run so.")] = 1,
    family: Annotated[
        str | None, typer.Option(help="Family of an instance that does not tell it.")
    ] = None,
    deadline: Annotated[
        float | None, typer.Option(min=1e-9, help="Seconds on the device at most.")
    ] = None,
    budget: Annotated[
        str | None, typer.Option(help="Price at most, such as 50 or '50 EUR'.")
    ] = None,
    aim: Annotated[str, typer.Option(help="Rank by time, success or price.")] = "time",
    tier: Annotated[
        str | None,
        typer.Option(help="Only what this access tier opens; see `qupel devices tiers`."),
    ] = None,
    compiled: Annotated[
        bool,
        typer.Option("--compile", help="Compile the circuit for every device; slower, and truer."),
    ] = False,
    folders: Folders = None,
    as_json: AsJson = False,
) -> None:
    """Recommend a device, with reasons; exit 22 if no device that can be hired holds the need."""
    from qupel.backends.advice.access import Access
    from qupel.backends.advice.ranking import advise as advised
    from qupel.backends.advice.recommendation import Aim
    from qupel.backends.catalogue.listing import profiles
    from qupel.backends.catalogue.tiers import tiers
    from qupel.errors import unknown_name

    access = None if tier is None else Access(tiers(), tier)
    if aim not in list(Aim):
        raise unknown_name("aim", aim, map(str, Aim))
    numbers = {"--qubits": qubits, "--depth": depth, "--two-qubit-gates": two_qubit_gates,
               "--couplings": couplings}  # fmt: skip
    given = [option for option, value in numbers.items() if value is not None]
    limits: dict[str, Any] = {
        "shots": shots,
        "deadline": deadline,
        "budget": money_in("--budget", budget),
    }
    if program is not None:
        if given:
            raise InputError(f"{program} is counted by itself; leave out {', '.join(given)}")
        circuit, need = _program(program, family, layers, limits)
    else:
        circuit = None
        need = _counted(qubits, depth, two_qubit_gates, couplings, layers, limits)
    today = _today()
    if compiled and circuit is None:
        raise InputError("--compile takes a circuit: give an OpenQASM file")
    every = profiles(folders or []).values()
    ran = circuit if compiled else None
    advice = advised(need, every, Aim(aim), ran, today=today, access=access)
    if as_json:
        print_document(advice.document(today))
    else:
        print_advice(advice, today)
    if advice.premature:
        raise typer.Exit(Exit.PREMATURE)
    if advice.best is None and (advice.beyond_limits or not advice.simulators):
        raise typer.Exit(Exit.RUN)


@app.command()
def compare(
    circuit: Annotated[Path, typer.Argument(help="OpenQASM file (.qasm), or an instance file.")],
    device: Annotated[
        list[str] | None, typer.Option(help="Only this device; repeatable. All by default.")
    ] = None,
    shots: Shots = 1000,
    layers: Annotated[int, typer.Option(min=1, help="QAOA layers, where a form is run so.")] = 1,
    family: Annotated[
        str | None, typer.Option(help="Family of an instance that does not tell it.")
    ] = None,
    simulate: Annotated[
        bool,
        typer.Option("--simulate", help="Simulate each device's noise exactly; up to 10 qubits."),
    ] = False,
    folders: Folders = None,
    as_json: AsJson = False,
) -> None:
    """Compare devices on one program, by published figures; exit 4 or 22 if none takes it."""
    from qupel.backends.advice.prospect import Prospect
    from qupel.backends.advice.ranking import advise as advised
    from qupel.backends.advice.ranking import compare as compared
    from qupel.backends.catalogue.listing import profile_named, profiles

    chosen = (
        [profile_named(name, folders or []) for name in device]
        if device
        else list(profiles(folders or []).values())
    )
    program, need = _program(circuit, family, layers, {"shots": shots})
    found, today = compared(need, chosen, program), _today()
    simulated = _simulated(program, found) if simulate else {}
    if as_json:
        print_document(
            {
                "program": str(circuit),
                "evidence": "published figures; nothing was run",
                "compiled": program is not None,
                "devices": [
                    each.document(today) | {"simulated_fidelity": simulated.get(each.profile.name)}
                    for each in found
                ],
            }
        )
    else:
        print_comparison(found, today, simulated)
    if any(isinstance(each, Prospect) for each in found):
        return
    every = profiles(folders or []).values()
    raise typer.Exit(Exit.PREMATURE if advised(need, every).premature else Exit.RUN)


@app.command("tiers")
def show_tiers(as_json: AsJson = False) -> None:
    """Show the access tiers: what may be ordered where, and with whose approval."""
    from dataclasses import asdict

    from qupel.backends.catalogue.tiers import tiers

    held = tiers().tiers
    if as_json:
        print_document({"tiers": [_plain(asdict(tier)) for tier in held]})
        return
    print_tiers(held)


def _plain(tier: dict[str, Any]) -> dict[str, Any]:
    """A tier as plain data; money is a text, so that it stays exact."""
    most = tier["max_money"]
    return tier | {"max_money": None if most is None else str(most)}


def _simulated(program: Circuit | None, found: Any) -> dict[str, float]:
    """How near each device comes to the ideal readings, under its noise as published."""
    from qupel.backends.advice.prospect import Prospect
    from qupel.backends.advice.simulated import MOST_QUBITS, simulated_fidelity

    if program is None or program.qubits > MOST_QUBITS:
        raise InputError(
            f"--simulate takes a circuit of up to {MOST_QUBITS} qubits; leave it out for others"
        )
    near = {}
    for each in found:
        if isinstance(each, Prospect) and not each.profile.simulated:
            try:
                near[each.profile.name] = simulated_fidelity(program, each.profile)
            except InputError as error:
                say(f"not simulated: {error}")
    return near


def _program(
    path: Path, family: str | None, layers: int, limits: dict[str, Any]
) -> tuple[Circuit | None, Need]:
    """The circuit in a file, if it is one, and what the file asks."""
    from qupel.backends.advice.need import Need
    from qupel.model.circuit import Circuit

    read = read_program(path, family)
    if isinstance(read, Circuit):
        return read, Need.of_circuit(read, **limits)
    return None, Need.of_form(read, layers=layers, **limits)


def _counted(
    qubits: int | None, depth: int | None, gates: int | None, couplings: int | None, layers: int,
    limits: dict[str, Any],
) -> Need:  # fmt: skip
    from qupel.backends.advice.need import Need

    if qubits is None:
        raise InputError("give a file, or --qubits with --depth and --two-qubit-gates")
    if couplings is None:
        return Need(qubits, depth=depth or 1, two_qubit_gates=gates or 0, **limits)
    if depth is not None or gates is not None:
        raise InputError("--couplings tells of a form, --depth and --two-qubit-gates of a circuit")
    return Need.of_couplings(qubits, couplings, layers=layers, **limits)


def _today() -> date:
    return datetime.now(UTC).date()
