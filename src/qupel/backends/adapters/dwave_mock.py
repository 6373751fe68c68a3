"""D-Wave's own mock sampler as a line: a descent on a small annealer's graph, in this process."""

from __future__ import annotations

import uuid
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from qupel.backends.adapters.dwave_sapi import Raw
from qupel.backends.adapters.embedding import Embedded, Graph
from qupel.backends.contract import JobStatus, State
from qupel.errors import InputError, ResultError


@dataclass(slots=True, eq=False)
class Mock:
    """Problems are sampled when they come, and kept for as long as the process lives."""

    _sampler: Any = field(default=None, init=False, repr=False)
    _held: dict[str, tuple[str, Raw]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                from dwave.system.testing import MockDWaveSampler
        except ImportError as error:
            raise InputError(
                "dwave-system is not installed; install it by: pip install dwave-system"
            ) from error
        self._sampler = MockDWaveSampler(topology_type="pegasus", topology_shape=[4])

    def graph(self) -> Graph:
        """A Pegasus graph of 264 qubits."""
        known = self._sampler.properties
        low, high = known["h_range"]
        weak, strong = known["j_range"]
        return Graph(
            tuple(self._sampler.nodelist),
            tuple((a, b) for a, b in self._sampler.edgelist),
            (float(low), float(high)),
            (float(weak), float(strong)),
        )

    def post(self, problem: Embedded, reads: int, microseconds: float | None, tag: str) -> str:
        """Sample a problem."""
        options = {} if microseconds is None else {"annealing_time": microseconds}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = self._sampler.sample_ising(
                dict(problem.fields), dict(problem.couplings), num_reads=reads, **options
            )
        record = found.record
        job = str(uuid.uuid4())
        self._held[job] = (
            tag,
            Raw(
                tuple(int(variable) for variable in found.variables),
                np.asarray(record.sample, np.int8),
                tuple(int(count) for count in record.num_occurrences),
                np.asarray(record.energy, np.float64),
                {},
            ),
        )
        return job

    def find(self, tag: str) -> list[str]:
        """Problems under a label."""
        return [job for job, (held, _) in self._held.items() if held == tag]

    def listed(self, prefix: str) -> list[tuple[str, str]]:
        """Problems whose label begins so, each with it."""
        return [(job, held) for job, (held, _) in self._held.items() if held.startswith(prefix)]

    def status(self, job: str) -> JobStatus:
        """Done, if it is known."""
        return JobStatus(State.DONE if job in self._held else State.UNKNOWN)

    def answer(self, job: str, tag: str) -> Raw:
        """What a problem gave."""
        held, raw = self._held.get(job, ("", None))
        if raw is None or held != tag:
            raise ResultError(f"job {job!r:.80} was not labelled with the order's tag")
        return raw

    def cancel(self, job: str) -> None:
        """Do nothing: problems are over at once."""
