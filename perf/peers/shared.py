"""What several workers need: the costs of all states, an expectation, a choice by measurement."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


def diagonal(n: int, pairs: Any, weights: Any) -> np.ndarray:
    """Cost ``sum w s_i s_j`` of all ``2**n`` states in single precision; bit 0 is qubit 0."""
    costs = np.zeros(1, np.float64)
    for top in range(n):
        # Adding qubit `top`: s_top = +1 leaves sum of its pairs as it is, -1 turns its sign.
        field = np.zeros(1, np.float64)
        row = np.zeros(top)
        for (i, j), weight in zip(pairs, weights, strict=True):
            if max(i, j) == top:
                row[min(i, j)] += weight
        for weight in row:
            field = np.concatenate([field + weight, field - weight])
        costs = np.concatenate([costs + field, costs - field])
    return costs.astype(np.float32)


def expectation(state: Any, costs: np.ndarray, block: int = 1 << 15) -> float:
    """``sum |state|^2 costs``, block by block so that intermediates stay in cache."""
    parts = state.view(np.float32 if state.dtype == np.complex64 else np.float64).reshape(-1, 2)
    total = 0.0
    for start in range(0, costs.size, block):
        part = parts[start : start + block]
        total += float(np.einsum("ij,ij,i->", part, part, costs[start : start + block]))
    return total


def some_probabilities(state: Any) -> dict[str, np.ndarray]:
    """A thousand probabilities of a state, evenly apart: enough to see that two states agree."""
    some = np.asarray(state)[:: max(1, len(state) // 1024)]
    return {"probabilities": np.abs(some) ** 2}


def fastest(work: Callable[[T], Any], variants: Mapping[str, T]) -> str:
    """Name of the variant whose work takes least time, each once to warm up and once measured."""
    seconds = {}
    for name, variant in variants.items():
        work(variant)
        begun = time.perf_counter()
        work(variant)
        seconds[name] = time.perf_counter() - begun
    return min(seconds, key=seconds.__getitem__)
