from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qupel.backends.contract import Annealing, Order, Reading, Result, Times
from qupel.errors import InputError
from qupel.model.circuit import Circuit
from qupel.model.evidence import Evidence
from qupel.model.ising import Ising
from qupel.model.money import Money
from qupel.model.quota import Quota
from qupel.runs.ledger.payloads import (
    compressed,
    decompressed,
    name_of,
    order_bytes,
    order_from,
    programs_hash,
    result_bytes,
    result_from,
)

BELL = Circuit(3).h(0).cx(0, 1).rx(0.1 + 0.2, 2).measure(2, 0)
FORM = Ising([0.1, -2.0, 0.0], np.triu(np.full((3, 3), 0.3), 1), 1.5, [Quota((0, 2), 1)])


def test_an_order_of_circuits_comes_back_equal() -> None:
    order = Order((BELL, Circuit(1).x(0)), 100, "key", "tag", {"seed": 7, "noise": [0.5, None]})
    back = order_from(order_bytes(order))
    assert [program.gates for program in back.programs] == [BELL.gates, Circuit(1).x(0).gates]  # type: ignore[union-attr]
    assert (back.programs[0].measured, back.programs[1].measured) == ((2, 0), None)  # type: ignore[union-attr]
    assert (back.shots, back.key, back.tag) == (100, "key", "tag")
    assert back.settings == order.settings
    assert order_bytes(back) == order_bytes(order)


def test_an_order_of_annealings_comes_back_equal() -> None:
    back = order_from(order_bytes(Order((Annealing(FORM, 20.0),), 5, "key", "tag")))
    program = back.programs[0]
    assert isinstance(program, Annealing)
    np.testing.assert_array_equal(program.form.fields, FORM.fields)
    np.testing.assert_array_equal(program.form.couplings.todense(), FORM.couplings.todense())
    assert (program.form.offset, program.form.quotas) == (1.5, FORM.quotas)
    assert program.microseconds == 20.0


def test_programs_are_known_again_whatever_the_shots_and_the_key() -> None:
    one = Order((BELL,), 1, "a", "b")
    assert programs_hash(one) == programs_hash(Order((BELL,), 9, "c", "d", {"seed": 1}))
    assert programs_hash(one) != programs_hash(Order((BELL.measure(0),), 1, "a", "b"))


@given(st.integers(0, 70), st.integers(1, 20), st.integers(0, 2**32 - 1), st.booleans())
def test_a_result_comes_back_equal(width: int, rows: int, seed: int, annealing: bool) -> None:
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, (rows, width), dtype=np.uint8)
    energies = rng.normal(size=rows) if annealing else None
    reading = Reading(bits, rng.integers(1, 2**40, rows), energies)
    times = Times(1.0, None, 2.5, 3.0)
    bill = Money(2**62, "EUR")
    result = Result((reading,), "p", "d", Evidence.NOISY, times, bill, "c", {"depth": 3})
    back = result_from(result_bytes(result))
    np.testing.assert_array_equal(back.readings[0].bits, bits)
    np.testing.assert_array_equal(back.readings[0].occurrences, reading.occurrences)
    if energies is not None:
        np.testing.assert_array_equal(back.readings[0].energies, energies)
    assert (back.times, back.billed, back.calibration) == (times, bill, "c")
    assert (back.job, back.device, back.evidence) == ("p", "d", Evidence.NOISY)
    assert result_bytes(back) == result_bytes(result)


def test_a_payload_that_was_changed_is_told() -> None:
    body = order_bytes(Order((BELL,), 1, "key", "tag"))
    assert decompressed(compressed(body), name_of(body)) == body
    with pytest.raises(InputError, match="was changed"):
        decompressed(compressed(body + b"x"), name_of(body))
    with pytest.raises(InputError, match="is damaged"):
        decompressed(b"nothing", name_of(body))
    with pytest.raises(InputError, match="a stored order, not a stored result"):
        result_from(body)
