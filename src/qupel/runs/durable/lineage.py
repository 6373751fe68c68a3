"""Where results come from: inputs, versions, code and seeds, and a replay from the log alone."""

from __future__ import annotations

import base64
import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qupel.errors import InputError, QupelError
from qupel.runs.difference import largest_difference
from qupel.runs.durable.consistency import consistent
from qupel.runs.durable.hands import Hands
from qupel.runs.durable.host import key_of
from qupel.runs.durable.kinds import Given, Made, kind_named, settings_of
from qupel.runs.durable.log import RunLog
from qupel.runs.durable.pipeline import Pipeline, Stage
from qupel.runs.durable.quantum import Quantum
from qupel.runs.identity import digest
from qupel.runs.provenance import revision, versions
from qupel.runs.streams import Streams

if TYPE_CHECKING:
    from qupel.runs.durable.run import StageRow
    from qupel.runs.ledger import Ledger

#: Version of the document that `log_document` gives.
SCHEMA = 1


def lineage(log: RunLog, run_id: str, stage: str | None = None) -> dict[str, Any]:
    """Return what a run, or one stage of it, was made from.

    Parameters
    ----------
    stage
        Only this stage and those it needs, near and far; all of them if None.

    Returns
    -------
    Plain data: the run with its data snapshots, code revision, environment and parameters, and
    for every stage its state, seed, inputs with the stage that made each, outputs, attempts and
    facts.
    """
    run = log.run(run_id)
    pipeline = run.pipeline
    wanted = {s.name for s in pipeline.stages}
    if stage is not None:
        pipeline.stage(stage)
        wanted = {stage, *pipeline.before(stage)}
    rows = {row.stage: row for row in log.stages(run.id) if row.stage in wanted}
    stages = {}
    for name, row in rows.items():
        made_by = {port: source for port, (source, _) in pipeline.stage(name).sources().items()}
        stages[name] = {
            "kind": pipeline.stage(name).kind,
            "state": row.state,
            "why": row.why,
            "key": row.key,
            "seed": Streams(pipeline.seed).stage_seed(name),
            "inputs": {
                port: {"hash": hashed, "stage": made_by[port]}
                for port, hashed in row.inputs.items()
            },
            "outputs": dict(row.outputs),
            "reused": row.reused,
            "attempts": row.attempts,
            "executor": row.executor,
            "started": row.started,
            "ended": row.ended,
            "job": row.job,
            "facts": dict(row.facts),
        }
    return {
        "kind": "run",
        "id": run.id,
        "of": run.name,
        "run": run.id,
        "pipeline": run.name,
        "state": run.state,
        "created": run.created,
        "ended": run.ended,
        "owner": pipeline.owner,
        "data": _data(pipeline, rows),
        "code": {"revision": run.revision, "definition_hash": run.hash},
        "environment": {
            "versions": dict(run.versions),
            "machine": _machines(rows.values()),
        },
        "parameters": {"seed": pipeline.seed, "definition": dict(run.definition)},
        "published": [
            hashed
            for row in rows.values()
            if pipeline.stage(row.stage).kind == "export"
            for hashed in row.outputs.values()
        ],
        "jobs": [row.job for row in rows.values() if row.job],
        "seed": pipeline.seed,
        "definition_hash": run.hash,
        "versions": dict(run.versions),
        "revision": run.revision,
        "stages": stages,
    }


def _data(pipeline: Pipeline, rows: Mapping[str, StageRow]) -> list[dict[str, Any]]:
    """What came from outside: a line for each file that was read."""
    return [
        {
            "what": f"{port} of stage {name!r}",
            "hash": hashed,
            "source": row.facts.get("path", ""),
            "source_sha256": row.facts.get("sha256", ""),
            "kept": True,
        }
        for name, row in rows.items()
        if pipeline.stage(name).kind == "load"
        for port, hashed in row.outputs.items()
    ]


