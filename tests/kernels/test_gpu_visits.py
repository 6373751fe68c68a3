from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qupel.kernels import gpu
from qupel.kernels.gpu_visits import Tiling, backward, forward, tilings_of
from tests.gpu.emulator import Emulator


def test_a_layer_costs_a_visit_less_than_it_has_passes() -> None:
    for layers in range(1, 6):
        for passes in range(2, 5):
            assert len(forward(layers, passes)) == layers * (passes - 1) + 1
            assert len(backward(layers, passes)) == layers * (passes - 1) + 1


@given(st.integers(1, 6), st.integers(1, 5))
def test_visits_do_every_phase_and_pass_of_each_layer_in_order(layers: int, passes: int) -> None:
    for visits, order in (
        (forward(layers, passes), list(range(layers))),
        (backward(layers, passes), list(range(layers))[::-1]),
    ):
        done = []
        for visit in visits:
            parts = ((visit.before, "mix"), (visit.phase, "phase"), (visit.after, "mix"))
            done += [(layer, what, visit.step) for layer, what in parts if layer is not None]
        assert [layer for layer, what, _ in done if what == "phase"] == order
        for layer in order:
            mixed = [step for at, what, step in done if at == layer and what == "mix"]
            assert sorted(mixed) == list(range(passes))
        layers_seen = [layer for layer, _, _ in done]
        assert layers_seen == sorted(layers_seen, reverse=order[0] != 0)


@given(st.integers(1, 40), st.sampled_from([*tilings_of("float").values()]))
def test_passes_turn_every_qubit_once(qubits: int, tilings: tuple[Tiling, ...]) -> None:
    for tiling in tilings:
        steps = tiling.passes(qubits)
        turned = [
            bit + (step.first - tiling.row if step.first else 0)
            for step in steps
            for bit in range(tiling.tile)
            if step.bits >> bit & 1
        ]
        high = [step.first for step in steps[1:]]
        assert all(tiling.row <= first <= qubits - tiling.tile + tiling.row for first in high)
        assert sorted(turned) == list(range(qubits))


def test_thirty_three_qubits_take_three_passes() -> None:
    tilings = tilings_of("float")["qaoa_forward"]
    counts = {n: min(len(t.passes(n)) for t in tilings) for n in (13, 22, 23, 31, 33)}
    assert counts == {13: 1, 22: 2, 23: 2, 31: 3, 33: 3}


PROBE = """
extern "C" __global__ void probe(i64 tile, int first, i64* out) {
    for (int place = int(threadIdx.x); place < 1 << TILE; place += 32)
        out[place] = address(base_of(tile, first), first, place);
}
"""


@pytest.mark.parametrize("first", [3, 13, 23])
def test_addresses_reach_beyond_two_to_the_thirty_two(first: int) -> None:
    device, tiling = Emulator(), Tiling(13, 3, 5)
    text = gpu.source("tile.cuh") + PROBE
    out = device.zeros(1 << 13, np.int64)
    tile = 0b1011_0010_1101_1110_0101  # of 33 - 13 bits
    device.compiled(text, tiling.macros("float")).launch(
        "probe", 1, 32, np.int64(tile), np.int32(first), out
    )
    low = tile & ((1 << (first - 3)) - 1)
    expected = [
        place & 7 | low << 3 | (place >> 3) << first | tile >> (first - 3) << (first + 10)
        for place in range(1 << 13)
    ]
    assert device.get(out).tolist() == expected
    assert max(expected) > 2**32
