"""Amazon Braket through ``boto3``, and Braket's own local simulator on this machine.

Credentials come from ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY`` and, for temporary ones,
``AWS_SESSION_TOKEN``; ``QUPEL_BRAKET_BUCKET`` names the S3 bucket for results. Braket's SDK is not
used to submit: it makes a new client token for every call, and its batches submit again what is
merely slow. Our client token follows from the order's key, and boto sends every request once.

``braket:local`` is the state vector simulator of ``amazon-braket-sdk``.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from typing import Protocol

from qupel.backends.adapters.braket_formats import (
    LONGEST_RUN,
    check_echo,
    reading_of,
    simulated_seconds,
    source_of,
    written,
)
from qupel.backends.adapters.claims import (
    age_of,
    bill_of,
    bills_of,
    bound_of,
    currency_of,
    profile_behind,
)
from qupel.backends.adapters.documents import mapping, read_json
from qupel.backends.adapters.limits import check_fits, check_settings, shape_of
from qupel.backends.adapters.moments import moment
from qupel.backends.adapters.readings import facts_of_shots
from qupel.backends.catalogue.prices import Counts, PerSecond, Usage, price
from qupel.backends.catalogue.profile import DeviceProfile
from qupel.backends.contract import (
    Capabilities,
    Estimate,
    JobStatus,
    Kind,
    Lookup,
    Order,
    Result,
    State,
)
from qupel.backends.credentials import secret_in, word_in
from qupel.model.circuit import Circuit
from qupel.model.evidence import Evidence
from qupel.model.money import Money

KEY_VARIABLE, SECRET_VARIABLE = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"
BUCKET_VARIABLE, PREFIX = "QUPEL_BRAKET_BUCKET", "qupel"
#: Resource names of devices by ours; the region stands in the name, the simulator has none.
ARNS = {
    "sv1": "arn:aws:braket:::device/quantum-simulator/amazon/sv1",
    "ionq-forte-1": "arn:aws:braket:us-east-1::device/qpu/ionq/Forte-1",
    "iqm-garnet": "arn:aws:braket:eu-north-1::device/qpu/iqm/Garnet",
    "rigetti-ankaa-3": "arn:aws:braket:us-west-1::device/qpu/rigetti/Ankaa-3",
}
#: Settings of an order that are taken: Braket has no seed, so that one has no effect.
SETTINGS = frozenset({"seed"})
#: Variables that hold words, with their form, an example, and what stands for an unset one.
REGION_VARIABLE = "AWS_REGION"
REGION = (r"[a-z]{2}(-[a-z]+)+-\d", "us-east-1", "us-east-1")
BUCKET = (r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "amazon-braket-us-east-1-123456789012")


class Line(Protocol):
    """Where tasks are made."""

    def create(self, source: str, shots: int, token: str, tag: str) -> str:
        """Make a task of an OpenQASM program once; the errors are those of `Backend.submit`."""
        ...

    def find(self, tag: str) -> list[str]:
        """Tasks under a tag."""
        ...

    def listed(self, prefix: str) -> list[tuple[str, str]]:
        """Tasks of this device whose tag begins so, each with it."""
        ...

    def status(self, job: str) -> tuple[JobStatus, int | None]:
        """Where a task stands, and its shots as far as they are told."""
        ...

    def fetch(self, job: str, tag: str) -> bytes:
        """Result document of a task; `ResultError` if it is under another tag."""
        ...

    def cancel(self, job: str) -> None:
        """Ask for a task not to be run."""
        ...


def open(device: str) -> Braket:  # noqa: A001  # every provider's entry point has this name
    """Open ``local``, or a device that a profile names, such as ``sv1`` or ``iqm-garnet``.

    Raises
    ------
    InputError
        If there is no such device, no credentials in the environment, or a library is missing.
    """
    if device == "local":
        from qupel.backends.adapters.braket_local import Simulator

        return Braket(device, Simulator(), None, Evidence.NOISELESS)
    from qupel.backends.adapters.braket_aws import Aws

    profile = profile_behind("braket", device)
    secret_in(KEY_VARIABLE)
    secret_in(SECRET_VARIABLE)
    elsewhere = any(name.startswith("AWS_ENDPOINT_URL") for name in os.environ)
    kind = Evidence.NOISELESS if profile.simulated else Evidence.HARDWARE
    region = ARNS[device].split(":")[3] or word_in(REGION_VARIABLE, *REGION)
    line = Aws(ARNS[device], region, word_in(BUCKET_VARIABLE, *BUCKET), PREFIX)
    return Braket(device, line, profile, Evidence.EMULATOR if elsewhere else kind, region)


@dataclass(slots=True, eq=False)
class Braket:
    """One of Amazon Braket's devices.

    Attributes
    ----------
    device
        Its name here.
    line
        Where tasks are made.
    profile
        What the catalogue says of it; None for the local simulator.
    evidence
        What kind of machine answers.
    region
        Where tasks and results lie.
    settle_seconds
        After how long a task is found by its tag, the request's time included; AWS names no
        bound, so give one only if you know.
    """

    device: str
    line: Line
    profile: DeviceProfile | None
    evidence: Evidence = Evidence.EMULATOR
    region: str = ""
    settle_seconds: float | None = None

    @property
    def provider(self) -> str:
        """``braket``."""
        return "braket"

    def capabilities(self) -> Capabilities:
        """What it can do, by its profile."""
        profile = self.profile
        return Capabilities(
            kind=Kind.CIRCUIT,
            qubits=profile.qubits if profile else 24,
            max_shots=profile.max_shots if profile else 100_000,
            max_programs=1,
            lookup=Lookup.TAG,
            settle_seconds=self.settle_seconds,
            cancels=profile is not None,
            evidence=self.evidence,
            region=self.region,
            currency=currency_of(profile),
            profile=profile.name if profile else "",
            bills=bills_of(profile),
        )

    def estimate(self, order: Order) -> Estimate:
        """What an order will need; the cost is by the catalogue's price."""
        check_fits(order, self.capabilities(), self._where)
        circuits = [written(program) for program in order.programs]
        qubits, depth, pairs = shape_of(order)
        return Estimate(
            qubits=qubits,
            depth=depth,
            two_qubit_gates=pairs,
            shots=order.shots * len(circuits),
            run_seconds=None,
            queue_seconds=None,
            cost=self._bound(circuits, order.shots),
            remarks=(
                "depth and gates as written; Braket compiles for the device",
                "bills are computed from the shots or seconds that Braket tells",
                *age_of(self.profile),
            ),
        )

    def submit(self, order: Order) -> str:
        """Send one request to make a task, with a client token that follows from the key."""
        check_fits(order, self.capabilities(), self._where)
        check_settings(order, SETTINGS, self.provider)
        [program] = order.programs
        return self.line.create(source_of(program), order.shots, token_of(order), order.tag)

    def find(self, order: Order) -> list[str]:
        """Tasks that are tagged with the order's tag."""
        return self.line.find(order.tag)

    def listed(self, prefix: str) -> list[tuple[str, str]]:
        """Name and tag of the device's tasks that are listed and whose tag begins so."""
        return self.line.listed(prefix)

    def status(self, job: str) -> JobStatus:
        """Where a task stands; Braket tells no bill, so it is computed from the task's shots.

        What failed or was cancelled costs nothing, as Amazon's own `Tracker` counts.
        """
        status, shots = self.line.status(job)
        currency = currency_of(self.profile)
        if currency and status.state in {State.FAILED, State.CANCELLED}:
            return replace(status, billed=Money(0, currency))
        done = status.state is State.DONE
        return replace(status, billed=bill_of(self.profile, shots=shots) if done else None)

    def result(self, job: str, order: Order) -> Result:
        """Measured bits in our order; the program that Braket says it ran must be ours."""
        [program] = order.programs
        document = mapping(read_json(self.line.fetch(job, order.tag), "the result"), "the result")
        check_echo(document, source_of(program))
        reading = reading_of(document, program)
        metadata = document.get("taskMetadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        return Result(
            (reading,),
            job=job,
            device=self.device,
            evidence=self.evidence,
            billed=bill_of(self.profile, shots=order.shots, seconds=simulated_seconds(document)),
            facts={
                "created_at": moment(metadata.get("createdAt")),
                "ended_at": moment(metadata.get("endedAt")),
                **facts_of_shots([reading], order),
            },
        )

    def cancel(self, job: str) -> None:
        """Ask for a task not to be run."""
        self.line.cancel(job)

    @property
    def _where(self) -> str:
        return f"{self.provider}:{self.device}"

    def _bound(self, circuits: list[Circuit], shots: int) -> Money | None:
        if self.profile is None:
            return None
        if isinstance(self.profile.price, PerSecond):
            return price(self.profile.price, Usage((Counts(),), 1, LONGEST_RUN))
        return bound_of(self.profile, circuits, shots)


def token_of(order: Order) -> str:
    """Client token of an order: 64 characters that follow from its key."""
    return hashlib.sha256(order.key.encode()).hexdigest()
