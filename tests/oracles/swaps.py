"""Paths of swaps replayed from the definition: what they do, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qupel.kernels.swaps import Path, Steps


def faults(path: Path, steps: Steps, edges: Sequence[tuple[int, int]], *, free: bool) -> list[str]:
    """What is wrong with a path; ``free`` if operations that commute may change places."""
    coupled = {frozenset(edge) for edge in edges}
    place = path.start.tolist()
    out = [] if len(set(place)) == steps.qubits else ["two qubits start on one place"]
    done: list[int] = []
    for k, a, b in path.steps.tolist():
        if b >= 0 and frozenset((a, b)) not in coupled:
            out.append(f"({a}, {b}) is not coupled")
        if k < 0:
            place = [{a: b, b: a}.get(p, p) for p in place]
            continue
        places = [place[q] if q >= 0 else -1 for q in steps.on[k]]
        if places != [a, b]:
            out.append(f"operation {k} acts on ({a}, {b}), its qubits are on {places}")
        out += [f"{k} after {j}" for j in done if j > k and not _pass(j, k, steps, free)]
        done.append(k)
    if sorted(done) != list(range(len(steps.on))):
        out.append("not every operation is done once")
    if place != path.end.tolist():
        out.append("qubits end elsewhere")
    return out


def costs(path: Path, steps: Steps) -> tuple[int, float, float]:
    """Swaps, native gates they add, and layers."""
    swaps, gates = 0, 0.0
    level = np.zeros(1 + path.steps[:, 1:].max(initial=0))
    for at, (k, a, b) in enumerate(path.steps.tolist()):
        if b < 0:
            continue
        if k >= 0:
            layers = steps.layers[k, 0]
        else:
            held = _joined(path, steps, at)
            swaps += 1
            gates += steps.swap[0] if held is None else steps.gates[held]
            layers = steps.swap[1] if held is None else np.diff(steps.layers[held])[0]
        level[[a, b]] = max(level[a], level[b]) + layers
    return swaps, gates, float(level.max())


def _joined(path: Path, steps: Steps, at: int) -> int | None:
    """The operation that a swap joins: the last on its pair, if it can move up to the swap."""
    pair = set(path.steps[at, 1:].tolist())
    between: list[tuple[int, int, int]] = []
    for k, a, b in reversed(path.steps[:at].tolist()):
        if b < 0 or not pair & {a, b}:
            continue
        if {a, b} == pair:
            if k < 0:
                return None
            axis = dict(zip((a, b), steps.axes[k].tolist(), strict=True))
            for j, c, d in between:
                other = dict(
                    zip((c, d), steps.axes[j].tolist() if j >= 0 else (-1, -1), strict=True)
                )
                if any(other[p] < 0 or other[p] != axis[p] for p in pair & {c, d}):
                    return None
            return int(k)
        between.append((k, a, b))
    return None


def _pass(j: int, k: int, steps: Steps, free: bool) -> bool:
    axes = [dict(zip(steps.on[i].tolist(), steps.axes[i].tolist(), strict=True)) for i in (j, k)]
    shared = {q for q in axes[0] if q >= 0 and q in axes[1]}
    return all(free and axes[0][q] == axes[1][q] >= 0 for q in shared)
