from __future__ import annotations

import numpy as np

from qupel.runs.streams import Streams


def test_a_stages_seed_does_not_depend_on_the_other_stages() -> None:
    first, second = Streams(7), Streams(7)
    first.rng("encode")
    assert first.stage_seed("solve") == second.stage_seed("solve")


def test_stages_and_tasks_have_seeds_of_their_own() -> None:
    seeds = {Streams(seed).stage_seed(stage) for seed in range(50) for stage in ("a", "b", "c")}
    assert len(seeds) == 150
    assert max(seeds) < 2**53


def test_a_recorded_seed_repeats_the_stage() -> None:
    streams = Streams(7)
    drawn = streams.rng("solve").random(5)
    np.testing.assert_array_equal(drawn, np.random.default_rng(streams.used["solve"]).random(5))
