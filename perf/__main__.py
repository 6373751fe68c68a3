"""`python -m perf [NAME …]`: Qupel beside its peers, or the measurements that are named."""

from __future__ import annotations

import signal
import sys

from perf import (
    compiling,
    cuts,
    encodings,
    gpu,
    heawood,
    ising,
    kernels,
    proofs,
    qaoa,
    routing,
    statevectors,
    thirty,
    traps,
    warm_start,
)
from perf.options import parse

#: Measured beside other libraries; these run when nothing is named, and take the options.
SIDE_BY_SIDE = {
    "qaoa": qaoa.main,
    "ising": ising.main,
    "kernels": kernels.main,
    "statevectors": statevectors.main,
    "encodings": encodings.main,
}
#: As these, but too long for every time: hours less what earlier runs kept.
LONG = {
    "cuts": cuts.main,
    "tune": cuts.tune,
}
#: Measurements of Qupel alone, or of solvers it ships with.
SECTIONS = {
    "compiling": compiling.main,
    "gpu": gpu.main,
    "heawood": heawood.main,
    "proofs": proofs.main,
    "routing": routing.main,
    "thirty": thirty.main,
    "traps": traps.main,
    "warm_start": warm_start.main,
}


def main(arguments: list[str]) -> None:
    """Run measurements by name."""
    names, options = parse(arguments, [*SIDE_BY_SIDE, *LONG, *SECTIONS])
    for name in names or SIDE_BY_SIDE:
        print(f"\n== {name}", flush=True)
        if name in SIDE_BY_SIDE or name in LONG:
            (SIDE_BY_SIDE | LONG)[name](options)
        else:
            SECTIONS[name]()


if __name__ == "__main__":
    # Ended from outside, it ends its workers too, as after a stop from the keyboard.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        raise SystemExit(130) from None
