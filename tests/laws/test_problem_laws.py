"""Every registered family obeys the laws of problems."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

import pytest

from qupel.testing.problem import check_family

FAMILIES = sorted(entry_points(group="qupel.families"), key=lambda point: point.name)


@pytest.mark.parametrize("point", FAMILIES, ids=lambda point: point.name)
def test_generated_instances_obey_the_laws(point: EntryPoint) -> None:
    check_family(point.load())


def test_all_seven_families_are_registered() -> None:
    names = {point.name for point in FAMILIES}
    assert names >= {"maxcut", "qubo", "mis", "subset", "jobshop", "cvrp", "vrptw"}
