"""Seeds of the stages of an attempt, all drawn from the task's one seed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np


@dataclass(slots=True)
class Streams:
    """Independent random streams by stage name.

    A stage's seed depends on the task's seed and the stage's name alone, so adding a stage
    changes no other.

    Attributes
    ----------
    seed
        The task's seed, at least 0.
    used
        Seed of every stage that asked, for the record; ``numpy.random.default_rng`` of it
        repeats the stage.
    """

    seed: int
    used: dict[str, int] = field(default_factory=dict, init=False)

    def stage_seed(self, stage: str) -> int:
        """Seed of a stage: 53 bits, so that it survives JSON."""
        name = hashlib.sha256(stage.encode()).digest()[:16]
        words = tuple(int.from_bytes(name[i : i + 4], "little") for i in range(0, 16, 4))
        state = np.random.SeedSequence(self.seed, spawn_key=words).generate_state(1, np.uint64)
        self.used[stage] = int(state[0]) >> 11
        return self.used[stage]

    def rng(self, stage: str) -> np.random.Generator:
        """Return the generator of a stage."""
        return np.random.default_rng(self.stage_seed(stage))
