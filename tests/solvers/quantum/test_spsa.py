"""Descent by simultaneous perturbation."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from qupel.solvers.quantum.spsa import Spsa


@pytest.mark.parametrize("parameters", [1, 2, 6])
def test_a_bowl_is_descended_whatever_its_noise(parameters: int) -> None:
    rng, noise = np.random.default_rng(1), np.random.default_rng(2)
    search = Spsa(gain=0.2).proposals(np.ones(parameters), rng)
    here, seen = next(search), []
    for _ in range(400):
        here = search.send(float(here @ here) + 0.05 * noise.standard_normal())
        seen.append(here)
    assert np.linalg.norm(np.mean(seen[-100:], axis=0)) < 0.3 * np.sqrt(parameters)


def test_a_step_looks_to_both_sides_of_where_it_stands() -> None:
    start = np.array([0.3, -0.2])
    search = Spsa().proposals(start, np.random.default_rng(0))
    first, above = next(search), search.send(0.0)
    below = search.send(1.0)
    np.testing.assert_array_equal(first, start)
    np.testing.assert_allclose((above + below) / 2, start)
    assert np.abs(above - start).tolist() == pytest.approx([0.15, 0.15])


def test_what_it_proposes_follows_from_stream_and_costs() -> None:
    def proposed() -> list[bytes]:
        search = Spsa().proposals(np.zeros(3), np.random.default_rng(4))
        return [next(search).tobytes(), *(search.send(c).tobytes() for c in range(9))]

    assert proposed() == proposed()
    assert len(set(islice(proposed(), 9))) == 9
