"""Public instances as the arrays that every annealer gets."""

from __future__ import annotations

from typing import Any

import numpy as np

from perf.tables import instance
from qupel.encodings.paths import encode
from qupel.model.ising import Ising
from qupel.problems import read_problem


def problem_named(name: str) -> Any:
    """Max-cut for names in G, else a binary quadratic problem."""
    return read_problem(instance("maxcut" if name.startswith("G") else "qubo", name))


def arrays(form: Ising) -> dict[str, np.ndarray]:
    """Return fields and couplings as an instance of the harness."""
    pairs = form.couplings.tocoo()
    return {
        "n": np.array(form.variables),
        "fields": form.fields,
        "pairs": np.stack([pairs.row, pairs.col], axis=1).astype(np.int64),
        "weights": pairs.data,
    }


def cut_instance(name: str) -> dict[str, np.ndarray]:
    """Return a max-cut graph as an Ising model."""
    return arrays(encode(problem_named(name).form(), into=Ising).form)


def objective(problem: Any, spins: np.ndarray) -> float:
    """What the judge says of a row of spins, computed from the problem's data."""
    encoded = encode(problem.form(), into=Ising)
    return float(problem.judge(problem.answer(encoded.back(spins[None, :])[0])).objective)
