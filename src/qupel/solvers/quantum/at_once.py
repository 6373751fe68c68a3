"""Orders to backends that are free, on this machine, and answer at once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from qupel.backends.contract import Backend, Order, Program, Result
from qupel.backends.registry import backend_named
from qupel.errors import InputError
from qupel.model import Ising, Outcome, Samples
from qupel.solvers.contract import Stop, Watch


def free_backend(name: str) -> Backend:
    """Open a backend that is free and on this machine; `InputError` for any other."""
    backend = backend_named(name)
    able = backend.capabilities()
    if able.currency or able.region:
        what = f"bills in {able.currency}" if able.currency else f"runs in {able.region}"
        raise InputError(
            f"backend {name!r} {what}, and solve() pays for nothing and waits for nothing; order "
            "through a ledger: deploy a route with this solver (`qupel route deploy`), or plan "
            "`solver.program(form, rng)` with `Ledger.plan` and read it with `solver.samples`"
        )
    return backend


def run_now(
    backend: Backend,
    programs: tuple[Program, ...],
    shots: int,
    settings: Mapping[str, Any],
    stop: Stop,
) -> Result:
    """Order from a free backend and return its result; `InputError` if there is no time for it."""
    key = hashlib.sha256(repr((shots, sorted(settings.items()))).encode()).hexdigest()
    order = Order(programs, shots, key=key, tag="solve", settings=settings)
    needed, left = backend.estimate(order).run_seconds, stop.seconds_left()
    if needed is not None and needed > max(left, 1.0):
        raise InputError(
            f"{backend.provider}:{backend.device} needs up to {needed:.3g} s for {shots} shots, "
            f"and {left:.3g} s are left: give more time, fewer shots, or a smaller form"
        )
    return backend.result(backend.submit(order), order)


def trivial(form: Ising, watch: Watch) -> Samples:
    """Return the only sample of a form without variables."""
    rows = np.zeros((1, 0), np.int8)
    energies = form.energies(rows)
    watch.saw(float(energies[0]))
    return Samples.of(rows, energies, outcome=Outcome.SAMPLED)
