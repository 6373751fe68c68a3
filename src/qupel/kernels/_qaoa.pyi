from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_Plane = NDArray[np.float32] | NDArray[np.float64]

class Group:
    def __init__(
        self,
        size: int,
        others: NDArray[np.uint64],
        low: NDArray[np.int32],
        high: NDArray[np.int32],
        split: int,
        pairs: NDArray[np.int32],
    ) -> None: ...

def evolve(
    re: _Plane,
    im: _Plane,
    cost: _Plane,
    free: int,
    groups: Sequence[Group],
    gammas: NDArray[np.float64],
    betas: NDArray[np.float64],
    threads: int,
) -> float: ...
def gradient(
    re: _Plane,
    im: _Plane,
    adjoint_re: _Plane,
    adjoint_im: _Plane,
    cost: _Plane,
    free: int,
    groups: Sequence[Group],
    gammas: NDArray[np.float64],
    betas: NDArray[np.float64],
    by_gamma: NDArray[np.float64],
    by_beta: NDArray[np.float64],
    threads: int,
) -> float: ...
def draw(
    re: _Plane,
    im: _Plane,
    states: int,
    levels: NDArray[np.float64],
    out: NDArray[np.int64],
    threads: int,
) -> None: ...
def diagonal(
    linear: NDArray[np.float64],
    pairs: NDArray[np.float64],
    offset: float,
    out: NDArray[np.float64],
    threads: int,
) -> None: ...
def energies(
    states: NDArray[np.uint64],
    linear: NDArray[np.float64],
    pairs: NDArray[np.float64],
    offset: float,
    out: NDArray[np.float64],
    threads: int,
) -> None: ...
def limit(level: int) -> None: ...
