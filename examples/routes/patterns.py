"""Three patterns of execution, each by the route beside this file, on a provider emulated here.

Run it with ``python examples/routes/patterns.py``. Nothing outside this machine is asked or paid.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from federation import federate, running

from qupel.backends.adapters.neutral import Neutral
from qupel.backends.clock import SystemClock
from qupel.backends.emulator import Provider, Terms, direct
from qupel.model.money import Money
from qupel.problems.maxcut import MaxCut
from qupel.problems.quadratic import BinaryQuadratic
from qupel.runs.routes import Routes, read_route

HERE = Path(__file__).parent
#: Nodes of the federation.
NODES = 3


def main() -> None:
    """Show the three patterns."""
    provider = Provider(Terms(), SystemClock())
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        routes = Routes(
            place / "qupel.db",
            backend=lambda name: Neutral("ideal", direct(provider)),
            lock=None,
            folder=place,
        )
        with routes:
            accelerator(routes)
            edge(routes)
            federated(routes, place / "federation")


def accelerator(routes: Routes) -> None:
    """Classical-heavy with a remote accelerator: only what fits the device is given to it."""
    routes.desk.ledger().set_budget("team:night", money=Money.of(5))
    sample = MaxCut.random(1, nodes=12)[0]
    routes.deploy(read_route(HERE / "accelerator.yaml"), sample, who="Ada Byron")
    for nodes in (12, 80):
        problem, best = MaxCut.random(2, nodes=nodes)
        decision = routes["night-cuts"].decide(problem)
        print(
            f"accelerator: {nodes} nodes, cut {decision.objective:g} of {best.objective:g}, by "
            f"the {decision.answered_by}; quantum step: {decision.quantum}"
        )


def edge(routes: Routes) -> None:
    """Edge-local with offload on demand, and through a time without a connection."""
    routes.desk.ledger().set_budget("team:edge", money=Money.of(5))
    sample = MaxCut.random(3, nodes=16)[0]
    routes.deploy(read_route(HERE / "edge.yaml"), sample, who="Grace Hopper")
    for nodes in (10, 16):
        decision = routes["edge-cuts"].decide(MaxCut.random(4, nodes=nodes)[0])
        print(f"edge: {nodes} nodes by the {decision.answered_by}; {decision.quantum}")
    routes.desk.offline = True
    decision = routes["edge-cuts"].decide(sample)
    routes.desk.offline = False
    print(f"edge: offline by the {decision.answered_by}, kept in the {decision.kept}")
    caught_up = routes.catch_up()
    print(f"edge: {caught_up.taken_over} taken over, {caught_up.ordered} ordered afterwards")


def federated(routes: Routes, folder: Path, *, bits: int = 60, seed: int = 5) -> float:
    """Federated nodes, each in a process with its share of the data and a route of its own.

    Returns
    -------
    How far the federation is from one node that sees everything, as a share of the latter.
    """
    whole = BinaryQuadratic.of(MaxCut.random(seed, nodes=bits)[0].form())
    route = read_route(HERE / "federated.yaml")
    routes.deploy(route, whole, who=route.owner)
    alone = routes[route.name].decide(whole).objective or 0.0

    matrix = np.zeros((bits, bits))
    rows, columns = whole.cells.T
    matrix[rows, columns] = matrix[columns, rows] = whole.entries
    with running(matrix, NODES, folder) as nodes:
        found = federate(nodes, seed)
        said = sum(len(line) for node in nodes for line in node.wire)
    together = float(found @ matrix @ found)
    gap = (together - alone) / abs(alone)
    print(
        f"federated: {together:g} by {NODES} nodes that told each other {said} characters, "
        f"{alone:g} by one, gap {gap:.2%}"
    )
    return gap


if __name__ == "__main__":
    main()
