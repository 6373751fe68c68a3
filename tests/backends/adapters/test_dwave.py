from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from qupel.backends.adapters import dwave
from qupel.backends.adapters.dwave import Dwave
from qupel.backends.adapters.dwave_sapi import Sapi, decoded, encoded
from qupel.backends.adapters.embedding import Embedded, Graph, embed, unembed
from qupel.backends.catalogue.listing import profile_named
from qupel.backends.contract import Annealing, Order, State
from qupel.errors import (
    InputError,
    RefusedError,
    ResultError,
    TransientError,
    UnknownOutcomeError,
)
from qupel.model.ising import Ising
from tests.backends.adapters.clouds import FakeSapi

#: Two spins: the first is a chain of qubits 3 and 9, the second is qubit 30.
PLACED = Embedded(
    ((3, 9), (30,)), {3: 0.5, 9: 0.5, 30: -1.0}, {(3, 9): -1.0, (9, 30): 0.25}, 1.0, 1.0
)


def test_problems_are_written_in_the_solver_s_own_order() -> None:
    plain = encoded(PLACED, Sapi(FakeSapi(), "s").graph())
    linear = np.frombuffer(base64.b64decode(plain["lin"]), "<f8")
    np.testing.assert_array_equal(linear, [0.5, np.nan, np.nan, 0.5, -1.0])
    # The solver's couplers among 3, 9 and 30 come as (9, 30), (3, 30), (3, 9).
    pairs = np.frombuffer(base64.b64decode(plain["quad"]), "<f8")
    assert pairs.tolist() == [0.25, 0.0, -1.0]


def test_answers_are_read_with_set_bits_as_spin_up() -> None:
    line = Sapi(FakeSapi(), "s")
    raw = line.answer(line.post(PLACED, 20, None, "tag"), "tag")
    assert raw.qubits == (3, 9, 30)
    assert raw.spins[0].tolist() == [-1, -1, 1]
    assert raw.occurrences == (15, 5)
    assert raw.facts == {"timing_microseconds": {"qpu_access_time": 1234.0}}
    spins, broken = unembed(PLACED, raw.qubits, raw.spins)
    assert (spins[0].tolist(), broken[0]) == ([-1, 1], 0)


def test_broken_chains_go_with_the_majority_and_are_counted() -> None:
    placed = Embedded(((1, 2, 3), (4, 5)), dict.fromkeys(range(1, 6), 0.0), {}, 1.0, 1.0)
    rows = np.array([[1, 1, -1, -1, 1], [-1, -1, -1, 1, 1]], np.int8)
    spins, broken = unembed(placed, (1, 2, 3, 4, 5), rows)
    assert spins.tolist() == [[1, -1], [-1, 1]]  # a tie goes to the first qubit
    assert broken.tolist() == [2, 0]


