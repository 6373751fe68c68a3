"""Three patterns of execution: their example runs, and the federation on further instances."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qupel.problems.quadratic import BinaryQuadratic
from qupel.runs.routes import Route, Routes, read_route
from tests.data import ROOT

FOLDER = ROOT / "examples" / "routes"
NODES, BITS = 3, 45

pytestmark = pytest.mark.slow


def example(name: str) -> Any:
    """A module of the example's folder, which scripts there import by name alone."""
    sys.path.insert(0, str(FOLDER))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(FOLDER))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[np.ndarray], float]]:
    """The objective of one node that sees everything, by the federation's own route."""
    place = tmp_path_factory.mktemp("alone")
    route = read_route(FOLDER / "federated.yaml")
    with Routes(place / "qupel.db", folder=place) as routes:
        routes.deploy(route, BinaryQuadratic(np.eye(BITS)), who=route.owner)

        def decided(matrix: np.ndarray) -> float:
            objective = routes[route.name].decide(BinaryQuadratic(matrix)).objective
            assert objective is not None
            return objective

        yield decided


def regions(seed: int, between: float) -> np.ndarray:
    """Couplings within three regions, and between them with a chance of ``between``."""
    rng = np.random.default_rng(seed)
    region = np.arange(BITS) * NODES // BITS
    chance = np.where(region[:, None] == region, 0.4, between)
    weights = rng.normal(size=(BITS, BITS)) * (rng.random((BITS, BITS)) < chance)
    matrix: np.ndarray = np.triu(weights) + np.triu(weights, 1).T
    return matrix


def gap(found: np.ndarray, matrix: np.ndarray, best: float) -> float:
    """How much worse a federation is than one node, as a share; below 0 if it is better."""
    return (float(found @ matrix @ found) - best) / abs(best)


def disturb(node: Any, number: signal.Signals) -> None:
    """Send a signal to a node once it has been asked a few times."""

    def wait_and_send() -> None:
        while len(node.wire) < 12:
            time.sleep(0.005)
        os.kill(node.process.pid, number)

    threading.Thread(target=wait_and_send, daemon=True).start()


def unhurried(path: Path) -> Route:
    """A route that gives its primary time on a busy machine too."""
    return replace(read_route(path), deadline_seconds=20.0)


def test_the_three_examples_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    patterns = example("patterns")
    monkeypatch.setattr(patterns, "read_route", unhurried)
    patterns.main()
    said = capsys.readouterr().out
    assert "accelerator: 12 nodes, cut 28 of 28, by the primary; quantum step: tried" in said
    assert "accelerator: 80 nodes" in said
    assert "quantum step: profile: variables is 80, above 20" in said
    assert "edge: 10 nodes by the classical; profile: variables is 10, below 16" in said
    assert "edge: 16 nodes by the primary; tried" in said
    assert "edge: offline by the classical, kept in the spool" in said
    assert "edge: 1 taken over, 1 ordered afterwards" in said
    assert float(said.split("gap ")[1].split("%")[0]) <= 1.0


@pytest.mark.parametrize(("seed", "between"), [(1, 0.4), (2, 0.4), (3, 0.1)])
def test_a_federation_comes_within_one_percent_of_one_node(
    seed: int, between: float, tmp_path: Path, alone: Callable[[np.ndarray], float]
) -> None:
    federation, matrix = example("federation"), regions(seed, between)
    with federation.running(matrix, NODES, tmp_path) as nodes:
        found = federation.federate(nodes, seed)
    assert gap(found, matrix, alone(matrix)) <= 0.01


def test_a_node_that_dies_and_one_that_hangs_are_begun_again(
    tmp_path: Path, alone: Callable[[np.ndarray], float], monkeypatch: pytest.MonkeyPatch
) -> None:
    federation, matrix = example("federation"), regions(1, 0.4)
    with federation.running(matrix, NODES, tmp_path) as nodes:
        monkeypatch.setattr(federation, "PATIENCE", 8.0)
        disturb(nodes[0], signal.SIGKILL)
        disturb(nodes[2], signal.SIGSTOP)
        found = federation.federate(nodes, 1)
    assert [node.begun > 1 for node in nodes] == [True, False, True]
    assert gap(found, matrix, alone(matrix)) <= 0.01


def test_a_node_tells_its_border_and_its_worth_and_none_of_its_data(tmp_path: Path) -> None:
    federation, matrix = example("federation"), regions(4, 0.02)
    with federation.running(matrix, NODES, tmp_path) as nodes:
        federation.federate(nodes, 4)
    within = 0
    for node in nodes:
        hello, *told = [json.loads(line) for line in node.wire[1::2]]
        share = example("node").Share.read(node.folder)
        assert set(hello["border"]) == set(share.border) < set(share.own.tolist())
        *steps, published = told
        assert all(set(step) == {"border", "energy"} for step in steps)
        assert all(set(step["border"]) == set(node.border) for step in steps)
        assert set(published["bits"]) == {str(number) for number in share.own}
        numbers = {str(step["energy"]) for step in steps}
        weights = {str(float(weight)) for weight in share.within.ravel() if weight}
        assert not numbers & weights
        within += len(share.own) - len(share.border)
    assert within > 10  # there was something to keep