def _machines(rows: Iterable[StageRow]) -> dict[str, str]:
    """What the stages ran on: one machine, or all that differ, joined."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for name, said in row.facts.get("machine", {}).items():
            found.setdefault(name, {})[said] = None
    return {name: " | ".join(said) for name, said in found.items()}


def log_document(log: RunLog, run_id: str, ledger: Ledger | None = None) -> dict[str, Any]:
    """Return all that a replay needs: the lineage, the definition, and what came from outside.

    That is what ``load`` stages read and what backends measured. What the other stages gave is in
    it too, so that a replay can say by how much another machine differs.
    """
    run = log.run(run_id)
    found = lineage(log, run.id)
    values: dict[str, Any] = {}
    results: dict[str, str] = {}
    for stage in run.pipeline.stages:
        row = found["stages"][stage.name]
        values |= {hashed: log.value(hashed) for hashed in row["outputs"].values()}
        if row["job"] and ledger is not None:
            results[stage.name] = _encoded_result(ledger, row["job"])
    return {
        "log": SCHEMA,
        **found,
        "definition": dict(run.definition),
        "folder": str(run.folder),
        "path": list(run.path),
        "values": values,
        "results": {name: held for name, held in results.items() if held},
    }


@dataclass(frozen=True, slots=True)
class Replayed:
    """One stage, done again.

    Attributes
    ----------
    stage, kind
        Which.
    equal
        Whether every output has the hash that the log has; None if it was not done again.
    logged, found
        Hash of each output, then and now.
    why
        Why it differs or was not done again, as far as that is known.
    largest
        Largest difference of two numbers in its outputs, relative to the larger of them but at
        least to 1; infinite where something else differs.
    """

    stage: str
    kind: str
    equal: bool | None
    logged: Mapping[str, str]
    found: Mapping[str, str]
    why: str = ""
    largest: float = 0.0

    def within(self, tolerance: float) -> bool:
        """Whether it is equal, within a tolerance, or was not done again."""
        return self.equal is not False or self.largest <= tolerance


def replay(document: Mapping[str, Any], folder: Path | None = None) -> list[Replayed]:
    """Do every stage of a log again, from the log alone; compare what it gives, hash by hash.

    No database, no source file and no provider is asked: data and measurements are the log's.

    Parameters
    ----------
    document
        What `log_document` gave.
    folder
        Where files are written, unless where the run wrote them; ``export`` stages are left out
        if None.

    Raises
    ------
    InputError
        If it is no log of this version, is damaged or contradicts itself.
    """
    if document.get("log") != SCHEMA:
        raise InputError(f"this is no log of version {SCHEMA}; make one with: pipeline show --log")
    pipeline = consistent(document)
    for place in reversed(document["path"]):
        if place not in sys.path:
            sys.path.insert(0, place)
    values: dict[tuple[str, str], Any] = {}
    with Hands() as hands:
        return [
            _again(document, pipeline, stage, values, hands, folder)
            for stage in pipeline.in_order()
        ]


def _again(
    document: Mapping[str, Any],
    pipeline: Pipeline,
    stage: Stage,
    values: dict[tuple[str, str], Any],
    hands: Hands,
    folder: Path | None,
) -> Replayed:
    logged = document["stages"][stage.name]
    told = partial(Replayed, stage.name, stage.kind)
    if logged["state"] not in ("done", "fallback"):
        return told(None, {}, {}, f"it was {logged['state']}")
    if stage.kind == "export" and folder is None:
        return told(None, logged["outputs"], {}, "files are not written again")
    try:
        inputs = {
            port: values[source, output or _only(document, source)]
            for port, (source, output) in stage.sources().items()
        }
    except KeyError as error:
        return told(None, logged["outputs"], {}, f"stage {error.args[0][0]!r} gave nothing")
    given = Given(stage, inputs, pipeline.seed, folder or Path(document["folder"]), hands)
    try:
        made = _made(document, stage, given)
    except (QupelError, ArithmeticError, LookupError, TypeError, ValueError, OSError) as error:
        return told(False, logged["outputs"], {}, f"{type(error).__name__}: {error}", math.inf)
    for port, value in made.outputs.items():
        values[stage.name, port] = value
    hashes = {port: digest(value) for port, value in made.outputs.items()}
    if hashes == logged["outputs"]:
        return told(True, logged["outputs"], hashes)
    then = {port: document["values"].get(hashed) for port, hashed in logged["outputs"].items()}
    largest = largest_difference(then, dict(made.outputs))
    return told(False, logged["outputs"], hashes, _reason(document, stage, given), largest)


def environment_changes(document: Mapping[str, Any]) -> list[str]:
    """What of code and versions is another here than where a log was written."""
    here = versions()
    changed = [
        f"{name} was {then}, is {here.get(name, 'not there')}"
        for name, then in document["versions"].items()
        if here.get(name) != then
    ]
    if document["revision"] != revision():
        changed.append(f"code was {_short(document['revision'])}, is {_short(revision())}")
    return changed


def _short(found: str) -> str:
    """Revision in short, with whether the code was changed since."""
    commit, _, changed = found.partition("+")
    return f"{commit[:12]} (changed)" if changed else commit[:12]


def _made(document: Mapping[str, Any], stage: Stage, given: Given) -> Made:
    logged = document["stages"][stage.name]
    if stage.kind == "load":
        return Made({port: document["values"][h] for port, h in logged["outputs"].items()})
    settings = settings_of(stage)
    if stage.kind != "quantum":
        return kind_named(stage.kind).run(given, settings)
    if logged["state"] == "fallback":
        return Quantum().fall_back(given, settings, logged["why"])
    from qupel.runs.ledger.payloads import result_from

    return Quantum().finish(
        given, settings, result_from(base64.b64decode(document["results"][stage.name]))
    )


def _reason(document: Mapping[str, Any], stage: Stage, given: Given) -> str:
    """Why a stage gives something else than it gave, as far as it can be told."""
    changed = environment_changes(document)
    kind, settings = kind_named(stage.kind), settings_of(stage)
    hashes = {port: digest(value) for port, value in given.inputs.items()}
    logged = document["stages"][stage.name]
    if hashes != {port: held["hash"] for port, held in logged["inputs"].items()}:
        changed.append("its inputs differ")
    elif not changed and key_of(given.seed, stage, kind.code(settings), hashes) != logged["key"]:
        changed.append("the code that it calls has changed")
    return "; ".join(changed) or "it does not give the same twice: does it end by the clock?"


def _only(document: Mapping[str, Any], source: str) -> str:
    return next(iter(document["stages"][source]["outputs"]), "")


def _encoded_result(ledger: Ledger, job_id: str) -> str:
    from qupel.runs.ledger.payloads import result_bytes

    result = ledger.result(job_id)
    return "" if result is None else base64.b64encode(result_bytes(result)).decode()
