"""Tasks at AWS, made through ``boto3`` with every retry switched off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from qupel.backends.adapters.braket_formats import action_of, tag_of
from qupel.backends.adapters.documents import text
from qupel.backends.adapters.exchange import CONFLICT, RENEWAL, UNAUTHORIZED, leaves_open
from qupel.backends.adapters.paging import all_pages
from qupel.backends.contract import JobStatus, State, Times
from qupel.backends.credentials import secret_in
from qupel.backends.http import LARGEST
from qupel.backends.secrets import cleaned, keep_secret
from qupel.errors import InputError, RefusedError, ResultError, TransientError, UnknownOutcomeError

Done = TypeVar("Done")


class UnauthorizedError(RefusedError):
    """AWS refused the credentials, or what they were used for; nothing was done."""


#: Errors after which nothing was sent, by their names in ``botocore.exceptions``.
UNSENT = (
    "EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError", "SSLError",
    "NoRegionError", "InvalidProxiesConfigError",
)  # fmt: skip
BUSY = frozenset({"ThrottlingException", "TooManyRequestsException", "SlowDown"})
#: Errors of credentials that have ended, which some of AWS's services tell by HTTP 400.
ENDED = frozenset({
    "ExpiredToken", "ExpiredTokenException", "InvalidToken", "InvalidClientTokenId",
    "UnrecognizedClientException", "TokenRefreshRequired",
})  # fmt: skip
#: Where the credentials are.
KEYS = "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"
MOST_PAGES = 100

WORDS = {
    "CREATED": State.QUEUED,
    "QUEUED": State.QUEUED,
    "RUNNING": State.RUNNING,
    "CANCELLING": State.RUNNING,
    "COMPLETED": State.DONE,
    "FAILED": State.FAILED,
    "CANCELLED": State.CANCELLED,
}


@dataclass(slots=True, eq=False)
class Aws:
    """One device of Amazon Braket.

    Attributes
    ----------
    arn, region
        The device's resource name, and where it is asked for.
    bucket, prefix
        Where results are put.
    timeout
        Seconds to connect, and for each read.
    """

    arn: str
    region: str
    bucket: str
    prefix: str
    timeout: float = 30.0
    _held: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def create(self, source: str, shots: int, token: str, tag: str) -> str:
        """Make a task once."""
        try:
            made = self._call(
                "braket", "create_quantum_task",
                clientToken=token, deviceArn=self.arn, shots=shots, action=action_of(source),
                outputS3Bucket=self.bucket, outputS3KeyPrefix=self.prefix,
                tags={"qupel_tag": tag},
            )  # fmt: skip
            return text(made.get("quantumTaskArn"), "the task's name")
        except ResultError as error:
            raise UnknownOutcomeError(f"a task was made, but {error}") from error

    def find(self, tag: str) -> list[str]:
        """Tasks of the device under a tag."""
        return [job for job, held in self._search() if held == tag]

    def listed(self, prefix: str) -> list[tuple[str, str]]:
        """Tasks of the device whose tag begins so, each with it; no filter of AWS's names tags."""
        return [(job, held) for job, held in self._search() if held.startswith(prefix)]

    def status(self, job: str) -> tuple[JobStatus, int | None]:
        """Where a task stands, and its shots."""
        task = self._task(job)
        if task is None:
            return JobStatus(State.UNKNOWN, "not found"), None
        word = str(task.get("status"))
        times = Times(
            created=_seconds(task.get("createdAt")), finished=_seconds(task.get("endedAt"))
        )
        why = f"{cleaned(str(task.get('failureReason') or '')):.300}"
        shots = task.get("shots")
        told = shots if type(shots) is int and shots >= 1 else None
        return JobStatus(WORDS.get(word, State.UNKNOWN), word[:80], why, times), told

    def fetch(self, job: str, tag: str) -> bytes:
        """Result document of a task."""
        task = self._task(job)
        if task is None:
            raise ResultError(f"Braket knows no task {job!r:.200}")
        if tag_of(task.get("tags")) != tag:
            raise ResultError(f"task {job!r:.200} was not tagged with the order's tag")
        key = f"{task.get('outputS3Directory')}/results.json"
        try:
            kept = self._call("s3", "get_object", Bucket=task.get("outputS3Bucket"), Key=key)
            body = kept["Body"].read(LARGEST + 1)
        except UnauthorizedError as error:
            raise TransientError(f"no result: {error}") from error
        except RefusedError as error:
            raise ResultError(f"the result of {job!r:.200} is not there: {error}") from error
        except UnknownOutcomeError as error:
            raise TransientError(str(error)) from error
        except OSError as error:
            raise TransientError(f"the result broke off: {type(error).__name__}") from error
        if len(body) > LARGEST:
            raise ResultError(f"the result is larger than {LARGEST} bytes")
        return bytes(body)

    def cancel(self, job: str) -> None:
        """Ask for a task not to be run; it may be over."""
        try:
            _asked(lambda: self._call("braket", "cancel_quantum_task", quantumTaskArn=job))
        except RefusedError:
            return  # over, or unknown: `status` tells

    def _task(self, job: str) -> dict[str, Any] | None:
        try:
            return _asked(lambda: self._call("braket", "get_quantum_task", quantumTaskArn=job))
        except RefusedError as error:
            if "ResourceNotFound" in str(error) or "Validation" in str(error):
                return None
            raise TransientError(str(error)) from error

    def _search(self) -> list[tuple[str, str]]:
        """Tasks of the device that have a tag of ours, and that tag."""
        wanted = [{"name": "deviceArn", "operator": "EQUAL", "values": [self.arn]}]

        def page(place: str | None) -> tuple[list[tuple[str, str]], str | None]:
            more = {} if place is None else {"nextToken": place}
            told = _asked(
                lambda: self._call(
                    "braket", "search_quantum_tasks", filters=wanted, maxResults=100, **more
                )
            )
            tasks = [
                (task["quantumTaskArn"], tag)
                for task in told.get("quantumTasks", [])
                if (tag := tag_of(task.get("tags")))
            ]
            return tasks, told.get("nextToken") or None

        return list(dict(all_pages(page, MOST_PAGES)).items())

    def _call(self, service: str, act: str, /, **arguments: Any) -> dict[str, Any]:
        """Send one request; the errors are those of a submission."""
        import botocore.exceptions as known

        try:
            return getattr(self._client(service), act)(**arguments)
        except known.ClientError as error:
            told = error.response
            code = cleaned(str(told.get("Error", {}).get("Code", "")))[:80]
            status = int(told.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            what = f"{act}: HTTP {status} {code}"
            if code in BUSY or status == 429:
                raise TransientError(f"nothing was accepted: {what}") from error
            # A conflict on a task that carries our token may be about the task itself.
            conflict = act == "create_quantum_task" and status == CONFLICT
            if leaves_open(status) or conflict:
                raise UnknownOutcomeError(f"sent, and its fate is unknown: {what}") from error
            if status in UNAUTHORIZED or code in ENDED:
                raise UnauthorizedError(
                    f"the credentials in {KEYS} were refused ({what}); renew them, or their rights"
                ) from error
            raise RefusedError(f"AWS refused: {what}") from error
        except known.ParamValidationError as error:
            raise RefusedError(f"{act}: boto refuses the request's parameters") from error
        except (known.BotoCoreError, known.HTTPClientError) as error:
            name = type(error).__name__
            if name in UNSENT:
                raise TransientError(f"{act}: nothing was sent: {name}") from error
            raise UnknownOutcomeError(f"{act}: sent, but no whole reply came: {name}") from error

    def _client(self, service: str) -> Any:
        if service not in self._held:
            self._held[service] = _client(service, self.region, self.timeout)
        return self._held[service]


def _client(service: str, region: str, timeout: float) -> Any:
    """A client of one service; ``total_max_attempts`` of one means that nothing is sent again."""
    import os

    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        raise InputError(
            'boto3 is not installed; install it by: pip install "qupel[braket]"'
        ) from error
    keep_secret(os.environ.get("AWS_SESSION_TOKEN", ""))
    session = boto3.Session(
        aws_access_key_id=secret_in("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=secret_in("AWS_SECRET_ACCESS_KEY"),
        aws_session_token=os.environ.get("AWS_SESSION_TOKEN") or None,
        region_name=region,
    )
    settings = Config(
        retries={"total_max_attempts": 1, "mode": "standard"},
        connect_timeout=timeout,
        read_timeout=timeout,
    )
    return session.client(service, config=settings)


def _asked(ask: Callable[[], Done]) -> Done:
    """The same for what changes nothing: whatever is uncertain can be asked again."""
    try:
        return ask()
    except UnauthorizedError as error:
        raise TransientError(f"no answer: {error}", wait=RENEWAL) from error
    except UnknownOutcomeError as error:
        raise TransientError(str(error)) from error


def _seconds(value: Any) -> float | None:
    return value.timestamp() if isinstance(value, datetime) else None
