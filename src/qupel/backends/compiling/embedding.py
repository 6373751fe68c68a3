"""Minor embeddings: a form's variables as chains of an annealer's coupled qubits.

`qupel.backends.advice.placement.embedding` bounds their size in closed form; here one is found, by
``minorminer`` (Cai, Macready & Roy 2014, arXiv:1406.2741), and checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from qupel.backends.catalogue.profile import DeviceProfile, Runs
from qupel.errors import InputError, RefusedError
from qupel.model.ising import Ising

Chains = Mapping[int, tuple[int, ...]]


def find_embedding(
    form: Ising, profile: DeviceProfile, *, seconds: float = 60.0, seed: int = 0
) -> dict[int, tuple[int, ...]]:
    """Physical qubits of each variable, found by ``minorminer``, which is loaded on first use.

    Parameters
    ----------
    form
        Its couplings are to be embedded; a variable without any takes one qubit.
    profile
        An annealer of the catalogue. A device with faulty qubits that nobody lists is taken as it
        stands there; the provider's own graph has the last word.
    seconds
        To search at most.
    seed
        Of the search.

    Raises
    ------
    InputError
        If ``minorminer`` is not installed, or the device is no annealer.
    RefusedError
        If none was found in that time.
    """
    if profile.runs is not Runs.ANNEALING:
        raise InputError(f"{profile.name} runs {profile.runs} programs; choose an annealer")
    edges = profile.coupling()
    if edges is None:
        return {k: (k,) for k in range(form.variables)}
    chains = find_chains(form, range(profile.qubits), edges, seconds=seconds, seed=seed)
    return dict(enumerate(chains))


def find_chains(
    form: Ising,
    qubits: Iterable[int],
    couplers: Iterable[tuple[int, int]],
    *,
    seconds: float = 60.0,
    seed: int = 0,
) -> tuple[tuple[int, ...], ...]:
    """Qubits that together are each variable, found by ``minorminer``, loaded on first use.

    Parameters
    ----------
    form
        Its couplings are to be embedded; a variable without any takes one qubit.
    qubits, couplers
        Those that work.
    seconds
        To search at most; a search that ends before depends on the seed alone.
    seed
        Of the search.

    Raises
    ------
    InputError
        If ``minorminer`` is not installed.
    RefusedError
        If none was found in that time, or there are too few qubits.
    """
    pairs, free = _pairs(form), list(qubits)
    found: Mapping[int, Sequence[int]] = {}
    if pairs:
        found = _minorminer().find_embedding(
            pairs, list(couplers), random_seed=seed, timeout=seconds, threads=1
        )
        if not found:
            raise RefusedError(
                f"no embedding of {form.variables} variables with {len(pairs)} couplings on "
                f"{len(free)} qubits was found in {seconds:g} s; allow more seconds, or give a "
                "smaller or sparser form"
            )
    used = {int(qubit) for chain in found.values() for qubit in chain}
    left = iter([qubit for qubit in free if qubit not in used])
    chains = []
    for k in range(form.variables):
        chain = found.get(k) or [*islice(left, 1)]
        if not chain:
            raise RefusedError(f"{len(free)} qubits are too few: none is left for variable {k}")
        chains.append(tuple(sorted(int(qubit) for qubit in chain)))
    return tuple(chains)


def embedding_faults(
    chains: Chains, pairs: Iterable[tuple[int, int]], edges: Sequence[tuple[int, int]]
) -> list[str]:
    """What is wrong with an embedding; nothing if it is one.

    Examples
    --------
    >>> square = [(0, 1), (1, 2), (2, 3), (0, 3)]
    >>> embedding_faults({0: (0,), 1: (1,), 2: (2, 3)}, [(0, 1), (1, 2), (0, 2)], square)
    []
    >>> embedding_faults({0: (0,), 1: (2,)}, [(0, 1)], square)
    ['variables 0 and 1: no coupler joins their chains']
    """
    coupled = {(a, b) for a, b in edges} | {(b, a) for a, b in edges}
    owner: dict[int, int] = {}
    out = []
    for k, chain in chains.items():
        for q in chain:
            if q in owner:
                out.append(f"qubit {q} is in the chains of {owner[q]} and {k}")
            owner[q] = k
        if not _hangs_together(chain, coupled):
            out.append(f"chain of variable {k} does not hang together: {chain}")
    out += [
        f"variables {a} and {b}: no coupler joins their chains"
        for a, b in pairs
        if not any((p, q) in coupled for p in chains[a] for q in chains[b])
    ]
    return out


def _hangs_together(chain: Sequence[int], coupled: set[tuple[int, int]]) -> bool:
    if not chain:
        return False
    reached, rest = [chain[0]], set(chain[1:])
    for q in reached:
        near = {p for p in rest if (p, q) in coupled}
        rest -= near
        reached += sorted(near)
    return not rest


def _pairs(form: Ising) -> list[tuple[int, int]]:
    ends = form.couplings.tocoo()
    rows, columns = (np.asarray(axis).tolist() for axis in ends.coords)
    return sorted({(min(a, b), max(a, b)) for a, b in zip(rows, columns, strict=True) if a != b})


def _minorminer() -> Any:
    try:
        import minorminer
    except ImportError as error:
        raise InputError(
            'minorminer is not installed; install it by: pip install "qupel[dwave]"'
        ) from error
    return minorminer
