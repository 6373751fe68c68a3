"""Whether a run's log agrees with itself: what it says twice, and every hash of what it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from qupel.errors import InputError
from qupel.runs.durable.pipeline import Pipeline
from qupel.runs.identity import digest
from qupel.runs.streams import Streams

#: What a log holds, and as what.
_PARTS = {
    "definition": dict,
    "stages": dict,
    "values": dict,
    "results": dict,
    "versions": dict,
    "path": list,
    "folder": str,
    "revision": str,
    "definition_hash": str,
    "code": dict,
    "environment": dict,
    "parameters": dict,
}
#: States of a stage that gave something.
_GAVE = ("done", "fallback")


def consistent(document: Mapping[str, Any]) -> Pipeline:
    """Return the pipeline of a log that agrees with itself.

    Raises
    ------
    InputError
        If a part is missing or damaged, or something in it was changed after it was written.
    """
    try:
        pipeline = _pipeline(document)
        faults = list(_faults(document, pipeline))
    except InputError:
        raise
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise InputError(f"the log is damaged: {type(error).__name__}: {error}") from error
    if faults:
        more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""
        raise InputError(f"the log contradicts itself: {'; '.join(faults[:3])}{more}")
    return pipeline


def _pipeline(document: Mapping[str, Any]) -> Pipeline:
    for name, kind in _PARTS.items():
        if not isinstance(document.get(name), kind):
            raise InputError(f"the log is damaged: {name} is missing, or no {kind.__name__}")
    for name, held in document["definition"]["stages"].items():
        if not isinstance(held, dict):
            raise InputError(f"the log is damaged: definition of stage {name!r} is no dict")
    return Pipeline.from_document(document["definition"])


def _faults(document: Mapping[str, Any], pipeline: Pipeline) -> Iterator[str]:
    logged: Mapping[str, Any] = document["stages"]
    for hashed, value in document["values"].items():
        if digest(value) != hashed:
            yield f"value {hashed[:12]} is not what its hash says"
    names = {stage.name for stage in pipeline.stages}
    if not names or names != set(logged):
        yield f"its stages are {sorted(logged)}, those of its definition {sorted(names)}"
        return
    if len(list(pipeline.in_order())) != len(names):
        yield "stages of its definition need others that are not there, or each other"
        return
    if pipeline.hash() != document["definition_hash"]:
        yield "its definition is not what definition_hash says"
    yield from _said_twice(document, pipeline)
    for stage in pipeline.stages:
        held = logged[stage.name]
        if held["outputs"] and held["state"] not in _GAVE:
            yield f"stage {stage.name!r} was {held['state']}, with outputs {held['outputs']}"
        if (held["kind"], held["seed"]) != (
            stage.kind,
            Streams(pipeline.seed).stage_seed(stage.name),
        ):
            yield f"stage {stage.name!r}: kind or seed is not that of the definition"
        yield from _misfed(logged, held, stage.name, stage.sources())
        for port, hashed in held["outputs"].items():
            if hashed not in document["values"]:
                yield f"output {port!r} of stage {stage.name!r} is not in the log"


def _misfed(
    logged: Mapping[str, Any],
    held: Mapping[str, Any],
    name: str,
    sources: Mapping[str, tuple[str, str]],
) -> Iterator[str]:
    """Inputs of a stage that are not what the stages before it gave."""
    if held["state"] in _GAVE and set(held["inputs"]) != set(sources):
        yield f"stage {name!r} has the inputs {sorted(held['inputs'])}, not {sorted(sources)}"
    for port, given in held["inputs"].items():
        source, output = sources.get(port, ("", ""))
        gave = logged[source]["outputs"] if source in logged else {}
        output = output or next(iter(gave), "")
        if (given["stage"], given["hash"]) != (source, gave.get(output)):
            yield f"input {port!r} of stage {name!r} is not what stage {source!r} gave"


def _said_twice(document: Mapping[str, Any], pipeline: Pipeline) -> Iterator[str]:
    """Fields that repeat another one and differ from it."""
    states = {held["state"] for held in document["stages"].values()}
    jobs = [held["job"] for held in document["stages"].values() if held["job"]]
    expected = {
        "run": document["id"],
        "of": pipeline.name,
        "pipeline": pipeline.name,
        "owner": pipeline.owner,
        "seed": pipeline.seed,
        "code": {"revision": document["revision"], "definition_hash": document["definition_hash"]},
        "parameters": {"seed": pipeline.seed, "definition": document["definition"]},
        "jobs": jobs,
    }
    for name, value in expected.items():
        if document[name] != value:
            yield f"{name} is {document[name]!r:.40}, by the rest of the log {value!r:.40}"
    if document["environment"]["versions"] != document["versions"]:
        yield "environment and versions differ"
    if document["state"] == "done" and not states <= set(_GAVE) | {"skipped"}:
        yield f"the run was done, its stages were {sorted(states)}"
