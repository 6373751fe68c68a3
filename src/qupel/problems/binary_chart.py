"""Picture of a choice of items: what each is worth beside what it shares with the chosen ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64

from qupel.problems.graph_chart import BLUE, GREY, ORANGE, SCHEMA, colour

#: Items shown: all chosen ones, and the best of the others up to this many in all.
_SHOWN = 40


def items_chart(
    names: Sequence[str],
    worth: Float64[np.ndarray, " n"],
    shared: Float64[np.ndarray, " n"],
    chosen: Bool[np.ndarray, " n"],
    title: str,
) -> dict[str, Any]:
    """Vega-Lite specification with a bar to the right for worth and to the left for sharing."""
    order = np.lexsort((-worth, ~chosen))[: max(_SHOWN, int(chosen.sum()))].tolist()
    bars = []
    for i in order:
        kind = "value, chosen" if chosen[i] else "value, not chosen"
        bars.append({"item": names[i], "amount": float(worth[i]), "kind": kind})
        bars.append({"item": names[i], "amount": -float(shared[i]), "kind": "shared with chosen"})
    left = len(names) - len(order)
    return {
        "$schema": SCHEMA,
        "title": {
            "text": title,
            "subtitle": f"best {len(order)} items, {left} more not shown" if left else "all items",
        },
        "width": 420,
        "height": {"step": 16},
        "data": {"values": bars},
        "mark": "bar",
        "encoding": {
            "y": {
                "field": "item",
                "type": "nominal",
                "sort": [names[i] for i in order],
                "title": None,
                "axis": {"labelLimit": 240},
            },
            "x": {"field": "amount", "type": "quantitative", "title": "part of the objective"},
            "color": colour(
                {"value, chosen": BLUE, "value, not chosen": GREY, "shared with chosen": ORANGE}
            ),
        },
    }
