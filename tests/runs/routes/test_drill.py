from __future__ import annotations

import pytest

from qupel.errors import InputError
from qupel.runs.routes.drill import Loss, drill
from qupel.runs.routes.route import Arm, Budget
from tests.runs.routes.conftest import CUT, route_to
from tests.runs.routes.providers import Rogue


@pytest.mark.slow
@pytest.mark.parametrize("loss", Loss)
def test_a_route_bears_the_loss_and_reconciles(loss: Loss) -> None:
    report = drill(route_to(Rogue(), deadline_seconds=3.0, fallback_seconds=1.0), CUT, (loss,))
    [lesson] = report.losses
    assert report.passed, lesson
    assert lesson.on_time == lesson.decisions == 2
    assert (lesson.lost, lesson.doubled) == (0, 0)
    assert lesson.answered_by == "fallback"
    if loss is Loss.NETWORK:
        assert lesson.late == 2
    if loss is Loss.PROVIDER:
        assert lesson.late >= 1  # the second may have found the breaker open


def test_a_route_without_a_provider_has_none_to_lose() -> None:
    route = route_to(Rogue(), primary=Arm("tabu"), budget=Budget())
    with pytest.raises(InputError, match="orders nothing from a provider"):
        drill(route, CUT)
