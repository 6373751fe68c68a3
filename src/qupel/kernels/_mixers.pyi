import numpy as np
from numpy.typing import NDArray

_Plane = NDArray[np.float32] | NDArray[np.float64]

def evolve(
    re: _Plane,
    im: _Plane,
    cost: _Plane,
    ends: NDArray[np.int32],
    weights: NDArray[np.float64],
    axes: NDArray[np.float64],
    phases: NDArray[np.float64],
    turns: NDArray[np.float64],
    threads: int,
) -> float: ...
def gradient(
    re: _Plane,
    im: _Plane,
    adjoint_re: _Plane,
    adjoint_im: _Plane,
    cost: _Plane,
    ends: NDArray[np.int32],
    weights: NDArray[np.float64],
    axes: NDArray[np.float64],
    phases: NDArray[np.float64],
    turns: NDArray[np.float64],
    by_phase: NDArray[np.float64],
    by_turn: NDArray[np.float64],
    threads: int,
) -> float: ...
def correlations(re: _Plane, im: _Plane, out: NDArray[np.float64], threads: int) -> None: ...
def draw(
    re: _Plane,
    im: _Plane,
    states: int,
    levels: NDArray[np.float64],
    out: NDArray[np.int64],
) -> None: ...
def walsh(values: NDArray[np.float64], first: int) -> None: ...
def limit(level: int) -> None: ...
