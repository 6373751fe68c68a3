"""IBM's quantum computers by their REST interface, and IBM's own fake ones on this machine.

The key comes from ``QISKIT_IBM_TOKEN``, the instance (a CRN) from ``QISKIT_IBM_INSTANCE``; the
address from ``QUPEL_IBM_URL`` where it is not IBM's. Requests are our own: IBM's client sends a
submission again after a server error, up to five times, and waits 900 seconds for each reply.
Jobs are never private: a private result can be read once only.

``ibm:fake_torino`` and its like are the fake devices of ``qiskit-ibm-runtime``, sampled by its
``SamplerV2`` in local testing mode.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from qupel.backends.adapters.claims import (
    age_of,
    bill_of,
    bills_of,
    currency_of,
    profile_behind,
)
from qupel.backends.adapters.documents import listing, mapping
from qupel.backends.adapters.ibm_service import (
    INSTANCE_VARIABLE,
    TOKEN_VARIABLE,
    Line,
    Login,
    Machine,
    Service,
)
from qupel.backends.adapters.limits import check_fits, check_settings
from qupel.backends.adapters.readings import (
    bits_of_numbers,
    facts_of_shots,
    measured_of,
    reading_of_rows,
    same_length,
)
from qupel.backends.addresses import address_in
from qupel.backends.catalogue.profile import DeviceProfile
from qupel.backends.compiling import compile_circuit
from qupel.backends.contract import (
    Capabilities,
    Estimate,
    JobStatus,
    Kind,
    Lookup,
    Order,
    Program,
    Reading,
    Result,
)
from qupel.backends.credentials import secret_in
from qupel.backends.http import HttpTransport
from qupel.errors import InputError, RefusedError, ResultError
from qupel.model.circuit import Circuit
from qupel.model.evidence import Evidence
from qupel.model.money import Money

URL_VARIABLE, IDENTITY_VARIABLE = "QUPEL_IBM_URL", "QUPEL_IBM_IDENTITY_URL"
HOME, IDENTITY = "https://quantum.cloud.ibm.com/api/v1", "https://iam.cloud.ibm.com"
MAKER = ".cloud.ibm.com"
#: Seconds until a submission is listed by its tag: twice what IBM's client waits for a reply.
LAG = 1800.0
#: Programs of a job, and shots of all of them, at most.
MOST_PROGRAMS, MOST_EXECUTIONS = 100, 10_000_000
#: Settings of an order that are understood: the seed of a fake device.
SETTINGS = frozenset({"seed"})


def open(device: str) -> Ibm:  # noqa: A001  # every provider's entry point has this name
    """Open a device that a profile names, such as ``ibm_fez``, or a fake one.

    Raises
    ------
    InputError
        If there is no such device, no credentials in the environment, or a library is missing.
    """
    if device.startswith("fake_"):
        from qupel.backends.adapters.ibm_local import Fake

        return Ibm(device, Fake(device), None, Evidence.NOISY)
    profile = profile_behind("ibm", device)
    url, identity = address_in(URL_VARIABLE, HOME), address_in(IDENTITY_VARIABLE, IDENTITY)
    instance = secret_in(INSTANCE_VARIABLE)
    secret_in(TOKEN_VARIABLE)
    ours = (urlsplit(url).hostname or "").endswith(MAKER)
    to_identity = HttpTransport(
        identity, address_variable=IDENTITY_VARIABLE, key_variable=TOKEN_VARIABLE
    )
    transport = HttpTransport(
        url,
        Login(to_identity, instance),
        address_variable=URL_VARIABLE,
        key_variable=f"{TOKEN_VARIABLE} or {INSTANCE_VARIABLE}",
    )
    kind = Evidence.HARDWARE if ours else Evidence.EMULATOR
    return Ibm(device, Service(transport, device), profile, kind)


@dataclass(slots=True, eq=False)
class Ibm:
    """One of IBM's devices.

    Circuits are compiled to the device's gates and couplings before they are sent. A job may use
    the device for a limited time, which is sent along, so that its bill has a bound.

    Attributes
    ----------
    device
        Its name at IBM.
    line
        Samples.
    profile
        What the catalogue says of it; None for a fake one.
    evidence
        What kind of machine answers.
    timeout, lag_seconds
        Seconds for one request, and until a job is listed under its tag; None if nobody knows.
    """

    device: str
    line: Line
    profile: DeviceProfile | None
    evidence: Evidence = Evidence.EMULATOR
    timeout: float = 60.0
    lag_seconds: float | None = LAG
    _machine: Machine | None = field(default=None, init=False, repr=False)

    @property
    def provider(self) -> str:
        """``ibm``."""
        return "ibm"

    def capabilities(self) -> Capabilities:
        """What it can do; the device is asked the first time."""
        known = self._known()
        return Capabilities(
            kind=Kind.CIRCUIT,
            qubits=known.target.qubits,
            max_shots=known.max_shots,
            max_programs=MOST_PROGRAMS,
            lookup=Lookup.TAG,
            settle_seconds=None if self.lag_seconds is None else self.timeout + self.lag_seconds,
            cancels=True,
            evidence=self.evidence,
            region=self.profile.regions[0] if self.profile and self.profile.regions else "",
            currency=currency_of(self.profile),
            profile=self.profile.name if self.profile else "",
            bills=bills_of(self.profile),
        )

    def estimate(self, order: Order) -> Estimate:
        """Sizes as compiled; the cost is that of the longest time the job may use."""
        circuits = self._compiled(order)
        seconds = self._seconds(circuits, order)
        return Estimate(
            qubits=max(len(_used(circuit)) for circuit in circuits),
            depth=max(circuit.depth() for circuit in circuits),
            two_qubit_gates=max(circuit.two_qubit_gates() for circuit in circuits),
            shots=order.shots * len(circuits),
            run_seconds=seconds,
            queue_seconds=None,
            cost=self._bound(_limit(seconds)),
            remarks=(
                f"the job may use the device for {_limit(seconds)} s at most",
                "bills are computed from the seconds that IBM tells",
                *age_of(self.profile),
            ),
        )

    def submit(self, order: Order) -> str:
        """Send one request to accept the order, tagged with its tag."""
        circuits = self._compiled(order)
        return self.line.post(circuits, order, _limit(self._seconds(circuits, order)))

    def find(self, order: Order) -> list[str]:
        """Jobs that IBM lists under the order's tag."""
        return self.line.find(order.tag)

    def listed(self, prefix: str) -> list[tuple[str, str]]:
        """Name and tag of the device's jobs that are listed and whose tag begins so."""
        return self.line.listed(prefix)

    def status(self, job: str) -> JobStatus:
        """Where a job stands; the bill is computed: IBM's seconds at the catalogue's price."""
        status, seconds = self.line.status(job)
        if seconds is None or not status.state.final:
            return status
        return replace(status, billed=bill_of(self.profile, seconds=Decimal(math.ceil(seconds))))

    def result(self, job: str, order: Order) -> Result:
        """Counts of the shots, classical bit ``k`` in column ``k``."""
        document = mapping(self.line.samples(job, order.tag), "the result")
        results = listing(document.get("results"), "results")
        same_length(results, order)
        readings = tuple(
            _reading(result, program, f"results[{k}]")
            for k, (result, program) in enumerate(zip(results, order.programs, strict=True))
        )
        return Result(
            readings,
            job=job,
            device=self.device,
            evidence=self.evidence,
            facts=facts_of_shots(readings, order),
        )

    def cancel(self, job: str) -> None:
        """Ask for a job not to be run."""
        self.line.cancel(job)

    def _known(self) -> Machine:
        if self._machine is None:
            self._machine = self.line.machine()
        return self._machine

    def _compiled(self, order: Order) -> list[Circuit]:
        where = f"{self.provider}:{self.device}"
        check_fits(order, self.capabilities(), where)
        executions = order.shots * len(order.programs)
        if executions > MOST_EXECUTIONS:
            raise RefusedError(f"{where} takes {MOST_EXECUTIONS} shots of all, got {executions}")
        check_settings(order, SETTINGS, self.provider)
        target = self._known().target
        return [
            compile_circuit(program, target).circuit
            for program in order.programs
            if isinstance(program, Circuit)
        ]

    def _seconds(self, circuits: list[Circuit], order: Order) -> float:
        times = self.profile.times if self.profile else None
        if times is None:
            return 0.0
        each = times.reset + times.readout
        return times.job + order.shots * sum(
            each + circuit.depth() * max(times.two_qubit, times.one_qubit) for circuit in circuits
        )

    def _bound(self, seconds: int) -> Money | None:
        if not currency_of(self.profile):
            return None
        cost = bill_of(self.profile, seconds=Decimal(seconds))
        if cost is None:
            raise InputError(
                f"no price by the second of {self.device} is published, so a bill has no bound; "
                "write a profile of your own with the price of your contract"
            )
        return cost


