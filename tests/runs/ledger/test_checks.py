from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qupel.backends.contract import Annealing, Order, Reading, Result
from qupel.errors import ResultError
from qupel.model.circuit import Circuit
from qupel.model.evidence import Evidence
from qupel.model.ising import Ising
from qupel.runs.ledger.checks import checked_result, width_of

FORM = Ising([1.0, -2.0], [[0.0, 0.5], [0.0, 0.0]], 3.0)
BELL = Circuit(2).h(0).cx(0, 1)


def order(program: Circuit | Annealing) -> Order:
    return Order((program,), 10, "key", "tag")


def result(bits: object, counts: object, energies: object = None) -> Result:
    held = None if energies is None else np.asarray(energies, np.float64)
    reading = Reading(np.asarray(bits, np.uint8), np.asarray(counts, np.int64), held)
    return Result((reading,), "p", "d", Evidence.EMULATOR)


def test_energies_are_computed_from_the_order_whatever_was_claimed() -> None:
    told = result([[0, 1], [0, 0]], [4, 6], [-99.0, 2.5])
    kept, remarks = checked_result(told, order(Annealing(FORM)), "p")
    energies = kept.readings[0].energies
    assert energies is not None
    bits = kept.readings[0].bits
    np.testing.assert_allclose(energies, FORM.energies(1 - 2 * bits.astype(np.int64)))
    assert "claimed energies are not those" in remarks[0]


def test_true_claims_raise_no_remark() -> None:
    told = result([[0, 1]], [10], FORM.energies(np.array([[1, -1]])))
    assert checked_result(told, order(Annealing(FORM)), "p")[1] == []


def test_rows_that_came_twice_are_merged() -> None:
    kept, _ = checked_result(result([[0, 1], [0, 1], [1, 1]], [3, 3, 4]), order(BELL), "p")
    assert kept.readings[0].bits.tolist() == [[0, 1], [1, 1]]
    assert kept.readings[0].occurrences.tolist() == [6, 4]


def test_a_program_that_measures_some_qubits_has_as_many_columns() -> None:
    assert width_of(Circuit(3).h(0).measure(2, 0)) == 2
    assert width_of(BELL) == 2
    assert width_of(Annealing(FORM)) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        replace(result([[0, 1]], [10]), job="q"),
        replace(result([[0, 1]], [10]), readings=()),
        replace(result([[0, 1]], [10]), readings=result([[0, 1]], [10]).readings * 2),
        result([[0, 1, 1]], [10]),
        result([[0, 2]], [10]),
        result([[0, 1]], [0]),
        result([[0, 1]], [-10]),
        result([[0, 1]], [1000]),
        result(np.zeros((0, 2)), np.zeros(0)),
    ],
)
def test_what_cannot_be_a_reading_is_not_believed(wrong: Result) -> None:
    with pytest.raises(ResultError):
        checked_result(wrong, order(BELL), "p")
