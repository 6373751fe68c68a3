from __future__ import annotations

import numpy as np
import pytest

from tests.gpu.devices import device_named
from tests.gpu.emulator import Emulator, EmulatorError

KERNELS = """
extern "C" __global__ void add_neighbour(float* x, int meet) {
    __shared__ float room[64];
    room[threadIdx.x] = x[threadIdx.x];
    if (meet) __syncthreads();
    x[threadIdx.x] = room[threadIdx.x] + room[threadIdx.x ^ 32];
}
extern "C" __global__ void half_meet(float* x) {
    if (threadIdx.x < 32) __syncthreads();
    x[threadIdx.x] = 1;
}
extern "C" __global__ void shift_half(float* x) {
    x[threadIdx.x] = __shfl_xor_sync(0xFFFFu, x[threadIdx.x], 1);
}
extern "C" __global__ void run_over(float* x, int count) { x[count] = 1; }
extern "C" __global__ void add_up_warp(float* x) {
    float sum = x[threadIdx.x];
    for (int step = 16; step > 0; step >>= 1) sum += __shfl_xor_sync(0xFFFFFFFFu, sum, step);
    x[threadIdx.x] = sum;
}
extern "C" __global__ void vote(float* x) {
    x[threadIdx.x] = float(__ballot_sync(0xFFFFFFFFu, threadIdx.x % 8 == 0) >> 8 & 0xFF);
}
"""


def run(kernel: str, values: np.ndarray, *arguments: object, backwards: bool = False) -> np.ndarray:
    device = device_named("emulated")
    assert isinstance(device, Emulator)
    device.backwards = backwards
    held = device.put(values)
    device.compiled(KERNELS).launch(kernel, 1, values.size, held, *arguments)
    return device.get(held)


@pytest.mark.parametrize("backwards", [False, True])
def test_threads_that_meet_see_what_others_wrote(backwards: bool) -> None:
    x = np.arange(64, dtype=np.float32)
    found = run("add_neighbour", x, np.int32(1), backwards=backwards)
    np.testing.assert_array_equal(found, x + np.roll(x, 32))


def test_a_missing_barrier_shows_when_threads_take_turns_in_another_order() -> None:
    x = np.arange(64, dtype=np.float32)
    assert (run("add_neighbour", x, np.int32(0)) != x + np.roll(x, 32)).any()


def test_a_barrier_that_not_all_threads_reach_is_an_error() -> None:
    with pytest.raises(EmulatorError, match=r"barrier|ended"):
        run("half_meet", np.zeros(64, np.float32))


def test_a_shuffle_of_part_of_a_warp_is_an_error() -> None:
    with pytest.raises(EmulatorError, match="part of a warp"):
        run("shift_half", np.zeros(32, np.float32))


@pytest.mark.parametrize("at", [-1, 32])
def test_writing_beyond_an_array_is_an_error(at: int) -> None:
    with pytest.raises(EmulatorError, match="beyond an array"):
        run("run_over", np.zeros(32, np.float32), np.int32(at))


def test_an_argument_of_another_size_is_an_error() -> None:
    with pytest.raises(EmulatorError, match="argument 1"):
        run("run_over", np.zeros(32, np.float32), np.int64(0))


def test_warps_shuffle_and_vote() -> None:
    x = np.arange(64, dtype=np.float32)
    sums = np.repeat([x[:32].sum(), x[32:].sum()], 32)
    np.testing.assert_array_equal(run("add_up_warp", x), sums)
    np.testing.assert_array_equal(run("vote", x), np.ones(64))