def _reading(result: Any, program: Program, what: str) -> Reading:
    data = mapping(mapping(result, what).get("data"), f"{what}: data")
    if len(data) != 1:
        raise ResultError(f"{what}: one register was measured, {len(data)} came back")
    [register] = data.values()
    held = mapping(register, f"{what}: a register")
    width = len(measured_of(program))
    if held.get("num_bits") != width:
        raise ResultError(f"{what}: {width} bits were measured, got {held.get('num_bits')!r:.20}")
    samples = listing(held.get("samples"), f"{what}: samples")
    counted: dict[str, int] = {}
    for sample in samples:
        if not isinstance(sample, str):
            raise ResultError(f"{what}: a sample is hexadecimal text, got {sample!r:.40}")
        counted[sample] = counted.get(sample, 0) + 1
    outcomes = [_outcome(sample, width, what) for sample in counted]
    rows = bits_of_numbers(outcomes, range(width))
    return reading_of_rows(np.ascontiguousarray(rows), list(counted.values()), what)


def _outcome(sample: str, width: int, what: str) -> int:
    digits = sample.removeprefix("0x")
    try:
        outcome = int(digits, 16) if digits.isalnum() and len(digits) <= 100 else -1
    except ValueError:
        outcome = -1
    if outcome < 0 or outcome >> width or digits == sample:
        raise ResultError(f"{what}: {sample!r:.40} is no outcome of {width} bits")
    return outcome


def _used(circuit: Circuit) -> set[int]:
    return {qubit for gate in circuit.gates for qubit in gate.qubits} | set(circuit.measured or ())


def _limit(seconds: float) -> int:
    """Longest use of the device that is allowed: thrice what is expected, and 10 s at least."""
    return max(10, math.ceil(3 * seconds))
