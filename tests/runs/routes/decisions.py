"""A decision to start from, where a test does not make one."""

from __future__ import annotations

from qupel.runs.routes.decision import Answerer, Decision
from qupel.runs.routes.route import Mode

DECISION = Decision(
    id="one",
    route="cuts",
    version="v",
    key="",
    mode=Mode.QUANTUM,
    answered_by=Answerer.FALLBACK,
    why="",
    quantum="",
    objective=1.0,
    feasible=True,
    answer=[],
    solution="",
    seconds=0.1,
    deadline_seconds=1.0,
    created=1.0,
    problem_hash="p",
)
