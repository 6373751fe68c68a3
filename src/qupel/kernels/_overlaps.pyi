import numpy as np
from numpy.typing import NDArray

_Panels = NDArray[np.float32] | NDArray[np.float64]

def fidelities(
    a: _Panels,
    a_samples: int,
    b: _Panels,
    b_samples: int,
    same: bool,
    out: NDArray[np.float64],
    threads: int,
) -> None: ...
def limit(level: int) -> None: ...
