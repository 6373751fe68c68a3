"""Checks of backends: `qupel canary`, `parity`, `diagnose`, `drift` and `testline`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qupel.cli.amounts import money_in
from qupel.cli.exits import Exit
from qupel.cli.output import print_document, print_text, say
from qupel.cli.programs import read_circuit
from qupel.errors import InputError, NotReadyError

Name = Annotated[str, typer.Argument(help="Backend, as provider:device.")]
Program = Annotated[Path, typer.Argument(help="OpenQASM file.")]
Most = Annotated[
    str | None, typer.Option(help="What it may cost, such as '2.50 USD'; nothing by default.")
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of simulated backends.")]
#: Numbers of a range at most.
LONGEST = 10_000
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def canary(
    backend: Name,
    sizes: Annotated[
        str, typer.Option(help="Qubits of the programs: '1-20', or a few such as '2,5,20'.")
    ] = "1-20",
    shots: Annotated[int, typer.Option(min=10, help="Of each program.")] = 100,
    most: Most = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Tell what it would take, and order nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check a backend's bits and gates by known programs, which unlocks it; exit 24 if wrong."""
    from qupel.runs.checking import canary as checked
    from qupel.runs.checking import canary_cost

    chosen = sizes_in(sizes)
    if estimate:
        told = canary_cost(backend, sizes=chosen, shots=shots)
        cost = "nothing" if told.cost is None else f"at most {told.cost}"
        if as_json:
            print_document(
                {"backend": backend, "orders": told.orders, "shots": told.shots, "cost": cost}
            )
        else:
            print_text(f"{told.orders} orders, {told.shots} shots, {cost}")
        return
    report = checked(backend, sizes=chosen, shots=shots, most=money_in("--most", most))
    if as_json:
        print_document({"backend": backend, "passed": report.passed, **report.plain()})
    else:
        state = "passed" if report.passed else "FAILED"
        largest = max(report.sizes)
        print_text(f"{backend}: {state}, {report.orders} orders of up to {largest} qubits")
        for finding in report.findings:
            where = "in a batch" if finding.batch else "alone"
            print_text(f"  {finding.fault} ({finding.program}, {where}): {finding.text}")
        if report.skipped:
            say(f"not run, since the backend refuses them: {'; '.join(report.skipped)}")
        if report.billed is not None:
            say(f"billed so far: {report.billed}")
    if not report.passed:
        raise typer.Exit(Exit.ALARM)


