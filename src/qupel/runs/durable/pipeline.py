"""Pipelines: stages that hand typed values on, as a graph.

A pipeline is plain data, from a YAML file or from Python, and is checked as a whole before
anything runs: `Pipeline.faults` names the stage and field of everything wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from qupel.errors import InputError
from qupel.runs.identity import digest

#: What a stage is for. Where quantum may stand depends on it.
ROLES = {
    "ingest": "reads data",
    "features": "computes features",
    "governance": "checks that the data may be used, or the answer be released",
    "inference": "applies a model to data",
    "scoring": "scores or ranks candidates",
    "routing": "chooses who answers",
    "decision": "finds an answer",
    "audit": "writes down what was done",
    "publish": "hands the answer out",
    "other": "anything else",
}


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """One step of a pipeline.

    Attributes
    ----------
    name
        Unique within the pipeline.
    kind
        ``load``, ``solve``, ``quantum``, ``judge``, ``function`` or ``export``.
    needs
        For each input port where its value comes from: ``stage``, or ``stage.port`` if that
        stage has several outputs.
    settings
        What the kind asks for.
    role
        What the stage is for, one of `ROLES`; its kind's usual one if empty.
    quantum
        The label of a stage that runs quantum programs; it must say so.
    readers
        People and roles who may read what it gave, where they are fewer than the pipeline's.
    """

    name: str
    kind: str
    needs: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    role: str = ""
    quantum: bool = False
    readers: tuple[str, ...] = ()

    def sources(self) -> dict[str, tuple[str, str]]:
        """Stage and port that each input comes from; the port is empty for the only output."""
        found = {}
        for port, source in self.needs.items():
            stage, _, output = source.partition(".")
            found[port] = (stage, output)
        return found

    def document(self) -> dict[str, Any]:
        """The stage as plain data."""
        document = {
            "kind": self.kind,
            "needs": dict(self.needs),
            "settings": dict(self.settings),
            "role": self.role,
            "quantum": self.quantum,
        }
        return {**document, "readers": list(self.readers)} if self.readers else document


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a pipeline.

    Attributes
    ----------
    stage
        Its stage, empty for the pipeline as a whole.
    field
        Where in the stage, dots between the names.
    message
        What is wrong, and how to mend it.
    line
        In the file it was read from, 0 without one.
    """

    stage: str
    field: str
    message: str
    line: int = 0

    def __str__(self) -> str:
        place = f"stage {self.stage!r}" if self.stage else "the pipeline"
        where = f"{place}, {self.field}" if self.field else place
        return (
            f"line {self.line}: {where}: {self.message}"
            if self.line
            else f"{where}: {self.message}"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Pipeline:
    """Stages by name.

    Attributes
    ----------
    name
        For lists and logs.
    stages
        In the order they were given; they run as soon as what they need is there.
    seed
        The one seed; every stage draws its own from it and its name.
    owner
        Person or role who may read its runs, and let others; who submits one if empty.
    readers
        Further people and roles who may read what its runs were given and gave.

    Raises
    ------
    InputError
        If a name is given twice, there are no stages, or the seed is no whole number from 0.
    """

    name: str
    stages: tuple[Stage, ...]
    seed: int = 0
    owner: str = ""
    readers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [stage.name for stage in self.stages]
        if not names:
            raise InputError(f"pipeline {self.name!r} has no stages")
        for name in names:
            if not name or "." in name or names.count(name) > 1:
                raise InputError(
                    f"pipeline {self.name!r}: a stage's name is unique and has no dot, got {name!r}"
                )
        if type(self.seed) is not int or not 0 <= self.seed < 2**53:
            raise InputError(f"a seed is a whole number from 0 and below 2**53, got {self.seed!r}")

    def stage(self, name: str) -> Stage:
        """Return the stage of a name."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise InputError(f"pipeline {self.name!r} has no stage {name!r}")

    def before(self, name: str) -> set[str]:
        """Names of all stages that a stage waits for, near and far."""
        found: set[str] = set()
        pending = [name]
        known = {stage.name for stage in self.stages}
        while pending:
            for source, _ in self.stage(pending.pop()).sources().values():
                if source in known and source not in found:
                    found.add(source)
                    pending.append(source)
        return found

    def after(self, name: str) -> set[str]:
        """Names of the stages that need an output of this one."""
        return {
            stage.name
            for stage in self.stages
            if name in {source for source, _ in stage.sources().values()}
        }

    def until(self, name: str) -> Self:
        """Return the pipeline of one stage and those it waits for.

        Results are found by content, so running it stage by stage computes nothing twice.
        """
        self.stage(name)
        wanted = {name, *self.before(name)}
        stages = tuple(stage for stage in self.stages if stage.name in wanted)
        return replace(self, stages=stages)

    def in_order(self) -> Iterator[Stage]:
        """Every stage after those it needs; without faults, all of them."""
        done: set[str] = set()
        waiting = list(self.stages)
        while waiting:
            ready = [s for s in waiting if {n for n, _ in s.sources().values()} <= done]
            if not ready:
                return
            for stage in ready:
                done.add(stage.name)
                waiting.remove(stage)
                yield stage

    def document(self) -> dict[str, Any]:
        """The pipeline as plain data."""
        document: dict[str, Any] = {
            "pipeline": self.name,
            "seed": self.seed,
            "stages": {stage.name: stage.document() for stage in self.stages},
        }
        if self.owner:
            document["owner"] = self.owner
        if self.readers:
            document["readers"] = list(self.readers)
        return document

    def hash(self) -> str:
        """Hash of all that is done, whoever may read it."""
        done = replace(
            self, owner="", readers=(), stages=tuple(replace(s, readers=()) for s in self.stages)
        )
        return digest(done.document())

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return the pipeline that `document` gave."""
        stages = tuple(
            Stage(name, **{**held, "readers": tuple(held.get("readers", ()))})
            for name, held in document["stages"].items()
        )
        owner, readers = document.get("owner", ""), tuple(document.get("readers", ()))
        return cls(document["pipeline"], stages, document["seed"], owner, readers)
