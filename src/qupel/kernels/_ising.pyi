import numpy as np
from numpy.typing import NDArray

I8 = NDArray[np.int8]
I16 = NDArray[np.int16]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
U64 = NDArray[np.uint64]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

class Form32:
    def __init__(
        self,
        fields: F32,
        starts: I64,
        columns: I32,
        weights: F32,
        dense: F32,
        edges: I64,
        counts: I64,
        strongest: F32,
        crowded: U8,
        tolerance: float,
        /,
    ) -> None: ...

class Form64:
    def __init__(
        self,
        fields: F64,
        starts: I64,
        columns: I32,
        weights: F64,
        dense: F64,
        edges: I64,
        counts: I64,
        strongest: F64,
        crowded: U8,
        tolerance: float,
        /,
    ) -> None: ...

Form = Form32 | Form64
Real = F32 | F64

def prepare(form: Form, spins: Real, locals_: Real, energies: F64, /) -> None: ...
def anneal(
    form: Form,
    spins: Real,
    locals_: Real,
    energies: F64,
    best: Real,
    least: F64,
    places: I64,
    sweeps: I64,
    keys: U64,
    hot: float,
    cold: float,
    budget: int,
    threads: int,
    /,
) -> None: ...
def descend(
    form: Form, spins: Real, locals_: Real, energies: F64, key: int, threads: int, /
) -> None: ...
def steepest(
    form: Form, spins: Real, locals_: Real, energies: F64, key: int, moves: int, /
) -> bool: ...
def wander(
    form: Form,
    spins: Real,
    locals_: Real,
    energies: F64,
    best: Real,
    least: F64,
    kicks: I64,
    keys: U64,
    most: int,
    budget: int,
    threads: int,
    /,
) -> None: ...
def tabu(
    form: Form,
    spins: Real,
    locals_: Real,
    energies: F64,
    best: Real,
    least: F64,
    until: I32,
    trails: I64,
    lengths: I64,
    keys: U64,
    base: int,
    high: int,
    spread: int,
    patience: int,
    budget: int,
    threads: int,
    /,
) -> None: ...
def graft(
    form: Form,
    spins: Real,
    locals_: Real,
    energies: F64,
    guests: Real,
    mirror: bool,
    regions: I64,
    /,
) -> None: ...
def temper(
    form: Form,
    spins: Real,
    locals_: Real,
    energies: F64,
    best: Real,
    least: F64,
    place: I64,
    temperatures: F64,
    at: I32,
    exchanges: I64,
    clustered: int,
    key: int,
    budget: int,
    threads: int,
    /,
) -> None: ...
def bifurcate(
    form: Form,
    x: F32,
    y: F32,
    seen: F32,
    from_: int,
    until: int,
    step: float,
    strength: float,
    pull: float,
    steps: int,
    discrete: bool,
    threads: int,
    /,
) -> None: ...
def combine(
    form: Form,
    spins: Real,
    locals_: Real,
    energies: F64,
    chosen: I32,
    rows: Real,
    kept: F64,
    size: int,
    limit: float,
    budget: int,
    /,
) -> tuple[int, bool]: ...
def enumerate(  # noqa: A001
    fields: F64,
    couplings: F64,
    from_: int,
    until: int,
    states: U64,
    energies: F64,
    size: int,
    limit: float,
    /,
) -> tuple[int, int]: ...
def colour(starts: I64, columns: I32, colours: I32, /) -> None: ...
def whole(numbers: F64, scale: float, /) -> bool: ...
def reach(starts: I64, values: F64, strongest: F64, total: F64, /) -> None: ...
def squares(starts: I64, values: Real, out: F64, /) -> None: ...
def divisor(numbers: Real, scale: float, found: int, /) -> int: ...
def spread(starts: I64, columns: I32, weights: Real, dense: Real, /) -> None: ...

class Small:
    def __init__(
        self,
        starts: I64,
        columns: I32,
        weights: I8,
        fields: I16,
        odd: U8,
        unit: float,
        plain: bool,
        /,
    ) -> None: ...

def bundle_prepare(form: Small, down: U64, locals_: I8, energies: F64, /) -> None: ...
def bundle_anneal(
    form: Small,
    down: U64,
    locals_: I8,
    energies: F64,
    best: I8,
    least: F64,
    places: I64,
    sweeps: int,
    keys: U64,
    hot: float,
    cold: float,
    budget: int,
    threads: int,
    /,
) -> None: ...
def bundle_temper(
    form: Small,
    down: U64,
    locals_: I8,
    energies: F64,
    best: I8,
    least: F64,
    places: I64,
    temperatures: F64,
    at: I32,
    exchanges: I64,
    clustered: int,
    every: int,
    keys: U64,
    budget: int,
    threads: int,
    /,
) -> None: ...

class Dense:
    def __init__(self, weights: I16, fields: I32, unit: float, run: int, /) -> None: ...

def dense_prepare(form: Dense, minus: I32, locals_: I32, energies: I64, /) -> None: ...
def dense_anneal(
    form: Dense,
    minus: I32,
    locals_: I32,
    energies: I64,
    best: I8,
    least: I64,
    place: I64,
    sweeps: int,
    keys: U64,
    hot: float,
    cold: float,
    budget: int,
    threads: int,
    /,
) -> None: ...
def dense_temper(
    form: Dense,
    minus: I32,
    locals_: I32,
    energies: I64,
    best: I8,
    least: I64,
    place: I64,
    temperatures: F64,
    at: I32,
    exchanges: I64,
    key: int,
    budget: int,
    threads: int,
    /,
) -> None: ...
def dense_spread(starts: I64, columns: I32, weights: Real, unit: float, dense: I16, /) -> None: ...
def paths_prepare(form: Form, down: U64, locals_: Real, energies: F64, /) -> None: ...
def paths_anneal(
    form: Form,
    down: U64,
    locals_: Real,
    energies: F64,
    best: I8,
    least: F64,
    places: I64,
    sweeps: int,
    keys: U64,
    temperature: float,
    strong: float,
    weak: float,
    clusters: bool,
    budget: int,
    threads: int,
    /,
) -> None: ...
