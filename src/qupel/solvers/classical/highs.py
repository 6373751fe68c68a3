"""HiGHS on a linear problem: silent, and held to its deadline.

HiGHS looks at its clock only between the steps of its work. With small problems it is late by
milliseconds, with a hundred thousand entries by ten seconds and more. Large problems therefore
run in a process of their own, which ends at the deadline whatever it is doing.
"""

from __future__ import annotations

import ctypes
import io
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64
from scipy import sparse

from qupel.solvers.classical.linearise import Linear

#: Entries of a problem from which on it gets its own process: that costs half a second, and
#: below it HiGHS was measured to be late by 15 ms at most.
LARGE = 5000

#: HiGHS is told to end before the deadline by this share of the time and this many seconds, so
#: that it hands its best point over in time; the second pair is for large problems.
EARLIER = (0.03, 0.01)
EARLIER_LARGE = (0.1, 0.05)


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What HiGHS says.

    Attributes
    ----------
    status
        SciPy's: 0 proved best, 1 a limit was met, 2 infeasible, 3 unbounded, 4 other.
    point
        Best point, None if there is none.
    bound
        Lower bound of the objective.
    nodes
        Nodes of the tree.
    """

    status: int
    point: Float64[np.ndarray, " n"] | None
    bound: float
    nodes: int


def run_highs(linear: Linear, options: Mapping[str, Any], deadline: float) -> Found | None:
    """Best point that HiGHS finds by the deadline.

    Parameters
    ----------
    linear
        The problem.
    options
        Of ``scipy.optimize.milp``, but for the time limit.
    deadline
        Reading of ``time.monotonic``, infinite for none.

    Returns
    -------
    Found or None
        None if the deadline came first.
    """
    if math.isfinite(deadline) and linear.rows.nnz + linear.objective.size > LARGE:
        share, seconds = EARLIER_LARGE
        told = deadline - share * (deadline - time.monotonic()) - seconds
        return _apart(linear, options, told, deadline)
    share, seconds = EARLIER
    return _here(
        linear, options, deadline - share * max(0.0, deadline - time.monotonic()) - seconds
    )


def _here(linear: Linear, options: Mapping[str, Any], deadline: float) -> Found | None:
    """Run HiGHS in this process; None if the deadline has passed."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    limits = {"disp": False, **options}
    if math.isfinite(deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        limits["time_limit"] = left
    with _silence():
        found = milp(
            linear.objective,
            integrality=linear.integral.astype(np.int64),
            bounds=Bounds(linear.lower, linear.upper),
            constraints=LinearConstraint(linear.rows, linear.row_lower, linear.row_upper),
            options=limits,  # type: ignore[arg-type]
        )
    bound = getattr(found, "mip_dual_bound", None)
    return Found(
        int(found.status),
        found.x,
        -math.inf if bound is None or math.isnan(bound) else float(bound),
        int(getattr(found, "mip_node_count", None) or 0),
    )


def _apart(
    linear: Linear, options: Mapping[str, Any], told: float, deadline: float
) -> Found | None:
    """Run `_here` until ``told`` in a process of its own; None if ``deadline`` ended it."""
    given = _packed(
        objective=linear.objective,
        integral=linear.integral,
        lower=linear.lower,
        upper=linear.upper,
        data=linear.rows.data,
        indices=linear.rows.indices,
        indptr=linear.rows.indptr,
        row_lower=linear.row_lower,
        row_upper=linear.row_upper,
        deadline=told,
        **{f"option_{key}": value for key, value in options.items()},
    )
    with subprocess.Popen(  # noqa: S603  (our own interpreter and module)
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as child:
        try:
            reply, _ = child.communicate(given, timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            return None
        except BaseException:
            child.kill()
            raise
    if not reply:
        return None
    with np.load(io.BytesIO(reply)) as found:
        point = found["point"] if found["point"].size else None
        return Found(int(found["status"]), point, float(found["bound"]), int(found["nodes"]))


def _child() -> None:
    """Read a problem from standard input, write what HiGHS finds to standard output."""
    with np.load(io.BytesIO(sys.stdin.buffer.read())) as given:
        arrays = dict(given)
    shape = (arrays["row_lower"].size, arrays["objective"].size)
    linear = Linear(
        arrays["objective"],
        arrays["integral"],
        arrays["lower"],
        arrays["upper"],
        sparse.csr_array((arrays["data"], arrays["indices"], arrays["indptr"]), shape=shape),
        arrays["row_lower"],
        arrays["row_upper"],
    )
    options = {
        key.removeprefix("option_"): value.item()
        for key, value in arrays.items()
        if key.startswith("option_")
    }
    found = _here(linear, options, float(arrays["deadline"]))
    if found is not None:
        point = np.zeros(0) if found.point is None else found.point
        reply = _packed(point=point, status=found.status, bound=found.bound, nodes=found.nodes)
        sys.stdout.buffer.write(reply)


def _packed(**arrays: Any) -> bytes:
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    return packed.getvalue()


@contextmanager
def _silence() -> Iterator[None]:
    """Send the process's standard output nowhere: HiGHS prints some lines whatever it is told."""
    sys.stdout.flush()
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        ctypes.CDLL(None).fflush(None)  # its lines may still wait in the C library's buffer
        os.dup2(kept, 1)
        os.close(nowhere)
        os.close(kept)


if __name__ == "__main__":
    _child()
