"""Sequences that grow and stay as they are."""

from __future__ import annotations

from qupel.model.growing import Growing


def test_a_longer_sequence_leaves_the_shorter_one_as_it_is() -> None:
    one = Growing((1,))
    left, right = one.followed_by(2), one.followed_by(3)
    assert (one.items, left.items, right.items) == ((1,), (1, 2), (1, 3))


def test_items_may_be_read_between_additions() -> None:
    held = Growing[int](())
    for k in range(50):
        held = held.followed_by(k)
        if k % 7 == 0:
            assert held.items == tuple(range(k + 1))
    assert held.items == tuple(range(50))
    assert len(held) == 50


def test_a_long_chain_needs_no_deep_recursion() -> None:
    held = Growing[int](())
    for k in range(200_000):
        held = held.followed_by(k)
    assert held.items[-1] == 199_999
