"""Documents of the neutral protocol."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qupel.backends.contract import Annealing, Program
from qupel.backends.emulator.job import digest_of
from qupel.backends.emulator.wire import plain_program, program_of, submission_of
from qupel.errors import InputError
from qupel.model.circuit import Circuit
from qupel.model.ising import Ising

NUMBERS = st.floats(-1e6, 1e6)


@given(st.data())
def test_an_annealing_survives_the_way_there(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 6))
    fields = data.draw(st.lists(NUMBERS, min_size=n, max_size=n))
    weights = data.draw(st.lists(NUMBERS, min_size=n * n, max_size=n * n))
    pairs = np.triu(np.array(weights).reshape(n, n), 1)
    sent = Annealing(Ising(fields, pairs, data.draw(NUMBERS)), data.draw(st.none() | st.just(20.0)))
    read = program_of(plain_program(sent))
    assert isinstance(read, Annealing)
    assert digest_of(read) == digest_of(sent)
    assert read.microseconds == sent.microseconds


def test_a_circuit_survives_the_way_there() -> None:
    circuit = Circuit(4).h(0).cx(0, 3).u(0.1, 0.2, 0.3, 1).rzz(1e-17, 1, 2).measure(3, 0)
    assert program_of(plain_program(circuit)) == circuit


def test_digests_differ_where_programs_do() -> None:
    programs: list[Program] = [
        Circuit(2).x(0),
        Circuit(2).x(1),
        Circuit(3).x(0),
        Circuit(2).x(0).measure(1, 0),
        Circuit(2).rx(0.1, 0),
        Circuit(2).rx(0.1 + 1e-16, 0),
        Annealing(Ising([1.0, 0.0], np.zeros((2, 2)))),
        Annealing(Ising([1.0, 0.0], np.zeros((2, 2)), 1.0)),
        Annealing(Ising([0.0, 1.0], np.zeros((2, 2)))),
    ]
    assert len({digest_of(program) for program in programs}) == len(programs)


GOOD: dict[str, Any] = {"device": "ideal", "shots": 5, "programs": [{"fields": [1.0, 2.0]}]}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([], "JSON object"),
        ({**GOOD, "programs": []}, "programs"),
        ({**GOOD, "shots": "5"}, "shots"),
        ({**GOOD, "shots": True}, "shots"),
        ({**GOOD, "device": 3}, "device"),
        ({**GOOD, "tag": "x" * 201}, "tag"),
        ({**GOOD, "settings": []}, "settings"),
        ({**GOOD, "programs": [{}]}, r"programs\[0\]"),
        ({**GOOD, "programs": [{"qasm": "qubit[2] q; wrong q;"}]}, "wrong"),
        ({**GOOD, "programs": [{"qasm": "input float a; qubit[1] q; rx(a) q[0];"}]}, "bind"),
        ({**GOOD, "programs": [{"fields": []}]}, "fields"),
        ({**GOOD, "programs": [{"fields": [1, "2"]}]}, "finite"),
        ({**GOOD, "programs": [{"fields": [1, True]}]}, "finite"),
        ({**GOOD, "programs": [{"fields": [1, 2], "couplings": [[0, 2, 1]]}]}, "coupling"),
        ({**GOOD, "programs": [{"fields": [1, 2], "couplings": [[0, 0, 1]]}]}, "diagonal"),
        ({**GOOD, "programs": [{"fields": [1, 2], "couplings": [[0, 1]]}]}, "weight"),
        ({**GOOD, "programs": [{"fields": [1, 2], "offset": None}]}, "finite"),
    ],
)
def test_what_is_no_order_is_refused_in_words(wrong: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        submission_of(wrong)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["device", "shots", "programs", "qasm", "fields", "couplings", "offset"]
            ),
            inner,
            max_size=5,
        )
    ),
)


@given(PLAIN)
def test_no_document_does_more_than_be_refused(document: Any) -> None:
    with contextlib.suppress(InputError):
        submission_of(document)
