"""Azure Quantum by its REST interface, over our own transport.

``AZURE_QUANTUM_CONNECTION_STRING`` names workspace, address and key. A job is put under a name of
our own choosing, so a submission that is repeated meets the first one. The name follows from the
order's key; that of Azure's library would carry this machine's address and the time.

Targets of IonQ and of Quantinuum are known: ``azure:ionq.qpu.forte-1``,
``azure:quantinuum.qpu.h2-1``.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from qupel.backends.adapters import exchange
from qupel.backends.adapters.azure_formats import DIALECTS, Dialect
from qupel.backends.adapters.azure_workspace import (
    CONNECTION_VARIABLE,
    Storage,
    Workspace,
    path_of,
    storage_at,
)
from qupel.backends.adapters.claims import age_of, bound_of, profile_behind
from qupel.backends.adapters.documents import listing, mapping, text
from qupel.backends.adapters.limits import check_fits, check_settings, shape_of
from qupel.backends.adapters.moments import moment
from qupel.backends.adapters.paging import all_pages
from qupel.backends.adapters.readings import facts_of_shots, measured_circuit
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
    Times,
)
from qupel.backends.http import HttpTransport
from qupel.backends.transport import Request, Transport
from qupel.errors import (
    InputError,
    RefusedError,
    ResultError,
    RunError,
    TransientError,
    UnknownOutcomeError,
)
from qupel.model.evidence import Evidence
from qupel.model.money import Money

#: Settings of an order that are understood: the seed draws the shots of a simulation.
SETTINGS = frozenset({"seed"})
#: Pages of a listing that are read at most.
MOST_PAGES = 500
MAKER = ".quantum.azure.com"

WORDS = {
    "Queued": State.QUEUED,
    "Waiting": State.QUEUED,
    "Executing": State.RUNNING,
    "Finishing": State.RUNNING,
    "CancellationRequested": State.RUNNING,
    "Cancelling": State.RUNNING,
    "Completed": State.DONE,
    "Succeeded": State.DONE,
    "Failed": State.FAILED,
    "Cancelled": State.CANCELLED,
}


def open(device: str) -> Azure:  # noqa: A001  # every provider's entry point has this name
    """Open a target that a profile names.

    Raises
    ------
    InputError
        If there is no such target, or no connection string in the environment.
    """
    profile = profile_behind("azure", device)
    connection = os.environ.get(CONNECTION_VARIABLE, "")
    if not connection.strip():
        raise InputError(f"no credentials: set the environment variable {CONNECTION_VARIABLE}")
    workspace = Workspace.of(connection)
    genuine = (urlsplit(workspace.endpoint).hostname or "").endswith(MAKER)
    where = CONNECTION_VARIABLE
    transport = HttpTransport(
        workspace.endpoint, workspace.headers, address_variable=where, key_variable=where
    )
    kind = Evidence.NOISELESS if profile.simulated else Evidence.HARDWARE
    evidence = kind if genuine else Evidence.EMULATOR
    return Azure(device, transport, workspace.path, storage_at, profile, evidence)


@dataclass(slots=True, eq=False)
class Azure:
    """One target of an Azure Quantum workspace.

    Attributes
    ----------
    device
        Its name at Azure.
    transport
        Carries requests to the service.
    workspace
        Path of the workspace.
    storage
        Gives the transport to the host of a storage address.
    profile
        What the catalogue says of it.
    evidence
        What kind of machine answers.
    timeout
        Seconds for one request.
    """

    device: str
    transport: Transport
    workspace: str
    storage: Callable[[str], Transport]
    profile: DeviceProfile
    evidence: Evidence = Evidence.EMULATOR
    timeout: float = 60.0

    @property
    def provider(self) -> str:
        """``azure``."""
        return "azure"

    def capabilities(self) -> Capabilities:
        """What it can do, by its profile."""
        return Capabilities(
            kind=Kind.CIRCUIT,
            qubits=self.profile.qubits,
            max_shots=self.profile.max_shots,
            max_programs=1,
            lookup=Lookup.KEY,
            settle_seconds=None,
            cancels=True,
            evidence=self.evidence,
            region=(self.profile.regions or ("",))[0],
            currency="USD",
            profile=self.profile.name,
        )

    def estimate(self, order: Order) -> Estimate:
        """What an order will need; the cost is by the catalogue's price."""
        self._check(order)
        circuits = [measured_circuit(program) for program in order.programs]
        qubits, depth, pairs = shape_of(order)
        return Estimate(
            qubits=qubits,
            depth=depth,
            two_qubit_gates=pairs,
            shots=order.shots,
            run_seconds=None,
            queue_seconds=None,
            cost=bound_of(self.profile, circuits, order.shots),
            remarks=(
                "depth and gates as they stand; the maker compiles for the device",
                *age_of(self.profile),
            ),
        )

    def submit(self, order: Order) -> str:
        """Store the program, then put one job under the name that follows from the order's key.

        Only the last request makes a job; when one before it fails, nothing was ordered.
        """
        self._check(order)
        dialect, job = self._dialect(), job_of(order)
        [program] = order.programs
        container = self._files().container(job)
        source = self._files().stored(container, dialect.write(program))
        document = {
            "id": job,
            "name": order.tag,
            "providerId": dialect.provider,
            "target": self.device,
            "containerUri": container,
            "inputDataUri": source,
            "inputDataFormat": dialect.program,
            "outputDataFormat": dialect.result,
            "inputParams": {"shots": order.shots},
            "tags": [order.tag],
            "metadata": {"qupel_tag": order.tag, "qupel_digest": digest_of(dialect.write(program))},
        }
        request = exchange.put(self._path(f"/jobs/{job}"), document, {}, self.timeout)
        try:
            told = exchange.submit(self.transport, request, keyed=True)
        except (RefusedError, exchange.HeldError) as error:
            told = self._taken(job, order, error)
        if not isinstance(told, dict) or told.get("id") != job:
            raise UnknownOutcomeError(f"job {job} was put, but the reply is of something else")
        return job

    def find(self, order: Order) -> list[str]:
        """The job of the order's key, if Azure has it."""
        job = job_of(order)
        known = self._job(job)
        return [job] if known is not None and _tag(known) == order.tag else []

    def listed(self, prefix: str) -> list[tuple[str, str]]:
        """Name and tag of the target's jobs that are listed and whose tag begins so."""

        def page(path: str | None) -> tuple[list[tuple[str, str]], str | None]:
            request = Request("GET", path or self._path("/jobs"), timeout=self.timeout)
            told = mapping(exchange.ask(self.transport, request), "a listing")
            jobs = [mapping(job, "a job") for job in listing(told.get("value"), "jobs")]
            following = told.get("nextLink")
            return [
                (text(job.get("id"), "id"), _tag(job))
                for job in jobs
                if _tag(job).startswith(prefix) and job.get("target") == self.device
            ], self._page(following) if following else None

        return list(dict(all_pages(page, MOST_PAGES)).items())

    def status(self, job: str) -> JobStatus:
        """Where a job stands; the bill is Azure's cost estimate of a job that is over."""
        told = self._job(job)
        if told is None:
            return JobStatus(State.UNKNOWN, "not found")
        word = told.get("status")
        state = WORDS.get(word, State.UNKNOWN) if isinstance(word, str) else State.UNKNOWN
        failed = told.get("errorData")
        why = f"{failed.get('code')}: {failed.get('message')}" if isinstance(failed, dict) else ""
        return JobStatus(
            state,
            word=f"{word!s:.80}",
            why=why[:300],
            times=_times(told),
            billed=_bill(told.get("costEstimate")) if state.final else None,
        )

    def result(self, job: str, order: Order) -> Result:
        """Counts of the shots, from the stored output of a job that was ours."""
        dialect = self._dialect()
        [program] = order.programs
        told = self._job(job)
        if told is None:
            raise ResultError(f"Azure knows no job {job!r:.80}")
        metadata = told.get("metadata")
        digest = metadata.get("qupel_digest") if isinstance(metadata, dict) else None
        if _tag(told) != order.tag or digest != digest_of(dialect.write(program)):
            raise ResultError(f"job {job!r:.80} is of another order")
        document = self._files().output(told, job)
        reading = dialect.read(document, order, self.profile.simulated)
        facts: dict[str, Any] = {"output_format": dialect.result}
        if dialect.provider == "ionq":
            facts["counts"] = (
                "drawn from probabilities" if self.profile.simulated else "shares of shots"
            )
        return Result(
            (reading,),
            job=job,
            device=self.device,
            evidence=self.evidence,
            times=_times(told),
            facts={**facts, **facts_of_shots([reading], order)},
        )

    def cancel(self, job: str) -> None:
        """Ask for a job not to be run, unless it is over."""
        if self.status(job).state.final:
            return
        path = self._path(f"/jobs/{exchange.segment(job)}:cancel")
        exchange.cancel(self.transport, Request("POST", path, timeout=self.timeout))

    def _check(self, order: Order) -> None:
        check_fits(order, self.capabilities(), f"{self.provider}:{self.device}")
        check_settings(order, SETTINGS, self.provider)

    def _dialect(self) -> Dialect:
        maker = self.device.partition(".")[0]
        if maker not in DIALECTS:
            raise InputError(f"targets of {maker!r} are not known; known: {', '.join(DIALECTS)}")
        return DIALECTS[maker]

    def _path(self, rest: str) -> str:
        return path_of(self.workspace, rest)

    def _files(self) -> Storage:
        return Storage(self.transport, self.workspace, self.storage, self.timeout)

    def _taken(self, job: str, order: Order, error: RunError) -> dict[str, Any]:
        """The job that a submission met, if it is our own order; else its error."""
        try:
            known = self._job(job)
        except TransientError:
            if isinstance(error, exchange.HeldError):
                raise error from None
            raise
        if known is not None and _tag(known) == order.tag:
            return known
        raise error

    def _page(self, link: Any) -> str:
        """Path of a listing's next page, which must be the workspace's: no other host is asked."""
        parts = urlsplit(link if isinstance(link, str) else "")
        if parts.path.lower() != f"{self.workspace}/jobs".lower() or not parts.query:
            raise ResultError("its next page is not one of the workspace's jobs")
        return f"{parts.path}?{parts.query}"

    def _job(self, job: str) -> dict[str, Any] | None:
        path = self._path(f"/jobs/{exchange.segment(job)}")
        return exchange.ask_for_job(self.transport, Request("GET", path, timeout=self.timeout), job)


def job_of(order: Order) -> str:
    """Name of an order's job: a random-looking UUID that follows from its key."""
    return str(uuid.UUID(bytes=hashlib.sha256(order.key.encode()).digest()[:16], version=4))


def digest_of(body: bytes) -> str:
    """What a job's metadata hold of its program."""
    return hashlib.sha256(body).hexdigest()


def _tag(told: Mapping[str, Any]) -> str:
    metadata = told.get("metadata")
    tag = metadata.get("qupel_tag") if isinstance(metadata, dict) else None
    return tag if isinstance(tag, str) else ""


def _times(told: Mapping[str, Any]) -> Times:
    return Times(
        created=moment(told.get("creationTime")),
        running=moment(told.get("beginExecutionTime")),
        finished=moment(told.get("endExecutionTime")),
    )


def _bill(told: Any) -> Money | None:
    if not isinstance(told, dict):
        return None
    total = told.get("estimatedTotal")
    if not isinstance(total, int | float) or not abs(total) < 1e9:
        return None
    try:
        return Money.of(total, text(told.get("currencyCode"), "the currency"))
    except (InputError, ResultError):
        return None
