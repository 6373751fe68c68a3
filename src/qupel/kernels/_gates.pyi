from typing import Any

import numpy as np
from numpy.typing import NDArray

_State = NDArray[np.complex64] | NDArray[np.complex128]

def apply(
    state: _State,
    qubits: NDArray[np.int32],
    starts: NDArray[np.int32],
    matrices: NDArray[np.complex128],
    threads: int,
    tile: int,
    low: int,
) -> None: ...
def plan(
    qubits: int,
    single: bool,
    named: NDArray[np.int32],
    starts: NDArray[np.int32],
    matrices: NDArray[np.complex128],
    tile: int,
    low: int,
) -> list[tuple[int, list[tuple[int, int, int]]]]: ...
def observe(
    state: _State,
    x: NDArray[np.uint64],
    z: NDArray[np.uint64],
    weights: NDArray[np.float64],
    out: list[Any],
    threads: int,
) -> float: ...
def gradient(
    state: _State,
    adjoint: _State,
    qubits: NDArray[np.int32],
    starts: NDArray[np.int32],
    matrices: NDArray[np.complex128],
    diagonal: NDArray[np.uint8],
    owners: NDArray[np.int32],
    derivatives: NDArray[np.complex128],
    x: NDArray[np.uint64],
    z: NDArray[np.uint64],
    weights: NDArray[np.float64],
    out: NDArray[np.float64],
    threads: int,
) -> float: ...
def reduced(
    state: _State, qubits: list[int], out: NDArray[np.complex128], threads: int
) -> None: ...
def draw(
    state: _State, levels: NDArray[np.float64], out: NDArray[np.int64], threads: int
) -> None: ...
def limit(level: int) -> None: ...