def cut(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda answer: answer.update({name: answer[name][:4]})


def doubles(*values: float) -> str:
    return base64.b64encode(np.array(values, "<f8").tobytes()).decode()


def integers(*values: int) -> str:
    return base64.b64encode(np.array(values, "<i4").tobytes()).decode()


SPOILT: dict[str, Callable[[dict[str, Any]], None]] = {
    "another format": lambda a: a.update(format="bq"),
    "no solutions": lambda a: a.pop("solutions"),
    "solutions cut": lambda a: a.update(solutions="AA=="),
    "no base64": lambda a: a.update(energies="%%%"),
    "energies that are none": lambda a: a.update(energies=doubles(np.nan, 1.0)),
    "fewer energies": lambda a: a.update(energies=doubles(1.0)),
    "occurrences of nothing": lambda a: a.update(num_occurrences=integers(0, 20)),
    "negative occurrences": lambda a: a.update(num_occurrences=integers(-1, 21)),
    "a qubit twice": lambda a: a.update(active_variables=integers(3, 3, 30)),
    "no qubits": lambda a: a.update(active_variables=""),
    "half a number": cut("num_occurrences"),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_an_answer_that_cannot_be_is_refused(spoil: Callable[[dict[str, Any]], None]) -> None:
    line = Sapi(FakeSapi(spoil=spoil), "s")
    job = line.post(PLACED, 20, None, "tag")
    with pytest.raises(ResultError):
        line.answer(job, "tag")


def test_an_answer_under_another_label_is_refused() -> None:
    line = Sapi(FakeSapi(), "s")
    with pytest.raises(ResultError, match="not labelled"):
        line.answer(line.post(PLACED, 20, None, "tag"), "another")


@pytest.mark.parametrize("fault", [500, 503, "lost", b"[]", b'[{"status": "PENDING"}]'])
def test_a_problem_of_unknown_fate_is_posted_once(fault: int | str | bytes) -> None:
    cloud = FakeSapi(faults=[("^POST", fault)])
    line = Sapi(cloud, "s")
    with pytest.raises(UnknownOutcomeError):
        line.post(PLACED, 20, None, "tag")
    assert cloud.count("POST", "/problems/") == 1
    assert line.find("tag") == (["problem-0"] if fault == "lost" else [])


def annealer() -> Dwave:
    return Dwave("Advantage_system4.1", Sapi(FakeSapi(), "s"), profile_named("dwave-advantage"))


def ordered(spins: int, microseconds: float | None = None, **settings: object) -> Order:
    form = Ising(np.ones(spins), np.triu(np.ones((spins, spins)), 1))
    return Order((Annealing(form, microseconds),), 10, "key", "tag", settings)


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (ordered(2, 0.1), "anneals for 0.5 to 2000 microseconds, got 0.1"),
        (ordered(2, 2001.0), "anneals for 0.5 to 2000 microseconds, got 2001"),
        (ordered(2, chain_strength=0), "chain_strength must be a number above 0, got 0"),
        (ordered(2, chain_strength="much"), "chain_strength must be a number above 0, got 'much'"),
        (ordered(2, seed="x"), "seed must be a whole number, got 'x'"),
        (ordered(2, colour="red"), "knows no setting 'colour'"),
    ],
)
def test_what_the_annealer_cannot_do_is_refused_with_numbers(order: Order, said: str) -> None:
    held = annealer()
    for act in (held.estimate, held.submit):
        with pytest.raises(RefusedError, match=said):
            act(order)


def test_a_form_with_more_couplings_than_couplers_is_refused_without_a_search() -> None:
    graph = Graph(tuple(range(8)), tuple((k, k + 1) for k in range(7)), (-4, 4), (-1, 1))
    [program] = ordered(5).programs
    assert isinstance(program, Annealing)
    with pytest.raises(RefusedError, match=r"5 variables with 10 couplings take .* has 7"):
        embed(program.form, graph, 0)


def test_a_problem_that_is_refused_is_told_so() -> None:
    refused = b'[{"error_code": 400, "error_msg": "invalid annealing time"}]'
    line = Sapi(FakeSapi(faults=[("^POST", refused)]), "s")
    with pytest.raises(RefusedError, match="invalid annealing time"):
        line.post(PLACED, 20, None, "tag")


@pytest.mark.parametrize(
    ("code", "error"),
    [(303, UnknownOutcomeError), (429, TransientError), (500, UnknownOutcomeError)],
)
def test_what_a_problem_s_code_leaves_open_is_no_refusal(code: int, error: type[Exception]) -> None:
    told = f'[{{"error_code": {code}, "error_msg": "odd"}}]'.encode()
    with pytest.raises(error, match=f"{code} odd"):
        Sapi(FakeSapi(faults=[("^POST", told)]), "s").post(PLACED, 20, None, "tag")


@pytest.mark.parametrize(
    ("word", "state"),
    [("PENDING", State.QUEUED), ("CANCELLED", State.CANCELLED), ("SUSPENDED", State.UNKNOWN)],
)
def test_words_are_known_or_unknown(word: str, state: State) -> None:
    line = Sapi(FakeSapi(status=word), "s")
    assert line.status(line.post(PLACED, 20, 5.0, "tag"))[0].state is state
    assert line.status("problem-99")[0].state is State.UNKNOWN


def test_an_answer_is_decoded_from_nothing_else() -> None:
    with pytest.raises(ResultError, match="format"):
        decoded({})


def test_missing_credentials_are_told_by_their_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DWAVE_API_TOKEN", raising=False)
    with pytest.raises(InputError, match="DWAVE_API_TOKEN"):
        dwave.open("Advantage_system4.1")
