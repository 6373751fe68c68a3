"""What must hold before a pilot may run, beyond what its file's schema says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from qupel.errors import ContractError, InputError
from qupel.pilots.charter import Arm, Charter
from qupel.pilots.pilot_file import Fault, PilotFileError, line_of
from qupel.pilots.plan import contract_of
from qupel.problems.registry import family
from qupel.runs.contract import Contract
from qupel.solvers.registry import fitting, solver_for, takes


def check_ready(charter: Charter, path: Path) -> None:
    """Check names, settings, senses and baselines of the charter read from ``path``.

    Raises
    ------
    PilotFileError
        With every fault and its line.
    """
    faults = [
        Fault(line_of(path, where), ".".join(map(str, where)), message)
        for where, message in _faults(charter)
    ]
    if faults:
        raise PilotFileError(path, sorted(faults, key=lambda fault: fault.line))


def _faults(charter: Charter) -> Iterator[tuple[tuple[str | int, ...], str]]:
    try:
        chosen = family(charter.family)
    except InputError as error:
        yield ("family",), str(error)
        return
    if chosen.sense != charter.kpi.direction:
        yield (
            ("kpi", "direction"),
            f"got {charter.kpi.direction!r}, but family {charter.family!r} is judged by "
            f"{chosen.sense!r}",
        )
    for index, arm in enumerate(charter.arms):
        fault = _arm_fault(arm, charter.family, contract_of(charter))
        if fault:
            yield ("arms", index, fault[0]), fault[1]
    fault = _arm_fault(
        Arm(
            name="fallback",
            kind="classical",
            solver=charter.fallback.solver,
            settings=charter.fallback.settings,
        ),
        charter.family,
        Contract(),
    )
    if fault:
        yield ("fallback", fault[0]), fault[1]
    if not any(arm.solver in chosen.baselines for arm in charter.arms):
        yield (
            ("arms",),
            f"no strong baseline: family {charter.family!r} needs an arm with one of "
            f"{', '.join(chosen.baselines)}",
        )


def _arm_fault(arm: Arm, family_name: str, contract: Contract) -> tuple[str, str] | None:
    """The field of an arm that is wrong, and what is wrong with it."""
    chosen = family(family_name)
    try:
        if not takes(arm.solver, chosen):
            return "solver", (
                f"{arm.solver!r} cannot take a {family_name} problem; `qupel solvers` shows "
                "which can"
            )
        made = fitting(arm.solver, chosen)
    except InputError as error:
        return "solver", str(error)
    kind = getattr(made, "kind", arm.kind)
    if arm.kind != "status quo" and kind not in (arm.kind, "status quo"):
        return "kind", f"got {arm.kind!r}, but {arm.solver!r} is {kind}"
    try:
        contract.check_solver(solver_for(arm.solver, chosen, arm.settings))
        for name, values in arm.tune.items():
            if not values:
                return "tune", f"{name} has no value to try"
            for value in values:
                contract.check_solver(solver_for(arm.solver, chosen, {**arm.settings, name: value}))
    except (InputError, ContractError, TypeError, ValueError) as error:
        return "settings", str(error)
    return None
