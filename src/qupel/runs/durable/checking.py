"""What can be known to be wrong with a pipeline before it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from qupel.errors import InputError, QupelError, unknown_name
from qupel.runs.durable.kinds import Kind, kinds
from qupel.runs.durable.pipeline import ROLES, Fault, Pipeline, Stage
from qupel.runs.durable.ports import Port

#: Roles that stay classical: they must work whatever becomes of a quantum service.
CLASSICAL_ROLES = ("ingest", "features", "governance", "inference", "scoring", "routing", "audit")
#: Roles that must not wait for a quantum stage: models answer at once.
SYNCHRONOUS_ROLES = ("inference", "scoring")
#: Kinds that may run quantum programs: one orders through the ledger and passes its gates, the
#: other runs them on this machine's own simulators, which cost nothing.
QUANTUM_KINDS = ("quantum", "solve")


def faults(pipeline: Pipeline) -> list[Fault]:
    """Everything wrong with a pipeline, stage by stage; empty if it may run."""
    found: list[Fault] = []
    prepared: dict[str, tuple[Stage, Kind, Any]] = {}
    for stage in pipeline.stages:
        wrong = list(_of_stage(stage))
        found += wrong
        if not wrong:
            kind = kinds()[stage.kind]
            prepared[stage.name] = (stage, kind, kind.settings.model_validate(dict(stage.settings)))
    for stage, kind, settings in prepared.values():
        found += _of_needs(pipeline, stage, kind.inputs(settings), prepared)
    found += _cycles(pipeline)
    if not found:
        for stage, kind, settings in prepared.values():
            found += _of_placement(pipeline, stage, kind, settings)
    order = [stage.name for stage in pipeline.stages]
    return sorted(found, key=lambda fault: order.index(fault.stage) if fault.stage else -1)


def check(pipeline: Pipeline) -> Pipeline:
    """Return the pipeline; `InputError` with every fault if it may not run."""
    if found := faults(pipeline):
        raise InputError("\n".join(f"pipeline {pipeline.name!r}: {fault}" for fault in found))
    return pipeline


def role_of(stage: Stage) -> str:
    """What a stage is for: what it says, else what its kind usually is for."""
    return stage.role or kinds()[stage.kind].role


def _of_stage(stage: Stage) -> Iterator[Fault]:
    """Kind, role and settings."""
    known = kinds()
    if stage.kind not in known:
        yield Fault(stage.name, "kind", str(unknown_name("kind of stage", stage.kind, known)))
        return
    if stage.role and stage.role not in ROLES:
        yield Fault(stage.name, "role", str(unknown_name("role", stage.role, ROLES)))
    kind = known[stage.kind]
    try:
        settings = kind.settings.model_validate(dict(stage.settings))
    except ValidationError as error:
        for problem in error.errors():
            yield _setting_fault(stage, kind, problem)
        return
    try:
        kind.inputs(settings)
        kind.outputs(settings)
        wrong = kind.faults(settings)
    except QupelError as error:
        wrong = [("inputs and outputs", str(error))]
    for field, message in wrong:
        yield Fault(stage.name, field, message)


def _setting_fault(stage: Stage, kind: Kind, problem: Any) -> Fault:
    where = ".".join(str(part) for part in problem["loc"])
    fields = [field.alias or name for name, field in kind.settings.model_fields.items()]
    if problem["type"] == "missing":
        return Fault(stage.name, where, f"is missing; stages of the kind {stage.kind!r} need it")
    if problem["type"] == "extra_forbidden" and not fields:
        return Fault(stage.name, where, f"stages of the kind {stage.kind!r} have no settings")
    if problem["type"] == "extra_forbidden" and len(problem["loc"]) == 1:
        return Fault(stage.name, where, str(unknown_name("setting", where, fields)))
    said = problem["msg"][0].lower() + problem["msg"][1:]
    return Fault(stage.name, where, f"got {problem['input']!r:.60}; {said}")


def _of_needs(
    pipeline: Pipeline,
    stage: Stage,
    inputs: Mapping[str, Port] | None,
    prepared: Mapping[str, tuple[Stage, Kind, Any]],
) -> Iterator[Fault]:
    """Ports that are missing, unknown, or fed with something of another type."""
    names = [known.name for known in pipeline.stages]
    if inputs is not None:
        for port in inputs:
            if port not in stage.needs:
                yield Fault(
                    stage.name, "needs", f"input {port!r} is missing; say which stage gives it"
                )
    for port, (source, output) in stage.sources().items():
        field = f"needs.{port}"
        if inputs is not None and port not in inputs:
            yield Fault(stage.name, field, str(unknown_name("input", port, inputs)))
            continue
        if source not in names:
            yield Fault(stage.name, field, str(unknown_name("stage", source, names)))
            continue
        if source not in prepared:
            continue  # its own faults are told already
        _, kind, settings = prepared[source]
        outputs = kind.outputs(settings)
        if output and output not in outputs:
            yield Fault(
                stage.name, field, str(unknown_name(f"output of {source!r}", output, outputs))
            )
            continue
        if not output and len(outputs) > 1:
            yield Fault(
                stage.name,
                field,
                f"stage {source!r} has the outputs {', '.join(outputs)}; say {source}.<output>",
            )
            continue
        given = outputs[output] if output else next(iter(outputs.values()))
        if inputs is not None and not inputs[port].takes(given):
            able = _givers(inputs[port], prepared)
            remedy = f"; {inputs[port]} is given by {', '.join(able)}" if able else ""
            yield Fault(
                stage.name,
                field,
                f"wants {inputs[port]}, and stage {source!r} gives {given}{remedy}",
            )


def _givers(wanted: Port, prepared: Mapping[str, tuple[Stage, Kind, Any]]) -> list[str]:
    """Outputs of a port's own type, by the names under which `needs` tells of them."""
    found = []
    for name, (_, kind, settings) in prepared.items():
        outputs = kind.outputs(settings)
        for output, port in outputs.items():
            if wanted.name and wanted.name == port.name:
                found.append(f"{name}.{output}" if len(outputs) > 1 else name)
    return found


