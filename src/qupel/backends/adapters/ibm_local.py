"""IBM's local testing mode as a line: ``SamplerV2`` on one of its fake devices, in this process."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

from qupel.backends.adapters.ibm_service import Machine, target_of
from qupel.backends.adapters.kept import Kept
from qupel.backends.contract import JobStatus, Order
from qupel.backends.local import fingerprint
from qupel.errors import InputError, unknown_name
from qupel.model.circuit import Circuit
from qupel.model.to_qiskit import to_qiskit

MOST_SHOTS = 100_000


@dataclass(slots=True, eq=False)
class Fake:
    """A fake device: jobs are sampled when they come, and kept for as long as the process lives.

    Attributes
    ----------
    name
        Such as ``fake_torino``.
    """

    name: str
    _backend: Any = field(default=None, init=False, repr=False)
    _kept: Kept[Any] = field(default_factory=Kept, init=False, repr=False)

    def __post_init__(self) -> None:
        provider = _library().fake_provider.FakeProviderForBackendV2()
        known = {backend.name: backend for backend in provider.backends()}
        if self.name not in known:
            raise unknown_name("fake IBM device", self.name, known)
        self._backend = known[self.name]

    def machine(self) -> Machine:
        """Gates and couplings of the fake device."""
        pairs = [list(pair) for pair in self._backend.coupling_map.get_edges()]
        names = list(self._backend.operation_names)
        return Machine(target_of(self._backend.num_qubits, names, pairs), MOST_SHOTS, True)

    def post(self, circuits: list[Circuit], order: Order, seconds: int) -> str:
        """Sample circuits; the seed is the order's, or follows from it."""
        seed = int(order.settings.get("seed", int(fingerprint(order)[:8], 16) % 2**31))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # local mode tells which options it leaves out
            sampler = _library().SamplerV2(mode=self._backend)
            found = []
            # One run a circuit: in a batch with noise, Aer 0.18 gives wrong bits for a small one
            # that follows a wide one.
            for place, circuit in enumerate(circuits):
                sampler.options.simulator.seed_simulator = (seed + place) % 2**31
                found += sampler.run([to_qiskit(circuit)], shots=order.shots).result()
        return self._kept.keep(order.tag, {"results": [_plain(one) for one in found]})

    def find(self, tag: str) -> list[str]:
        """Jobs under a tag."""
        return self._kept.find(tag)

    def listed(self, prefix: str) -> list[tuple[str, str]]:
        """Jobs whose tag begins so, each with it."""
        return self._kept.listed(prefix)

    def status(self, job: str) -> tuple[JobStatus, float | None]:
        """Done, if it is known."""
        return self._kept.status(job), None

    def samples(self, job: str, tag: str) -> Any:
        """The result as the service would write it."""
        return self._kept.of(job, tag)

    def cancel(self, job: str) -> None:
        """Do nothing: jobs are over at once."""


def _plain(result: Any) -> dict[str, Any]:
    return {
        "data": {
            name: {
                "samples": [hex(int(row, 2)) for row in bits.get_bitstrings()],
                "num_bits": bits.num_bits,
            }
            for name, bits in result.data.items()
        }
    }


def _library() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import qiskit_ibm_runtime
            import qiskit_ibm_runtime.fake_provider
    except ImportError as error:
        raise InputError(
            'qiskit-ibm-runtime is not installed; install it by: pip install "qupel[ibm]"'
        ) from error
    return qiskit_ibm_runtime
