"""Versions of stages that order, and who approved them: somebody other than the owner."""

from __future__ import annotations

from dataclasses import replace

from qupel.errors import InputError
from qupel.runs.approvals import approve
from qupel.runs.database import Database
from qupel.runs.durable.pipeline import Pipeline, Stage
from qupel.runs.identity import digest


def version_of(pipeline: str, stage: Stage) -> str:
    """Hash of all that a stage may order, which is what is approved."""
    ordering = replace(stage, readers=()).document()  # who may read it orders nothing
    return digest({"pipeline": pipeline, "stage": stage.name, **ordering})


def program_version(pipeline: str, stage: Stage) -> str:
    """Hash of how a stage makes its programs, wherever they are run and whatever they cost.

    What a simulator has run of a version may go to hardware, as the ledger asks.
    """
    solver = stage.settings["solver"]
    if not isinstance(solver, str):
        solver = {key: value for key, value in solver.items() if key != "backend"}
    made = {"needs": dict(stage.needs), "solver": solver}
    return digest({"pipeline": pipeline, "stage": stage.name, **made})


def approve_stages(
    database: Database, pipeline: Pipeline, *, who: str, why: str, at: float
) -> list[str]:
    """Approve the quantum stages of a pipeline as they are written; return their names.

    Raises
    ------
    InputError
        If the pipeline has no owner or no quantum stage, or its owner approves.
    """
    stages = [stage for stage in pipeline.stages if stage.kind == "quantum"]
    if not stages:
        raise InputError(f"pipeline {pipeline.name!r} has no stage of the kind 'quantum'")
    if not pipeline.owner:
        raise InputError(
            f"pipeline {pipeline.name!r} has no owner; add one to the file (owner: NAME), so that "
            "somebody else can approve"
        )
    with database.writing() as connection:  # all of them, or none
        for stage in stages:
            version = version_of(pipeline.name, stage)
            approve(connection, version, owner=pipeline.owner, who=who, why=why, at=at)
    return [stage.name for stage in stages]
