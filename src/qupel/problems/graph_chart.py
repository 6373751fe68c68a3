"""Pictures of graphs: a deterministic layout, and Vega-Lite specifications of chosen nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"

#: Graphs with more nodes are summarised instead of drawn.
DRAWN_NODES = 200

#: Colours told apart by people with any colour vision.
ORANGE, BLUE, GREY, DARK, RED = "#d9822b", "#2b6ca3", "#b8bfc6", "#5a6570", "#b3261e"


def layout(nodes: int, edges: Int64[np.ndarray, "m 2"]) -> Float64[np.ndarray, "nodes 2"]:
    """Positions in the unit square: springs along edges, all nodes repelling each other.

    References
    ----------
    Fruchterman and Reingold (1991), Graph drawing by force-directed placement,
    doi:10.1002/spe.4380211102; started from a spiral, so the picture does not change.
    """
    turn = np.arange(nodes) * 2.399963
    radius = np.sqrt((np.arange(nodes) + 0.5) / max(nodes, 1))
    places = np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1)
    joined = np.zeros((nodes, nodes))
    joined[edges[:, 0], edges[:, 1]] = joined[edges[:, 1], edges[:, 0]] = 1.0
    ideal = 1.5 / np.sqrt(max(nodes, 1))
    for heat in np.geomspace(0.2, 0.002, 150):
        gaps = places[:, None, :] - places[None, :, :]
        far = np.sqrt((gaps**2).sum(axis=2)) + 1e-9
        pull = ideal**2 / far**2 - joined * far / ideal
        pull[np.diag_indices(nodes)] = 0.0
        force = (gaps * pull[:, :, None]).sum(axis=1) - 0.3 * places
        strength = np.sqrt((force**2).sum(axis=1, keepdims=True)) + 1e-12
        places = places + force / strength * np.minimum(strength, heat)
    low = places.min(axis=0, initial=0.0)
    return (places - low) / max(float((places - low).max(initial=0.0)), 1e-9)


def graph_chart(
    edges: Int64[np.ndarray, "m 2"],
    marked: Bool[np.ndarray, " m"],
    kinds: Sequence[str],
    *,
    title: str,
    colours: dict[str, str],
    marked_name: str,
    edge_colour: str,
) -> dict[str, Any]:
    """Vega-Lite specification of a graph whose nodes have ``kinds`` and some edges are marked."""
    places = layout(len(kinds), edges)
    crowded = len(edges) > 600
    lines = [
        {
            "x": round(float(places[i, 0]), 4),
            "y": round(float(places[i, 1]), 4),
            "x2": round(float(places[j, 0]), 4),
            "y2": round(float(places[j, 1]), 4),
            "edge": marked_name if mark else "other edge",
        }
        for (i, j), mark in zip(edges.tolist(), marked.tolist(), strict=True)
    ]
    points = [
        {"x": round(float(x), 4), "y": round(float(y), 4), "node": node + 1, "kind": kind}
        for node, ((x, y), kind) in enumerate(zip(places.tolist(), kinds, strict=True))
    ]
    axes = {"axis": None, "type": "quantitative"}
    layers: list[dict[str, Any]] = [
        {
            "data": {"values": lines},
            "mark": {"type": "rule", "opacity": 0.3 if crowded else 0.9},
            "encoding": {
                "x": {"field": "x", **axes},
                "y": {"field": "y", **axes},
                "x2": {"field": "x2"},
                "y2": {"field": "y2"},
                "color": colour({"other edge": "#cdd2d6", marked_name: edge_colour}, "edge"),
            },
        },
        {
            "data": {"values": points},
            "mark": {"type": "circle", "opacity": 1, "size": 60 if len(kinds) > 60 else 160},
            "encoding": {
                "x": {"field": "x", **axes},
                "y": {"field": "y", **axes},
                "color": colour(colours),
                "tooltip": [{"field": "node"}, {"field": "kind"}],
            },
        },
    ]
    return {
        "$schema": SCHEMA,
        "title": title,
        "width": 420,
        "height": 420,
        "layer": layers,
        "resolve": {"scale": {"color": "independent"}},
        "config": {"view": {"stroke": None}},
    }


def colour(colours: dict[str, str], field: str = "kind") -> dict[str, Any]:
    """Colour encoding of a nominal field with one fixed colour a value."""
    return {
        "field": field,
        "type": "nominal",
        "scale": {"domain": list(colours), "range": list(colours.values())},
        "legend": {"title": None},
    }
