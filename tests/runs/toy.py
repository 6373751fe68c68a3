"""A small family and solvers that behave well and badly, for tests of the run layer."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from qupel.errors import InputError
from qupel.model.expression import bits
from qupel.model.ising import Ising
from qupel.model.model import Model
from qupel.model.samples import Outcome, Samples
from qupel.problems.contract import Judgement, Optimum, Sense, Violation
from qupel.solvers.contract import OnEvent, Stop, Watch, ignore


@dataclass(frozen=True)
class Packing:
    """Items that are packed."""

    items: tuple[int, ...]


@dataclass(frozen=True)
class Knapsack:
    """Pick items of greatest value within a weight limit."""

    family: ClassVar[str] = "toy-knapsack"
    sense: ClassVar[Sense] = "max"
    baselines: ClassVar[tuple[str, ...]] = ()

    worth: tuple[float, ...]
    weights: tuple[float, ...]
    limit: float
    name: str = "knapsack"

    def form(self) -> Model:
        pick = bits("pick", len(self.worth))
        fits = np.array(self.weights) @ pick <= self.limit
        return Model(minimise=-(np.array(self.worth) @ pick), subject_to=[fits.named("weight")])

    def answer(self, values: np.ndarray) -> Packing:
        return Packing(tuple(np.flatnonzero(values).tolist()))

    def values(self, answer: Packing) -> np.ndarray:
        row = np.zeros(len(self.worth), np.int64)
        row[list(answer.items)] = 1
        return row

    def judge(self, answer: Packing) -> Judgement:
        over = sum(self.weights[i] for i in answer.items) - self.limit
        broken = (Violation("weight", "the bag", over),) if over > 1e-9 else ()
        return Judgement(sum(self.worth[i] for i in answer.items), broken, {"left": -over})

    def repair(self, answer: Packing) -> Packing:
        items = list(answer.items)
        while items and sum(self.weights[i] for i in items) > self.limit:
            items.remove(min(items, key=lambda i: self.worth[i] / self.weights[i]))
        return Packing(tuple(items))

    def polish(self, answer: Packing, rng: np.random.Generator) -> Packing:
        items = list(answer.items)
        for i in rng.permutation(len(self.worth)).tolist():
            if i not in items and sum(self.weights[k] for k in [*items, i]) <= self.limit:
                items.append(i)
        return Packing(tuple(sorted(items)))

    def chart(self, answer: Packing) -> dict[str, Any]:
        return {}

    def document(self) -> dict[str, Any]:
        return {
            "worth": list(self.worth),
            "weights": list(self.weights),
            "limit": self.limit,
            "name": self.name,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        return cls(
            tuple(document["worth"]),
            tuple(document["weights"]),
            document["limit"],
            document["name"],
        )

    @classmethod
    def recognises(cls, path: Path, head: str) -> bool:
        return False

    @classmethod
    def from_file(cls, path: Path) -> Self:
        return cls.from_document(json.loads(path.read_text()))

    @classmethod
    def random(cls, seed: int, *, items: int = 8) -> tuple[Self, Optimum[Packing]]:
        rng = np.random.default_rng(seed)
        weights = rng.integers(1, 9, items).astype(float)
        worth = rng.integers(1, 9, items).astype(float)
        problem = cls(tuple(worth), tuple(weights), float(weights.sum() // 2))
        sets = (
            Packing(chosen)
            for size in range(items + 1)
            for chosen in itertools.combinations(range(items), size)
        )
        feasible = [packing for packing in sets if problem.judge(packing).feasible]
        best = max(feasible, key=lambda packing: problem.judge(packing).objective)
        return problem, Optimum(problem.judge(best).objective, best)

    def read_answer(self, text: str) -> Packing:
        try:
            return Packing(tuple(int(word) for word in text.split()))
        except ValueError as error:
            raise InputError(f"items must be whole numbers: {error}") from error

    def write_answer(self, answer: Packing) -> str:
        return " ".join(map(str, answer.items)) + "\n"


@dataclass(frozen=True)
class Leisurely(Knapsack):
    """A knapsack whose judge and repair take 30 ms each."""

    family: ClassVar[str] = "toy-leisurely"

    def judge(self, answer: Packing) -> Judgement:
        time.sleep(0.03)
        return Knapsack.judge(self, answer)

    def repair(self, answer: Packing) -> Packing:
        time.sleep(0.03)
        return Knapsack.repair(self, answer)


@dataclass(frozen=True)
class Shots:
    """Uniform random rows of the model, feasible or not; ``evidence`` as a quantum step has it."""

    name: ClassVar[str] = "toy-shots"
    kind: ClassVar[str] = "quantum"
    accepts: ClassVar[type[Any]] = Model
    keeps_quotas: ClassVar[bool] = False

    shots: int = 64
    evidence: str = "noisy simulator"

    def solve(
        self, form: Model, *, stop: Stop, rng: np.random.Generator, on_event: OnEvent = ignore
    ) -> Samples:
        rows = rng.integers(0, 2, (self.shots, form.variables))
        energies = form.energies(rows)
        watch = Watch(on_event)
        for energy in energies:
            watch.saw(float(energy))
        return Samples.of(
            rows,
            energies,
            outcome=Outcome.SAMPLED,
            facts={"shots": self.shots},
            seconds={"compile": 0.0, "queue": 0.0},
        )


@dataclass(frozen=True)
class Climb:
    """Random single flips of spins, one round each; keeps the better."""

    name: ClassVar[str] = "toy-climb"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type[Any]] = Ising
    keeps_quotas: ClassVar[bool] = False

    pause: float = 0.0

    def solve(
        self, form: Ising, *, stop: Stop, rng: np.random.Generator, on_event: OnEvent = ignore
    ) -> Samples:
        spins = rng.choice(np.array([-1, 1]), form.variables)
        watch = Watch(on_event)
        best = float(form.energies(spins[None])[0])
        watch.saw(best)
        while not stop(best):
            other = spins.copy()
            other[rng.integers(form.variables)] *= -1
            energy = float(form.energies(other[None])[0])
            if energy <= best:
                spins, best = other, energy
                watch.saw(best)
            if self.pause:
                time.sleep(self.pause)
        return Samples.of(spins[None], [best])


@dataclass(frozen=True)
class Within:
    """Wraps a solver, as a hybrid does."""

    name: ClassVar[str] = "toy-within"
    kind: ClassVar[str] = "hybrid"
    accepts: ClassVar[type[Any]] = Model
    keeps_quotas: ClassVar[bool] = False

    inner: Any = Shots()
    size: int = 4

    def solve(
        self, form: Model, *, stop: Stop, rng: np.random.Generator, on_event: OnEvent = ignore
    ) -> Samples:
        return self.inner.solve(form, stop=stop, rng=rng, on_event=on_event)


@dataclass(frozen=True)
class Rows:
    """Returns given rows; each may be given more than once."""

    name: ClassVar[str] = "toy-rows"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type[Any]] = Model
    keeps_quotas: ClassVar[bool] = False

    rows: tuple[tuple[int, ...], ...] = ()
    compile: float = 0.0
    queue: float = 0.0

    def solve(
        self, form: Model, *, stop: Stop, rng: np.random.Generator, on_event: OnEvent = ignore
    ) -> Samples:
        time.sleep(self.compile + self.queue)
        if not self.rows:
            return Samples.none(form.variables)
        seconds = {"compile": self.compile, "queue": self.queue}
        return Samples.of(self.rows, form.energies(np.array(self.rows)), seconds=seconds)


@dataclass(frozen=True)
class Packs:
    """Takes the problem itself and packs nothing; does mischief first.

    Attributes
    ----------
    mischief
        ``nap``, ``sleep``, ``spin``, ``exit``, ``segfault``, ``raise``, ``input``, ``print``,
        ``spawn`` or nothing.
    megabytes
        Memory to hold for a moment.
    """

    name: ClassVar[str] = "toy-packs"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type[Any]] = Knapsack
    keeps_quotas: ClassVar[bool] = True

    mischief: str = ""
    megabytes: int = 0
    cpu: float = 0.0
    note: str = ""

    def solve(
        self, form: Knapsack, *, stop: Stop, rng: np.random.Generator, on_event: OnEvent = ignore
    ) -> Samples:
        match self.mischief:
            case "nap":
                time.sleep(0.3)
            case "sleep":
                time.sleep(600)
            case "spin":
                while True:
                    pass
            case "exit":
                os._exit(7)
            case "segfault":
                sys.stderr.write("about to fall\n")
                os.kill(os.getpid(), signal.SIGSEGV)
            case "raise":
                raise KeyError("a surprise")
            case "input":
                raise InputError("weights must be above 0\nmore")
            case "print":
                sys.stdout.write("noise on stdout\n")
            case "spawn":
                # In a process group of its own, as a careful caller of other programs has it.
                child = subprocess.Popen(["sleep", "60"], process_group=0)
                Path(self.note).write_text(str(child.pid))
                time.sleep(60)
        if self.megabytes:
            block = np.ones(self.megabytes * 2**17)
            time.sleep(0.1)
            del block
        ends = time.process_time() + self.cpu
        while time.process_time() < ends:
            pass
        return Samples.of(np.zeros((1, len(form.worth)), np.int64), [0.0])


#: Optimum 8: items 0 and 2. All three together are too heavy.
SMALL = Knapsack((5.0, 2.0, 3.0), (4.0, 3.0, 3.0), 7.0)
FAMILY = "tests.runs.toy:Knapsack"


def place(name: str, **settings: Any) -> dict[str, Any]:
    """Description of one of the solvers above."""
    return {"solver": f"tests.runs.toy:{name}", **settings}


@dataclass(frozen=True)
class Threads:
    """Tells how many threads numerical libraries may use."""

    name: ClassVar[str] = "toy-threads"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type[Any]] = Knapsack
    keeps_quotas: ClassVar[bool] = True

    def solve(
        self, form: Knapsack, *, stop: Stop, rng: np.random.Generator, on_event: OnEvent = ignore
    ) -> Samples:
        from threadpoolctl import threadpool_info

        most = max(library["num_threads"] for library in threadpool_info())
        return Samples.of(np.zeros((1, len(form.worth))), [0.0], facts={"threads": most})


@dataclass(frozen=True)
class Engine:
    """Needs a package that nothing else imports."""

    name: ClassVar[str] = "toy-engine"
    kind: ClassVar[str] = "classical"
    accepts: ClassVar[type[Any]] = Knapsack
    keeps_quotas: ClassVar[bool] = True

    def solve(
        self, form: Knapsack, *, stop: Stop, rng: np.random.Generator, on_event: OnEvent = ignore
    ) -> Samples:
        facts = {"was_imported": "xml.dom.pulldom" in sys.modules}
        from xml.dom import pulldom  # noqa: F401  stands for a solver's engine

        return Samples.of(np.zeros((1, len(form.worth))), [0.0], facts=facts)


@dataclass(frozen=True)
class Slow(Knapsack):
    """A knapsack that takes for ever to be rebuilt."""

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        time.sleep(60)
        return super().from_document(document)