def _cycles(pipeline: Pipeline) -> Iterator[Fault]:
    names = {stage.name for stage in pipeline.stages}
    for stage in pipeline.stages:
        if {source for source, _ in stage.sources().values()} - names:
            return  # an unknown stage is told already
    done = {stage.name for stage in pipeline.in_order()}
    left = [stage.name for stage in pipeline.stages if stage.name not in done]
    ring = [name for name in left if name in pipeline.before(name)]
    if ring:
        waits = " -> ".join(_ring(pipeline, ring[0]))
        yield Fault(ring[0], "needs", f"waits for itself: {waits}; take one of these needs away")


def _ring(pipeline: Pipeline, name: str) -> list[str]:
    """Stages from ``name`` back to it, each needing the next."""
    paths = [[name]]
    while paths:
        path = paths.pop(0)
        for source, _ in pipeline.stage(path[-1]).sources().values():
            if source == name:
                return [*path, name]
            if source not in path:
                paths.append([*path, source])
    return [name]


def _of_placement(pipeline: Pipeline, stage: Stage, kind: Kind, settings: Any) -> Iterator[Fault]:
    """Quantum stages without label or fallback, or where none may stand."""
    quantum = kind.uses_quantum(settings)
    if quantum and not stage.quantum:
        yield Fault(
            stage.name, "quantum", "runs quantum programs and does not say so; add quantum: true"
        )
    if stage.quantum and stage.kind not in QUANTUM_KINDS:
        yield Fault(
            stage.name,
            "quantum",
            f"a {stage.kind!r} stage runs no quantum program: it would pass no gate (canary, tier, "
            "approval, bound, breaker) and pay past the ledger; use the kind 'quantum' for what is "
            "ordered, or 'solve' for the simulators of this machine",
        )
        return
    if not (quantum or stage.quantum):
        return
    if not kind.has_fallback(settings):
        yield Fault(
            stage.name,
            "fallback",
            "a quantum stage needs a classical fallback, which answers when it cannot",
        )
    role = role_of(stage)
    if role in CLASSICAL_ROLES:
        yield Fault(
            stage.name,
            "role",
            f"a quantum stage may not be for {role!r} ({ROLES[role]}): that stays classical, so "
            f"that it works whatever becomes of the quantum service",
        )
    before = pipeline.before(stage.name)
    for other in pipeline.stages:
        if role_of(other) in SYNCHRONOUS_ROLES and stage.name in pipeline.before(other.name):
            yield Fault(
                other.name,
                "needs",
                f"{role_of(other)} would wait for the quantum stage {stage.name!r}; put quantum "
                f"after it, so that scores do not depend on a queue",
            )
    ahead = {
        other.name
        for other in pipeline.stages
        if role_of(other) == "governance" and stage.name not in pipeline.before(other.name)
    }
    if unseen := sorted(ahead - before):
        yield Fault(
            stage.name,
            "needs",
            f"stands before governance: it must need stage {unseen[0]!r}, near or far, so that "
            f"nothing leaves for a provider unchecked",
        )


def at_lines(found: list[Fault], line_of: Any) -> list[Fault]:
    """Return faults with the lines that ``line_of(stage, field)`` knows."""
    return [replace(fault, line=line_of(fault.stage, fault.field)) for fault in found]
