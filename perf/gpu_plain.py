"""What QAOA costs on a device gate by gate: one pass over the state for every gate."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

#: One thread an amplitude or a pair; the phase comes from a table by level, as in Qupel.
GATES = """
extern "C" __global__ void start(float2* state, long long size, float amplitude) {
    const long long z = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (z < size) state[z].x = amplitude, state[z].y = 0;
}
extern "C" __global__ void phase(float2* state, const unsigned char* levels, const float2* table,
                                 long long size) {
    const long long z = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (z >= size) return;
    const float2 a = state[z], b = table[levels[z]];
    state[z].x = a.x * b.x - a.y * b.y;
    state[z].y = a.x * b.y + a.y * b.x;
}
extern "C" __global__ void turn(float2* state, int qubit, float c, float s, long long pairs) {
    const long long k = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (k >= pairs) return;
    const long long bit = 1ll << qubit, zero = (k & (bit - 1)) | ((k & -bit) << 1);
    const float2 a = state[zero], b = state[zero | bit];
    state[zero].x = c * a.x + s * b.y;
    state[zero].y = c * a.y - s * b.x;
    state[zero | bit].x = c * b.x + s * a.y;
    state[zero | bit].y = c * b.y - s * a.x;
}
"""
_THREADS = 256


class Gates(Protocol):
    """Turns every qubit by ``exp(-i beta X)``."""

    def turn(self, state: Any, qubits: int, beta: float) -> None:
        """Change the state in place."""
        ...


class Plain:
    """A kernel a gate, compiled by CuPy."""

    def __init__(self, module: Any) -> None:
        self.module = module

    def _launch(self, kernel: str, size: int, *arguments: Any) -> None:
        blocks = -(-size // _THREADS)
        self.module.get_function(kernel)((blocks,), (_THREADS,), arguments)

    def start(self, state: Any, qubits: int) -> None:
        """Equal amplitudes."""
        size, amplitude = 1 << qubits, np.float32(2 ** (-qubits / 2))
        self._launch("start", size, state, np.int64(size), amplitude)

    def phase(self, state: Any, levels: Any, table: Any, qubits: int) -> None:
        """Multiply by each level's phase."""
        size = 1 << qubits
        self._launch("phase", size, state, levels, table, np.int64(size))

    def turn(self, state: Any, qubits: int, beta: float) -> None:
        """Turn every qubit, one after another."""
        pairs = 1 << (qubits - 1)
        c, s = np.float32(np.cos(beta)), np.float32(np.sin(beta))
        for qubit in range(qubits):
            self._launch("turn", pairs, state, np.int32(qubit), c, s, np.int64(pairs))


class CuStateVec:
    """NVIDIA's cuStateVec, a call a gate."""

    def __init__(self) -> None:
        self.library: Any = importlib.import_module("cuquantum.bindings.custatevec")
        self.handle = self.library.create()

    def turn(self, state: Any, qubits: int, beta: float) -> None:
        """Turn every qubit, one after another."""
        c, s = np.cos(beta), -1j * np.sin(beta)
        matrix = np.array([[c, s], [s, c]], np.complex64)
        single = 4  # CUDA_C_32F, complex numbers in single precision; also COMPUTE_32F
        row = int(self.library.MatrixLayout.ROW)
        for qubit in range(qubits):
            self.library.apply_matrix(
                self.handle, state.data.ptr, single, qubits, matrix.ctypes.data, single, row, 0,
                [qubit], 1, [], [], 0, single, 0, 0,
            )  # fmt: skip


def evolve(
    gates: Gates,
    plain: Plain,
    state: Any,
    levels: Any,
    tables: Any,
    qubits: int,
    betas: Sequence[float],
) -> None:
    """All layers of QAOA; ``tables`` holds each layer's phases by level."""
    plain.start(state, qubits)
    for layer, beta in enumerate(betas):
        plain.phase(state, levels, tables[layer], qubits)
        gates.turn(state, qubits, beta)
