from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from qupel.errors import InputError
from qupel.model import Ising
from qupel.simulators import Qaoa
from qupel.solvers.quantum.fixed_angles import (
    angles_for,
    degree_and_scale,
    fixed_angles,
    tree_value,
)
from tests.simulators.test_qaoa import heawood, regular

#: Guaranteed share of the cut edges of 3-regular graphs, p = 1 to 5 (Wurtz and Lykov 2021).
GUARANTEES = (0.6924500474, 0.7559062918, 0.7923980073, 0.8168758698, 0.8363791265)
#: Value of one to four layers on the SK model (Farhi and others 2022, arXiv:1910.08187).
SK = (0.303265, 0.407545, 0.472619, 0.515679)


def share(degree: int, layers: int) -> float:
    """Share of cut edges on a tree of this degree."""
    return 0.5 + tree_value(*fixed_angles(layers, degree), degree)[0] / math.sqrt(degree - 1)


def edges_of(form: Ising) -> int:
    return int(form.couplings.nnz)


@pytest.mark.parametrize(("layers", "value"), list(enumerate(SK, start=1)))
def test_the_sk_model_has_its_known_values(layers: int, value: float) -> None:
    assert tree_value(*fixed_angles(layers))[0] == pytest.approx(value, abs=5e-7)


def test_two_layers_on_the_sk_model_have_their_known_angles() -> None:
    gammas, betas = fixed_angles(2)
    np.testing.assert_allclose(gammas, [0.3817, 0.6655], atol=5e-5)
    np.testing.assert_allclose(betas, [-0.4960, -0.2690], atol=5e-5)


@pytest.mark.parametrize(("layers", "value"), list(enumerate(GUARANTEES, start=1)))
def test_cubic_trees_reach_the_guarantees(layers: int, value: float) -> None:
    assert value - 1e-8 <= share(3, layers) <= value + 5e-6


@pytest.mark.parametrize("layers", [1, 2, 4, 7])
def test_rings_have_the_share_of_cut_edges_known_in_closed_form(layers: int) -> None:
    assert share(2, layers) == pytest.approx((2 * layers + 1) / (2 * layers + 2), abs=1e-9)


@pytest.mark.parametrize("degree", [2, 3, 5, None])
def test_slopes_match_differences(degree: int | None) -> None:
    angles = np.array([[0.3, 0.5, 0.4], [-0.5, -0.3, 0.0]])
    _, *slopes = tree_value(angles[0], angles[1], degree)
    for kind in (0, 1):
        for layer in range(3):
            gains = []
            for step in (1e-6, -2e-6):
                angles[kind, layer] += step
                gains.append(tree_value(angles[0], angles[1], degree)[0])
            angles[kind, layer] += 1e-6
            assert slopes[kind][layer] == pytest.approx((gains[0] - gains[1]) / 2e-6, abs=1e-6)


@pytest.mark.parametrize("layers", [1, 2])
def test_a_graph_without_short_cycles_does_what_the_tree_does(layers: int) -> None:
    form = heawood()
    cut = Ising(-form.fields, -form.couplings, -form.offset)
    gammas, betas = angles_for(cut, layers)
    energy = Qaoa(cut, precision="double").energy(gammas, betas)
    assert -energy / 21 == pytest.approx(share(3, layers), abs=1e-9)
    assert -energy / 21 == pytest.approx((0.6924500869, 0.7559064145)[layers - 1], abs=1e-7)


def test_more_degrees_approach_the_limit() -> None:
    limit = tree_value(*fixed_angles(2))[0]
    gaps = [limit - tree_value(*fixed_angles(2, degree), degree)[0] for degree in (4, 8, 16, 64)]
    assert all(abs(later) < abs(earlier) for earlier, later in pairwise(gaps))
    assert abs(gaps[-1]) < 0.005


@pytest.mark.parametrize("layers", range(1, 6))
def test_the_guarantees_hold_on_random_cubic_graphs(layers: int) -> None:
    ratios = []
    for n, seeds in ((12, range(20)), (16, range(4))):
        for seed in seeds:
            form = regular(n, seed)
            circuit = Qaoa(form, precision="double")
            costs = circuit.energy(*angles_for(form, layers))
            ratios.append(costs / -max_cut(form))
    assert min(ratios) >= GUARANTEES[layers - 1]


def max_cut(form: Ising) -> float:
    states = np.arange(2 ** (form.variables - 1))
    cut = np.zeros(states.size)
    rows, columns = form.couplings.tocoo().coords
    for i, j in zip(rows, columns, strict=True):
        cut += (states >> i & 1) != (states >> j & 1)
    return float(cut.max())


@pytest.mark.parametrize("factor", [0.02, 500.0])
def test_scaled_couplings_give_the_same_circuit(factor: float) -> None:
    form = regular(12, 1)
    scaled = Ising(form.fields * factor, form.couplings * factor, form.offset * factor)
    one = Qaoa(form, precision="double").energy(*angles_for(form, 3))
    other = Qaoa(scaled, precision="double").energy(*angles_for(scaled, 3))
    assert other == pytest.approx(factor * one, rel=1e-10)


def test_signs_of_couplings_change_nothing_without_short_cycles() -> None:
    form = heawood()
    signs = np.random.default_rng(0).choice([-0.5, 0.5], form.couplings.nnz)
    mixed = form.couplings.copy()
    mixed.data = signs
    glass = Ising(form.fields, mixed)
    energy = Qaoa(glass, precision="double").energy(*angles_for(glass, 2))
    assert -energy / 10.5 == pytest.approx(2 * share(3, 2) - 1, abs=1e-9)


def test_weighted_couplings_keep_most_of_the_gain() -> None:
    rng = np.random.default_rng(4)
    form = regular(14, 3)
    couplings = form.couplings.copy()
    couplings.data = rng.exponential(size=couplings.nnz)
    weighted = Ising(form.fields, couplings)
    found = Qaoa(weighted, precision="double").energy(*angles_for(weighted, 1))
    assert found < -0.3 * couplings.data.sum()


@pytest.mark.parametrize(
    ("form", "degree", "scale"),
    [
        (regular(12, 0), 3, 0.5 * math.sqrt(3)),
        (Ising(np.zeros(40), np.triu(np.ones((40, 40)), 1) / math.sqrt(39)), None, 1.0),
        (Ising(np.zeros(3), np.zeros((3, 3))), None, 1.0),
        (Ising(np.full(3, 2.0), np.zeros((3, 3))), None, 2 * math.sqrt(2)),
    ],
    ids=["cubic", "dense", "nothing", "fields"],
)
def test_degree_and_scale_tell_what_acts_on_a_spin(
    form: Ising, degree: int | None, scale: float
) -> None:
    found = degree_and_scale(form)
    assert found[0] == degree
    assert found[1] == pytest.approx(scale)


def test_angles_are_computed_once_and_cannot_be_spoilt() -> None:
    fixed_angles(2, 3)[0][:] = 0.0
    assert fixed_angles(2, 3)[0].min() > 0.2


@pytest.mark.parametrize(("layers", "degree"), [(0, 3), (11, 3), (1, 1)])
def test_what_cannot_be_computed_is_refused(layers: int, degree: int) -> None:
    with pytest.raises(InputError, match="fixed angles"):
        fixed_angles(layers, degree)


def test_parts_of_a_layer_are_refused() -> None:
    with pytest.raises(InputError, match=r"1 to 10 layers, got 1\.5"):
        fixed_angles(1.5)  # type: ignore[arg-type]
