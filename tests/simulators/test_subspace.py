from __future__ import annotations

import numpy as np
import pytest

from qupel.errors import InputError
from qupel.model import Quota
from qupel.model.quota import keep_quotas
from qupel.simulators.subspace import Subspace


def test_without_quotas_it_is_the_whole_cube_in_order() -> None:
    cube = Subspace(4)
    assert cube.size == 16
    np.testing.assert_array_equal(cube.masks(), np.arange(16))
    np.testing.assert_array_equal(cube.bits(np.array([6])), [[0, 1, 1, 0]])


@pytest.mark.parametrize(
    ("variables", "quotas"),
    [
        (5, (Quota((0, 1, 2, 3, 4), 2),)),
        (7, (Quota((1, 3, 6), 1), Quota((0, 4), 2))),
        (4, (Quota((0, 1), 0), Quota((2, 3), 1))),
        (3, (Quota((), 0),)),
    ],
)
def test_every_state_is_held_once_and_keeps_the_quotas(
    variables: int, quotas: tuple[Quota, ...]
) -> None:
    space = Subspace(variables, quotas)
    every = (np.arange(2**variables)[:, None] >> np.arange(variables)) & 1
    expected = np.flatnonzero(keep_quotas(every, quotas))
    assert space.size == expected.size
    np.testing.assert_array_equal(np.sort(space.masks()), expected)
    bits = space.bits(np.arange(space.size))
    np.testing.assert_array_equal(bits @ (1 << np.arange(variables)), space.masks())


def test_free_variables_are_the_lowest_bits_of_an_index() -> None:
    space = Subspace(4, (Quota((0, 2), 1),))
    assert space.free == (1, 3)
    np.testing.assert_array_equal(
        space.bits(np.array([0, 1, 2])), [[1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 0, 1]]
    )


def test_rotations_are_counted() -> None:
    space = Subspace(9, (Quota(tuple(range(5)), 2), Quota((5, 6), 1)))
    assert space.rotations(ring=True) == 5 + 1
    assert space.rotations(ring=False) == 10 + 1


@pytest.mark.parametrize(
    ("variables", "quotas"),
    [(63, (Quota(tuple(range(63)), 1),)), (32, (Quota(tuple(range(32)), 16),))],
)
def test_too_many_states_are_refused(variables: int, quotas: tuple[Quota, ...]) -> None:
    with pytest.raises(InputError, match="at most 67,108,864"):
        Subspace(variables, quotas)


def test_a_form_far_too_large_is_refused_in_one_short_line() -> None:
    with pytest.raises(InputError, match=r"about 2\^5000\.0 states") as caught:
        Subspace(5000)
    assert len(str(caught.value)) < 200
