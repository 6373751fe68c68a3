import pytest
from hypothesis import given
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.problems.routing import Routes, VehicleType, plan_of, routes_of
from qupel.problems.routing_places import Places


@st.composite
def some_routes(draw: st.DrawFn) -> tuple[Routes, int]:
    customers = draw(st.integers(1, 12))
    order = draw(st.permutations(range(1, customers + 1)))
    cuts = sorted(draw(st.sets(st.integers(1, customers - 1)))) if customers > 1 else []
    bounds = list(zip([0, *cuts], [*cuts, customers], strict=True))
    kinds = draw(st.lists(st.integers(0, 3), min_size=len(bounds), max_size=len(bounds)))
    return Routes(tuple(tuple(order[a:b]) for a, b in bounds), tuple(kinds)), customers


@given(some_routes())
def test_plans_and_documents_give_the_routes_back(made: tuple[Routes, int]) -> None:
    routes, customers = made
    plan = plan_of(routes, customers)
    assert plan.shape == (2 * customers,)
    assert routes_of(plan) == routes
    assert Routes.from_document(routes.document()) == routes


def test_a_plan_that_does_not_fit_says_what_to_do() -> None:
    with pytest.raises(InputError, match="repair the answer first"):
        plan_of(Routes(((1, 2), (1, 2))), 2)


def test_routes_become_rows_and_a_frame() -> None:
    routes = Routes(((2, 1), (3,)), (0, 1))
    assert routes.rows()[1] == {"route": 1, "position": 2, "customer": 1, "vehicle": 0}
    assert routes.to_frame()["customer"].tolist() == [2, 1, 3]


def test_every_route_needs_a_vehicle() -> None:
    with pytest.raises(InputError, match="2 routes need as many vehicles, got 1"):
        Routes(((1,), (2,)), (0,))


def test_a_vehicle_type_has_room_and_a_price_that_can_be_added() -> None:
    with pytest.raises(InputError, match="at least 0"):
        VehicleType(-1)
    with pytest.raises(InputError, match="fixed_cost"):
        VehicleType(1, None, float("inf"))


@pytest.mark.parametrize(
    ("rounding", "ticks", "scale"),
    [("nearest", 3, 1), ("up", 3, 1), ("down", 2, 1), ("tenth", 28, 10), ("none", 8**0.5, 1)],
)
def test_each_rounding_has_its_own_distance(rounding: str, ticks: float, scale: int) -> None:
    places = Places.at([[0, 0], [2, 2]], rounding)  # type: ignore[arg-type]
    assert places.distances[0, 1] == pytest.approx(ticks, abs=1e-15)
    assert places.scale == scale
    again = Places.from_document(places.document())
    assert (again.distances == places.distances).all()


def test_given_distances_survive_their_document_and_must_make_sense() -> None:
    places = Places.apart([[0, 5], [7, 0]], scale=10)
    again = Places.from_document(places.document())
    assert again.distances.tolist() == [[0, 5], [7, 0]]
    assert (again.scale, again.rounding) == (10, "given")
    with pytest.raises(InputError, match="finite and at least 0"):
        Places.apart([[0, -1], [1, 0]])
    with pytest.raises(InputError, match="from a node to itself"):
        Places.apart([[1, 1], [1, 0]])
    with pytest.raises(InputError, match="do not fit"):
        Places.apart([[0, 1], [1, 0]], coordinates=[[0, 0]])
