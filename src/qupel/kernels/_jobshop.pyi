import numpy as np

class Shop:
    def __init__(
        self,
        first: np.ndarray,
        machine: np.ndarray,
        duration: np.ndarray,
        window_first: np.ndarray,
        window_start: np.ndarray,
        window_end: np.ndarray,
    ) -> None: ...

class Search:
    @property
    def makespan(self) -> int: ...
    @property
    def finished(self) -> bool: ...
    @property
    def starts(self) -> int: ...
    @property
    def steps(self) -> int: ...
    def advance(self, count: int) -> int: ...
    def best(self, out: np.ndarray) -> None: ...

def time_sequence(shop: Shop, sequence: np.ndarray, out: np.ndarray) -> None: ...
def latest_ends(shop: Shop, sequence: np.ndarray, out: np.ndarray) -> None: ...
def dispatch_sequence(
    shop: Shop, rule: int, active: bool, keys: np.ndarray, out: np.ndarray
) -> None: ...
def time_moves(
    shop: Shop,
    sequence: np.ndarray,
    u: np.ndarray,
    v: np.ndarray,
    forward: np.ndarray,
    table: np.ndarray,
) -> None: ...
def search(
    shop: Shop, kind: int, seed: int, patience: int, pool: int, lower: int, sequence: np.ndarray
) -> Search: ...