def parity(
    program: Program,
    first: Annotated[str, typer.Argument(help="Emulator or simulator, as provider:device.")],
    second: Annotated[str, typer.Argument(help="The device, or its model.")],
    limit: Annotated[
        float, typer.Option(help="Total variation distance from which on they diverge.")
    ] = 0.1,
    shots: Annotated[int, typer.Option(min=1, help="On each backend.")] = 4000,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Compare what two free backends read of one circuit; exit 24 if they diverge."""
    from qupel.backends.checks.parity import check_parity
    from qupel.backends.registry import backend_named

    found = check_parity(
        read_circuit(program),
        backend_named(first),
        backend_named(second),
        limit=limit,
        shots=shots,
        seed=seed,
    )
    if as_json:
        print_document(
            {
                "first": first,
                "second": second,
                "distance": found.distance,
                "floor": found.floor,
                "slack": found.slack,
                "limit": found.limit,
                "shots": list(found.shots),
                "flagged": found.flagged,
                "agreement": str(found.agreement),
            }
        )
    else:
        print_text(str(found))
    if found.flagged:
        raise typer.Exit(Exit.ALARM)


def diagnose(
    program: Program,
    device: Annotated[str, typer.Option(help="Profile whose noise is tried; see `qupel devices`.")],
    right: Annotated[
        list[str], typer.Option(help="Outcome that is right, qubit 0 first, such as 0011.")
    ],
    wanted: Annotated[float, typer.Option(help="Share of right shots that is good enough.")] = 0.8,
    shots: Annotated[int, typer.Option(min=1, help="In each arm.")] = 4000,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Tell whether a circuit fails by itself, by noise, or once compiled; exit 24 if it fails."""
    from qupel.backends.catalogue.listing import profile_named
    from qupel.backends.checks.diagnosis import Cause, one_of
    from qupel.backends.checks.diagnosis import diagnose as diagnosed

    outcomes = [bits_in(text) for text in right]
    circuit = read_circuit(program)
    width = circuit.qubits if circuit.measured is None else len(circuit.measured)
    if any(len(bits) != width for bits in outcomes):
        raise InputError(f"--right: an outcome of this circuit has {width} bits, got {right}")
    found = diagnosed(
        circuit, one_of(*outcomes), wanted, profile_named(device), shots=shots, seed=seed
    )
    if as_json:
        print_document(
            {
                "cause": str(found.cause),
                "advice": found.advice,
                "wanted": wanted,
                "arms": [
                    {
                        "name": arm.name,
                        "evidence": str(arm.evidence),
                        "score": arm.score,
                        "low": arm.low,
                        "high": arm.high,
                        "passed": arm.passed,
                    }
                    for arm in found.arms
                ],
            }
        )
    else:
        words = {True: "passes", False: "fails", None: "unclear"}
        for arm in found.arms:
            print_text(
                f"{arm.name:<11}  {arm.score:.2%} right ({arm.low:.2%} to {arm.high:.2%})  "
                f"{words[arm.passed]}"
            )
        print_text(f"{found.cause}: {found.advice}")
    if found.cause not in {Cause.NONE, Cause.WRITTEN}:
        raise typer.Exit(Exit.ALARM)


def drift(
    backend: Name,
    qubits: Annotated[int, typer.Option(min=2, help="Of the smoke circuits.")] = 3,
    shots: Annotated[int, typer.Option(min=1, help="Of each circuit.")] = 500,
    baseline: Annotated[int, typer.Option(min=1, help="Runs of the baseline.")] = 24,
    rise: Annotated[
        float, typer.Option(help="Factor on the odds of a failure that is found soonest.")
    ] = 1.5,
    run_length: Annotated[
        float, typer.Option(help="Mean number of runs until a false alarm, at least.")
    ] = 2000.0,
    anew: Annotated[
        bool, typer.Option("--anew", help="Begin a new baseline; older runs are kept aside.")
    ] = False,
    most: Most = None,
    as_json: AsJson = False,
) -> None:
    """Run a backend's smoke circuits once and look for drift since the baseline; exit 24 on alarm.

    Call it on schedule, every hour say; the first runs are the baseline, if the device's profile
    can explain them.
    """
    from dataclasses import asdict

    from qupel.runs.checking import watch

    found = watch(
        backend,
        qubits=qubits,
        shots=shots,
        baseline=baseline,
        rise=rise,
        run_length=run_length,
        anew=anew,
        most=money_in("--most", most),
    )
    if as_json:
        print_document({"backend": backend, **asdict(found)})
    else:
        failures = ", ".join(f"{name} {count}" for name, count in found.run.failures.items())
        print_text(f"failures of {shots} shots: {failures}")
        if found.run_length is None:
            print_text(f"run {found.baseline} of {found.needed} of the baseline")
        for alarm in found.alarms:
            print_text(f"ALARM {alarm}")
        if found.run_length is not None and not found.alarms:
            print_text(f"no drift; a false alarm in one of {found.run_length:.0f} runs at most")
    if found.alarms:
        raise typer.Exit(Exit.ALARM)


def line(
    program: Program,
    device: Annotated[str, typer.Option(help="Profile that tells the noise.")],
    outcome: Annotated[
        list[str],
        typer.Option(help="Right outcome, qubit 0 first, and its probability: 000=0.5; repeat."),
    ],
    backend: Annotated[
        str, typer.Option(help="The device as a backend; by default the profile's model.")
    ] = "",
    wanted: Annotated[float, typer.Option(help="Least share of right shots without noise.")] = 0.99,
    wanted_noisy: Annotated[float, typer.Option(help="Least share with noise.")] = 0.8,
    limit: Annotated[
        float, typer.Option(help="Total variation distance from which on device and model diverge.")
    ] = 0.1,
    baseline: Annotated[int, typer.Option(min=1, help="Smoke runs of the baseline.")] = 24,
    shots: Annotated[int, typer.Option(min=1, help="Of the circuit, at each step.")] = 4000,
    seed: Seed = 0,
    most: Most = None,
    as_json: AsJson = False,
) -> None:
    """Walk a circuit from unit test to release, or to the fallback (exit 24).

    The smoke runs are those that `qupel drift` kept; without them only the steps on this machine
    are walked (exit 7).
    """
    from qupel.backends.catalogue.listing import profile_named
    from qupel.backends.checks.test_line import Verdict
    from qupel.runs.checking import release_line

    report = release_line(
        read_circuit(program),
        outcomes_in(outcome),
        profile_named(device),
        name=backend,
        wanted=(wanted, wanted_noisy),
        baseline=baseline,
        limit=limit,
        shots=shots,
        seed=seed,
        most=money_in("--most", most),
    )
    if as_json:
        print_document(
            {
                "verdict": str(report.verdict),
                "caught": None if report.caught is None else str(report.caught),
                "unclear": None if report.unclear is None else str(report.unclear),
                "missing": report.missing or None,
                "steps": [
                    {"step": str(step.step), "passed": step.passed, "text": step.text}
                    for step in report.steps
                ],
            }
        )
    else:
        words = {True: "ok  ", False: "FAIL", None: "unclear"}
        for step in report.steps:
            print_text(f"{words[step.passed]}  {step.step}: {step.text}")
        if not report.missing:
            print_text(str(report.verdict))
    if report.missing:
        raise NotReadyError(f"not released yet: {report.missing}")
    if report.verdict is Verdict.FALLBACK:
        raise typer.Exit(Exit.ALARM)


def sizes_in(text: str) -> list[int]:
    """Numbers in a list of numbers and ranges.

    >>> sizes_in("1-3,8")
    [1, 2, 3, 8]
    """
    found: list[int] = []
    for part in text.split(","):
        low, dash, high = part.strip().partition("-")
        if not low.isdecimal() or (dash and not high.isdecimal()):
            raise InputError(f"--sizes {text!r}: write numbers and ranges, such as '1-5,20'")
        first, last = int(low), int(high or low)
        if not first <= last < first + LONGEST:
            raise InputError(
                f"--sizes {text!r}: {part.strip()!r} must be a range that rises, of up to "
                f"{LONGEST} numbers"
            )
        found += range(first, last + 1)
    return found


def bits_in(text: str) -> tuple[int, ...]:
    """Bits of an outcome."""
    if not text or set(text) - {"0", "1"}:
        raise InputError(f"an outcome is a row of 0 and 1, qubit 0 first, got {text!r}")
    return tuple(map(int, text))


def outcome_in(text: str) -> tuple[tuple[int, ...], float]:
    """Bits and probability of an outcome such as ``000=0.5``."""
    bits, equals, chance = text.partition("=")
    try:
        probability = float(chance)
    except ValueError:
        equals = ""
    if not equals:
        raise InputError(f"--outcome {text!r}: write bits, '=', and a probability, such as 000=0.5")
    if not 0 <= probability <= 1:
        raise InputError(f"--outcome {text!r}: a probability is from 0 to 1, got {chance}")
    return bits_in(bits), probability


def outcomes_in(texts: list[str]) -> dict[tuple[int, ...], float]:
    """Probability of each outcome, each named once."""
    found: dict[tuple[int, ...], float] = {}
    for text in texts:
        bits, chance = outcome_in(text)
        if bits in found:
            raise InputError(f"--outcome: {''.join(map(str, bits))} is named twice; name it once")
        found[bits] = chance
    return found
