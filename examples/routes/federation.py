"""Federated nodes in one optimisation, each a process that keeps its data to itself.

The federation knows one thing: the bits on the borders between its nodes. It lets one node after
another decide its own bits against the borders of the others, until none changes; kicks a few
border bits; and keeps what is better, by the sum of what the nodes say their parts are worth. A
node that dies or hangs is begun again from its own folder, and asked again: it answers the same,
since whatever a decision depends on is in the question and in the folder.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from node import Share

from qupel.errors import RunError

#: Descents after the first, each from a kicked border, and the share of its bits that is kicked.
KICKS, KICKED = 8, 0.2
#: Turns of all nodes until a descent is given up.
TURNS = 12
#: Seconds until a node that is silent is given up: as it begins, and when it is asked.
START, PATIENCE = 120.0, 20.0
#: How often a node may be begun again.
LIVES = 3

#: Bits of the borders, by number of the variable.
Border = dict[str, int]


@dataclass(slots=True, eq=False)
class Node:
    """The line to a node.

    Attributes
    ----------
    folder
        Its own, with its share of the data.
    needs, border
        Variables whose bits it has to be told, and those it tells.
    begun
        How often its process was begun.
    wire
        Every line that went over the line, in both directions.
    """

    folder: Path
    needs: list[str] = field(default_factory=list)
    border: list[str] = field(default_factory=list)
    begun: int = 0
    wire: list[str] = field(default_factory=list)
    process: subprocess.Popen[str] = field(init=False)

    def ask(self, border: Border, **more: Any) -> dict[str, Any]:
        """Have it decide against the borders of the others; begin it again if it is gone."""
        others = {name: border[name] for name in self.needs}
        question = json.dumps({"others": others, **more}) + "\n"
        while (answer := self._exchange(question, PATIENCE)) is None:
            self.begin()
        return answer

    def begin(self) -> None:
        """Begin its process, and hear what it needs and tells."""
        self.end()
        if self.begun == LIVES:
            raise RunError(f"node {self.folder.name} ended {LIVES} times; see {self.folder}")
        self.begun += 1
        program = [sys.executable, str(Path(__file__).with_name("node.py")), str(self.folder)]
        self.process = subprocess.Popen(  # noqa: S603  the program beside this one
            program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        if (hello := self._exchange("", START)) is None:
            self.begin()
            return
        self.needs, self.border = ([str(n) for n in hello[name]] for name in ("needs", "border"))

    def end(self) -> None:
        """End its process."""
        if self.begun:
            self.process.kill()
            self.process.communicate()

    def _exchange(self, question: str, patience: float) -> dict[str, Any] | None:
        """Send a line, if any, and hear one; None if the process is gone or silent."""
        asked, told = cast("IO[str]", self.process.stdin), cast("IO[str]", self.process.stdout)
        try:
            asked.write(question)
            asked.flush()
        except BrokenPipeError:
            return None
        ready, _, _ = select.select([told], [], [], patience)
        line = told.readline() if ready else ""
        self.wire += [question, line]
        return json.loads(line) if line.endswith("\n") else None


@dataclass(frozen=True, slots=True)
class Settled:
    """A state in which no node changes its bits.

    Attributes
    ----------
    border
        Bits of all borders.
    energy
        Sum of what the nodes' parts are worth; infinite if they did not settle.
    """

    border: Border
    energy: float


def federate(nodes: Sequence[Node], seed: int) -> np.ndarray:
    """Bits of all variables, as the nodes settled on them and published them."""
    rng = np.random.default_rng(seed)
    names = sorted({name for node in nodes for name in node.border}, key=int)
    best = _descend(nodes, {name: int(rng.integers(2)) for name in names}, rng)
    for _ in range(KICKS):
        kicked = {name: bit ^ int(rng.random() < KICKED) for name, bit in best.border.items()}
        found = _descend(nodes, kicked, rng)
        if found.energy < best.energy:
            best = found
    published = [node.ask(best.border, publish=True)["bits"] for node in nodes]
    bits = {int(name): bit for part in published for name, bit in part.items()}
    return np.array([bits[number] for number in range(len(bits))])


@contextmanager
def running(matrix: np.ndarray, count: int, folder: Path) -> Iterator[list[Node]]:
    """Play the world: ``count`` nodes that run, each with its share of a symmetric matrix."""
    nodes = []
    for number, own in enumerate(np.array_split(np.arange(len(matrix)), count)):
        place = folder / f"node-{number}"
        place.mkdir(parents=True)
        Share.of(matrix, own).write(place)
        nodes.append(Node(place))
    try:
        with ThreadPoolExecutor() as pool:
            list(pool.map(Node.begin, nodes))
        yield nodes
    finally:
        for node in nodes:
            node.end()


def _descend(nodes: Sequence[Node], border: Border, rng: np.random.Generator) -> Settled:
    """Let node after node decide, in an order drawn anew, until no border changes."""
    turn = rng.permutation(len(nodes))
    for _ in range(TURNS):
        before, energy = dict(border), 0.0
        for node in (nodes[number] for number in turn):
            told = node.ask(border)
            border.update(told["border"])
            energy += told["energy"]
        if border == before:  # so that every energy was told of these very borders
            return Settled(border, energy)
    return Settled(border, float("inf"))
