"""Charts of a comparison."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from qupel.reports import charts
from qupel.reports.render import to_svg


def whisker(low: float, high: float, kind: str = "hybrid") -> dict[str, Any]:
    return {"arm": kind, "kind": kind, "versus": kind, "estimate": low, "low": low, "high": high}


STEPS: list[dict[str, Any]] = [
    {"arm": arm, "seconds": seconds, "share": share}
    for arm in ("one", "two")
    for seconds, share in ((0.1, 0.0), (0.4, 0.5), (1.0, 1.0))
]

SPECS = {
    "intervals": charts.intervals([whisker(1, 2)], value="gap", title="Gap", order=["hybrid"]),
    "intervals without width": charts.intervals(
        [whisker(0, 0)], value="gap", title="Gap", order=["hybrid"]
    ),
    "contributions": charts.contributions([whisker(-1, 2)], unit="%"),
    "ecdf": charts.ecdf(STEPS, budget=1.0, order=["one", "two"]),
    "stages": charts.stages([{"arm": "one", "stage": "execute", "seconds": 1.0}], order=["one"]),
    "effects": charts.effects([{"case": "a", "effect": 0.0}], margin=1.0, unit="%"),
    "effects of many cases": charts.effects(
        [{"case": str(k), "effect": math.sin(k)} for k in range(200)], margin=1.0, unit="%"
    ),
}


@pytest.mark.parametrize("name", SPECS)
def test_chart_is_plain_json_and_compiles_without_a_warning(
    name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    json.dumps(SPECS[name], allow_nan=False)
    svg = to_svg(SPECS[name])
    assert svg.startswith("<svg")
    assert "NaN" not in svg
    printed = capfd.readouterr()
    assert printed.out + printed.err == ""


def texts(spec: charts.Spec) -> str:
    return to_svg(spec)


def test_legend_shows_only_kinds_that_occur() -> None:
    svg = texts(SPECS["intervals"])
    assert "hybrid" in svg
    assert all(kind not in svg for kind in ("status quo", "inspired", "quantum"))


def test_legend_shows_only_stages_that_occur() -> None:
    svg = texts(SPECS["stages"])
    assert ">execute<" in svg
    assert ">queue<" not in svg


def test_interval_without_width_has_caps_and_a_point() -> None:
    layers = SPECS["intervals without width"]["layer"]
    assert [layer["mark"]["type"] for layer in layers] == ["rule", "tick", "tick", "point"]


def test_two_curves_share_one_legend() -> None:
    assert texts(SPECS["ecdf"]).count(">one<") == 1


@pytest.mark.parametrize(
    ("seconds", "first"),
    [
        ([0.6, 0.7], 0.1),
        ([2e-4], 1e-4),
        ([0.0, 3e-5], 1e-5),
        ([1.0], 0.1),
        ([0.0], 0.1),
        ([1e-9], 1e-7),
    ],
)
def test_time_axis_begins_below_the_first_step(seconds: list[float], first: float) -> None:
    assert charts.first_second(seconds, budget=1.0) == pytest.approx(first)


def test_time_axis_names_the_budget_and_nothing_beside_it() -> None:
    spec = charts.ecdf([{**row, "seconds": row["seconds"] * 1.1} for row in STEPS],
                       budget=1.1, order=["one", "two"])  # fmt: skip
    ticks = spec["encoding"]["x"]["axis"]["values"]
    assert ticks[-1] == 1.1
    assert 1.0 not in ticks


def test_many_cases_stay_on_one_page_and_are_put_in_order() -> None:
    spec = SPECS["effects of many cases"]
    values = [row["effect"] for row in spec["data"]["values"]]
    assert values == sorted(values, reverse=True)
    assert spec["height"]["step"] * len(values) < 700
