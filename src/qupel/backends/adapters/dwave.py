"""D-Wave's annealers by their own REST interface, and the maker's mock sampler on this machine.

The token comes from ``DWAVE_API_TOKEN``, the address from ``DWAVE_API_ENDPOINT`` (by default that
of North America). Requests are our own: one POST a submission, which is labelled with the order's
tag. ``dwave:mock`` is D-Wave's mock sampler from ``dwave-system``, a descent on a small graph.

Forms are embedded, scaled and read back here: the offset stays with the form, and bit 0 is spin
+1, where D-Wave counts a set bit as spin +1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from urllib.parse import urlsplit

import numpy as np

from qupel.backends.adapters.claims import (
    age_of,
    bill_of,
    bills_of,
    currency_of,
    profile_behind,
)
from qupel.backends.adapters.dwave_sapi import Line, Raw, Sapi
from qupel.backends.adapters.embedding import Embedded, Graph, embed, unembed
from qupel.backends.adapters.limits import check_fits, check_settings
from qupel.backends.adapters.readings import facts_of_shots, reading_of_rows
from qupel.backends.addresses import address_in
from qupel.backends.catalogue.figures import AnnealTimes
from qupel.backends.catalogue.prices import Counts, PerSecond, Usage, price
from qupel.backends.catalogue.profile import DeviceProfile
from qupel.backends.contract import (
    Annealing,
    Capabilities,
    Estimate,
    JobStatus,
    Kind,
    Lookup,
    Order,
    Result,
    State,
)
from qupel.backends.credentials import secret_in
from qupel.backends.http import HttpTransport
from qupel.backends.local import fingerprint
from qupel.errors import InputError, RefusedError, ResultError
from qupel.model.evidence import Evidence
from qupel.model.money import Money

TOKEN_VARIABLE, URL_VARIABLE = "DWAVE_API_TOKEN", "DWAVE_API_ENDPOINT"
HOME = "https://na-west-1.cloud.dwavesys.com/sapi/v2"
MAKER = ".dwavesys.com"
#: Settings of an order that are understood.
SETTINGS = frozenset({"chain_strength", "seed"})
MOST_READS = 10_000
#: How many times the usual seconds a bill is bounded by: reading out more qubits takes longer.
SAFETY = 4.0


def open(device: str) -> Dwave:  # noqa: A001  # every provider's entry point has this name
    """Open ``mock``, or an annealer that a profile names, such as ``Advantage_system4``.

    Raises
    ------
    InputError
        If there is no such device, no token in the environment, or a library is missing.
    """
    if device == "mock":
        from qupel.backends.adapters.dwave_mock import Mock

        return Dwave(device, Mock(), None, Evidence.EMULATOR)
    profile = profile_behind("dwave", device)
    secret_in(TOKEN_VARIABLE)
    url = address_in(URL_VARIABLE, HOME)
    host = urlsplit(url).hostname or ""
    kind = Evidence.HARDWARE if host.endswith(MAKER) else Evidence.EMULATOR
    transport = HttpTransport(
        url, token_header, address_variable=URL_VARIABLE, key_variable=TOKEN_VARIABLE
    )
    return Dwave(device, Sapi(transport, device), profile, kind)


def token_header() -> Mapping[str, str]:
    """The header that carries the token."""
    return {"X-Auth-Token": secret_in(TOKEN_VARIABLE)}


@dataclass(slots=True, eq=False)
class Dwave:
    """One of D-Wave's annealers.

    Settings of an order: ``chain_strength`` in the form's unit, ``seed`` of the embedding.

    Attributes
    ----------
    device
        Its name at D-Wave.
    line
        Samples.
    profile
        What the catalogue says of it; None for the mock.
    evidence
        What kind of machine answers.
    settle_seconds
        After how long a problem is listed under its label, the request's time included; D-Wave
        names no bound, so give one only if you know.
    """

    device: str
    line: Line
    profile: DeviceProfile | None
    evidence: Evidence = Evidence.EMULATOR
    settle_seconds: float | None = None
    _graph: Graph | None = field(default=None, init=False, repr=False)
    _placed: dict[str, Embedded] = field(default_factory=dict, init=False, repr=False)

    @property
    def provider(self) -> str:
        """``dwave``."""
        return "dwave"

    def capabilities(self) -> Capabilities:
        """What it can do; the graph is asked for the first time."""
        return Capabilities(
            kind=Kind.ANNEALING,
            qubits=len(self._known_graph().qubits),
            max_shots=self.profile.max_shots if self.profile else MOST_READS,
            max_programs=1,
            lookup=Lookup.TAG,
            settle_seconds=self.settle_seconds,
            cancels=True,
            evidence=self.evidence,
            region=self.profile.regions[0] if self.profile and self.profile.regions else "",
            currency=currency_of(self.profile),
            profile=self.profile.name if self.profile else "",
            bills=bills_of(self.profile),
        )

    def estimate(self, order: Order) -> Estimate:
        """Qubits after embedding, and seconds and money by the catalogue's times and price."""
        [program] = self._checked(order)
        placed = self._embedded(order, program)
        times = self.profile.anneal if self.profile else None
        seconds = None if times is None else _seconds(times, program, order.shots)
        longest = max(len(chain) for chain in placed.chains)
        return Estimate(
            qubits=len(placed.fields),
            depth=0,
            two_qubit_gates=0,
            shots=order.shots,
            run_seconds=seconds,
            queue_seconds=None,
            cost=self._cost(seconds),
            remarks=(
                f"{len(placed.chains)} spins in chains of up to {longest} qubits",
                "seconds by the catalogue's programming, anneal and readout times",
                f"the cost is that of {SAFETY:g} times those seconds",
                "bills are computed from the access time that D-Wave tells",
                *age_of(self.profile),
            ),
        )

    def submit(self, order: Order) -> str:
        """Send one request to accept the order, labelled with its tag."""
        [program] = self._checked(order)
        placed = self._embedded(order, program)
        return self.line.post(placed, order.shots, program.microseconds, order.tag)

    def find(self, order: Order) -> list[str]:
        """Problems that D-Wave lists under the order's tag."""
        return self.line.find(order.tag)

    def listed(self, prefix: str) -> list[tuple[str, str]]:
        """Name and tag of the device's problems that are listed and whose tag begins so."""
        return self.line.listed(prefix)

    def status(self, job: str) -> JobStatus:
        """Where a problem stands; D-Wave tells no bill, so it is computed from the access time.

        What was cancelled had none.
        """
        status, access = self.line.status(job)
        if status.state is State.CANCELLED and access is None:
            access = 0.0
        return replace(status, billed=self._bill(access) if status.state.final else None)

    def result(self, job: str, order: Order) -> Result:
        """Spins by majority of their chains; broken chains are counted in the facts."""
        [program] = self._checked(order)
        placed = self._embedded(order, program)
        raw = self.line.answer(job, order.tag)
        if tuple(sorted(raw.qubits)) != placed.qubits:
            raise ResultError(
                f"job {job!r:.80} used {len(raw.qubits)} other qubits than the order's embedding "
                f"of {len(placed.qubits)}: it is of another form, or the graph has changed"
            )
        spins, broken = unembed(placed, raw.qubits, raw.spins)
        bits = ((1 - spins) // 2).astype(np.uint8)
        reading = reading_of_rows(bits, raw.occurrences, "the answer")
        reads = np.array(raw.occurrences, np.int64)
        facts = {
            "embedding": [list(chain) for chain in placed.chains],
            "chain_strength": placed.strength,
            "scale": placed.scale,
            "chain_breaks": float((broken * reads).sum() / (reads.sum() * len(placed.chains))),
            "reads_with_breaks": int(reads[broken > 0].sum()),
            "claimed_energy_error": _energy_error(placed, raw),
            **raw.facts,
            **facts_of_shots([reading], order),
        }
        return Result(
            (reading,),
            job=job,
            device=self.device,
            evidence=self.evidence,
            billed=self._bill(raw.access_microseconds),
            facts=facts,
        )

    def cancel(self, job: str) -> None:
        """Ask for a problem not to be run."""
        self.line.cancel(job)

    def _checked(self, order: Order) -> list[Annealing]:
        check_fits(order, self.capabilities(), f"{self.provider}:{self.device}")
        check_settings(order, SETTINGS, self.provider)
        strength = order.settings.get("chain_strength", 1.0)
        if type(strength) not in (int, float) or not 0 < strength < math.inf:
            raise RefusedError(f"chain_strength must be a number above 0, got {strength!r:.40}")
        if type(order.settings.get("seed", 0)) is not int:
            raise RefusedError(f"seed must be a whole number, got {order.settings['seed']!r:.40}")
        programs = [program for program in order.programs if isinstance(program, Annealing)]
        times = self.profile.anneal if self.profile else None
        for asked in (program.microseconds for program in programs):
            if times and asked and not times.shortest <= asked * 1e-6 <= times.longest:
                raise RefusedError(
                    f"{self.provider}:{self.device} anneals for {times.shortest * 1e6:g} to "
                    f"{times.longest * 1e6:g} microseconds, got {asked:g}"
                )
        return programs

    def _known_graph(self) -> Graph:
        if self._graph is None:
            self._graph = self.line.graph()
        return self._graph

    def _embedded(self, order: Order, program: Annealing) -> Embedded:
        """The order's embedding: found once, and found the same again by another process."""
        key = fingerprint(order)
        if key not in self._placed:
            seed = order.settings.get("seed", int(key[:8], 16) % 2**31)
            strength = order.settings.get("chain_strength")
            self._placed[key] = embed(program.form, self._known_graph(), int(seed), strength)
        return self._placed[key]

    def _bill(self, microseconds: float | None) -> Money | None:
        if microseconds is None:
            return None
        return bill_of(self.profile, seconds=Decimal(str(microseconds)) / 1_000_000)

    def _cost(self, seconds: float | None) -> Money | None:
        if self.profile is None or not currency_of(self.profile):
            return None
        if not isinstance(self.profile.price, PerSecond) or seconds is None:
            raise InputError(
                f"no price of {self.profile.name} by the second is published, so a bill has no "
                "bound; write a profile of your own with the price of your contract"
            )
        return price(self.profile.price, Usage((Counts(),), 1, Decimal(str(SAFETY * seconds))))


def _energy_error(placed: Embedded, raw: Raw) -> float:
    """Largest difference between the energies claimed and those of the embedded problem."""
    place = {qubit: k for k, qubit in enumerate(raw.qubits)}
    spins = raw.spins.astype(np.float64)
    true = sum(
        (weight * spins[:, place[q]] for q, weight in placed.fields.items()), np.zeros(len(spins))
    )
    for (a, b), weight in placed.couplings.items():
        true = true + weight * spins[:, place[a]] * spins[:, place[b]]
    return float(np.abs(true - raw.energies).max())


def _seconds(times: AnnealTimes, program: Annealing, reads: int) -> float:
    anneal = times.anneal if program.microseconds is None else program.microseconds * 1e-6
    return times.programming + reads * (anneal + times.readout + times.delay)
