"""D-Wave's own mock sampler as a line: a descent on a small annealer's graph, in this process."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from qupel.backends.adapters.dwave_sapi import Raw
from qupel.backends.adapters.embedding import Embedded, Graph
from qupel.backends.adapters.kept import Kept
from qupel.backends.contract import JobStatus
from qupel.errors import InputError


@dataclass(slots=True, eq=False)
class Mock:
    """Problems are sampled when they come, and kept for as long as the process lives."""

    _sampler: Any = field(default=None, init=False, repr=False)
    _kept: Kept[Raw] = field(default_factory=Kept, init=False, repr=False)

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
        raw = Raw(
            tuple(int(variable) for variable in found.variables),
            np.asarray(record.sample, np.int8),
            tuple(int(count) for count in record.num_occurrences),
            np.asarray(record.energy, np.float64),
            {},
        )
        return self._kept.keep(tag, raw)

    def find(self, tag: str) -> list[str]:
        """Problems under a label."""
        return self._kept.find(tag)

    def listed(self, prefix: str) -> list[tuple[str, str]]:
        """Problems whose label begins so, each with it."""
        return self._kept.listed(prefix)

    def status(self, job: str) -> tuple[JobStatus, float | None]:
        """Done, if it is known."""
        return self._kept.status(job), None

    def answer(self, job: str, tag: str) -> Raw:
        """What a problem gave."""
        return self._kept.of(job, tag)

    def cancel(self, job: str) -> None:
        """Do nothing: problems are over at once."""
