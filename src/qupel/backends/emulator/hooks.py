"""Where a scenario can step in, and what it is given there."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from qupel.backends.contract import Reading, State
from qupel.backends.emulator.devices import Device
from qupel.backends.transport import Reply, Request
from qupel.model.money import Money

if TYPE_CHECKING:
    from qupel.backends.emulator.job import EmulatedJob
    from qupel.backends.emulator.provider import Provider

#: What a request asks for, the same words for every protocol the emulator speaks.
Asked = Literal[
    "submit", "status", "result", "list", "cancel", "device", "calibration", "quote", "token",
    "other",
]  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A request as the provider sees it.

    Attributes
    ----------
    asked
        What for.
    request
        As it came.
    job
        Name of the job it is about, empty before there is one.
    """

    asked: Asked
    request: Request
    job: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply and what becomes of it on the way.

    Attributes
    ----------
    reply
        What the provider answers.
    delay
        Seconds before it is sent.
    lost
        ``reset``: the connection is closed before a byte of the reply; ``silence``: nothing ever
        comes; ``refused``: the request never reached the provider.
    cut
        Bytes of the body after which the connection is reset; None for all.
    padding
        Blanks sent after the body, which make it as large as one likes.
    """

    reply: Reply = field(default_factory=lambda: Reply(200))
    delay: float = 0.0
    lost: Literal["", "reset", "silence", "refused"] = ""
    cut: int | None = None
    padding: int = 0


@dataclass(frozen=True, slots=True)
class Arrives:
    """The request stays on its way for so long; whoever sent it hears nothing.

    Attributes
    ----------
    seconds
        From sending to arrival, or None for the client's own timeout, doubled.
    """

    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A submission that is about to be accepted.

    Attributes
    ----------
    account
        Whose it is.
    shots
        Repetitions of each program that will be run.
    device
        The device it will run on.
    copies
        Jobs that it becomes.
    keyed
        Whether its idempotency key is looked at.
    hidden
        Whether listings leave it out for good.
    listed_after
        Seconds until listings show it; None for the provider's usual lag.
    """

    account: str
    shots: int
    device: Device
    copies: int = 1
    keyed: bool = True
    hidden: bool = False
    listed_after: float | None = None


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a job that is not cancelled.

    Attributes
    ----------
    state
        How it ends.
    why
        The reason given.
    waits
        Seconds added to its wait.
    seconds
        Seconds on the device; infinity for one that never ends.
    recalibrated
        Whether the device is calibrated anew just before it runs.
    """

    state: State
    why: str
    seconds: float
    waits: float = 0.0
    recalibrated: bool = False


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill or refund that will be booked.

    Attributes
    ----------
    amount
        How much.
    after
        Seconds after the job's end.
    note
        What is unusual about it.
    refund
        Whether it is paid back.
    """

    amount: Money
    after: float = 0.0
    note: str = ""
    refund: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """The content of a result.

    Attributes
    ----------
    job
        The job that it says it is of.
    digests
        Digest of every program that was run.
    readings
        One a program.
    """

    job: str
    digests: tuple[str, ...]
    readings: tuple[Reading, ...]


class Denied(Exception):  # noqa: N818  # a reply, not a failure of ours
    """The provider says no.

    Attributes
    ----------
    status
        HTTP status.
    code, message
        For machines, and for people.
    headers
        Of the reply.
    """

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What a hook may look at and draw from.

    Attributes
    ----------
    provider
        The provider that it is played at.
    now
        UTC seconds since 1970.
    rng
        Random numbers of this event: the same for the same seed, scenario and job or call.
    memory
        The scenario's own notes, kept while it is on.
    """

    provider: Provider
    now: float
    rng: random.Random
    memory: dict[Any, Any]


@dataclass(frozen=True, slots=True)
class Hooks:
    """What a scenario does, and where; a hook that is None leaves things as they are.

    A scenario's rate is the share of events it strikes: calls for ``on_call`` and ``on_reply``,
    jobs for all others. A hook may raise `Denied`.

    Attributes
    ----------
    on_call
        Before anything is done for a request; an `Answer` given here is all that happens.
    on_reply
        When a request has been carried out.
    on_submit, on_run
        When a job is about to be accepted, and what will become of it.
    on_status, on_result
        What the provider says of a job, and of its result's content.
    on_bill
        Bills when a job is over.
    on_list
        Jobs that a listing will show, newest first.
    on_device
        What the provider says of a device.
    """

    on_call: Callable[[Call, Scene], Answer | Arrives | None] | None = None
    on_reply: Callable[[Call, Answer, Scene], Answer] | None = None
    on_submit: Callable[[Draft, Scene], Draft] | None = None
    on_run: Callable[[Fate, EmulatedJob, Scene], Fate] | None = None
    on_status: Callable[[dict[str, Any], EmulatedJob, Scene], dict[str, Any]] | None = None
    on_result: Callable[[Findings, EmulatedJob, Scene], Findings] | None = None
    on_bill: Callable[[tuple[Bill, ...], EmulatedJob, Scene], tuple[Bill, ...]] | None = None
    on_list: Callable[[list[EmulatedJob], Scene], list[EmulatedJob]] | None = None
    on_device: Callable[[dict[str, Any], Scene], dict[str, Any]] | None = None
