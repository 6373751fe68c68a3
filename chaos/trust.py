"""Never trusts: results that are spoilt at the provider are refused, or what they say is corrected.

Energies are compared with a definition written here, term by term, which shares no code with the
product's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from chaos.finding import Finding
from chaos.options import Options, Say
from chaos.places import sqlite
from qupel.backends.adapters.neutral import Neutral
from qupel.backends.clock import ManualClock
from qupel.backends.contract import Annealing, Order, Reading, Result
from qupel.backends.emulator import Provider, Terms, direct
from qupel.backends.emulator.scenario import scenario_named
from qupel.errors import ResultError
from qupel.model.circuit import Circuit
from qupel.model.ising import Ising
from qupel.model.money import Money
from qupel.runs.compute import Options as Mapping
from qupel.runs.compute import compute
from qupel.runs.database import Database
from qupel.runs.ledger import JobState, Ledger
from qupel.solvers.quantum.hosted import HostedQaoa

#: What is done to results; every one is a scenario of the emulator.
KINDS = (
    "bits-reversed", "bits-reversed-in-batches", "registers-swapped", "bits-inverted",
    "one-bit-stuck", "uniform-noise", "offset-dropped", "sign-flipped", "energies-wrong",
    "energies-too-good", "result-of-another-job", "result-names-another-job", "batch-permuted",
    "batch-permuted-silently", "batch-short", "shots-short-by-rounding", "shots-short",
    "shots-doubled", "result-empty", "result-without-programs", "result-truncated",
    "result-of-wrong-types", "result-with-nan", "result-with-negative-counts",
    "result-with-duplicate-keys", "probabilities-in-place-of-counts", "result-is-a-web-page",
    "result-gzip-broken",
)  # fmt: skip
SHOTS = 50


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """Two forms, their order, and the device that it is for."""

    forms: tuple[Ising, ...]
    order: Order
    device: str


def main(options: Options, say: Say) -> list[Finding]:
    """Spoil results in every way, and see what the ledger keeps of them."""
    kinds = KINDS[:: options.size(1, 4)]
    each = options.size(200, 4)
    given = [(kind, options.seed * 1000 + number, each) for number, kind in enumerate(kinds)]
    pool = compute("processes", 2)
    try:
        progress = Mapping(chunk=1, progress=lambda done, of: say(f"{done} of {of} kinds"))
        cells = pool.map(spoilt, given, progress)
    finally:
        pool.close()
    by_kind = {kind: cell.get() for kind, cell in zip(kinds, cells, strict=True)}
    counts: Counter[str] = Counter()
    for found in by_kind.values():
        counts.update(found)
    n = len(kinds) * each
    return [
        Finding(
            promise="never trusts: spoilt results",
            target="100 % refused, or stored with true energies",
            figure=f"{counts['refused']} refused, {counts['true']} with true energies, "
            f"{counts['false']} with false ones, {counts['open']} open",
            n=f"{len(kinds)} kinds of damage, {each} jobs each",
            passed=counts["refused"] + counts["true"] == n,
            details=by_kind,
        )
    ]


def spoilt(given: tuple[str, int, int]) -> dict[str, int]:
    """What became of so many jobs of a provider that spoils results in one way."""
    kind, seed, each = given
    with sqlite() as place, Database.open(place) as database:
        return dict(Counter(_fates(database, kind, seed, each)))


def _fates(database: Database, kind: str, seed: int, each: int) -> Iterator[str]:
    clock = ManualClock(1.8e9 + seed * 1e5)
    provider = Provider(Terms(seed=seed), clock, [scenario_named(kind)])
    carried = direct(provider)
    ledger = Ledger(database, clock, rng=np.random.default_rng(seed))
    rng = np.random.default_rng(seed)
    backends = {device: Neutral(device, carried) for device in ("ideal", "annealer")}
    for number in range(each):
        instance = instance_of(rng, f"{kind}-{seed}-{number}", annealing=number % 2 == 0)
        name = f"emulator:{instance.device}"
        job = ledger.plan(instance.order, backend=name, bound=Money.of(5))
        for _ in range(200):
            progress = ledger.advance(job.id, backends[instance.device])
            if progress.wait is None:
                break
            clock.advance(progress.wait)
        state = progress.job.state
        result = ledger.result(job.id)
        if result is None:
            yield "refused" if state is JobState.PAID_NO_RESULT else "open"
        else:
            yield "true" if is_true(instance, result) else "false"


def instance_of(rng: np.random.Generator, key: str, *, annealing: bool) -> Instance:
    """Two forms without symmetry, of 2 to 6 spins each, and an order that samples them."""
    forms = tuple(form_of(rng, int(rng.integers(2, 7))) for _ in range(2))
    if annealing:
        order = Order(tuple(Annealing(form) for form in forms), SHOTS, key, key)
        return Instance(forms, order, "annealer")
    circuits = []
    for form in forms:
        circuit = Circuit(form.variables)
        for qubit in range(form.variables):
            circuit = circuit.ry(float(rng.uniform(0.3, 2.8)), qubit)
        circuits.append(circuit)
    return Instance(forms, Order(tuple(circuits), SHOTS, key, key), "ideal")


def form_of(rng: np.random.Generator, spins: int) -> Ising:
    """A form with an offset, whose energies all differ."""
    couplings = np.triu(rng.normal(size=(spins, spins)), 1)
    return Ising(rng.normal(size=spins), couplings, float(rng.normal()))


def is_true(instance: Instance, result: Result) -> bool:
    """Whether a kept result can be an answer to its order, and tells true energies."""
    return len(result.readings) == len(instance.forms) and all(
        _is_true(form, reading, result, annealing=instance.device == "annealer")
        for form, reading in zip(instance.forms, result.readings, strict=True)
    )


def _is_true(form: Ising, reading: Reading, result: Result, *, annealing: bool) -> bool:
    bits, counts = reading.bits, reading.occurrences
    fits = bits.shape == (counts.size, form.variables) and 0 < counts.sum() <= 2 * SHOTS
    if not fits or not np.isin(bits, (0, 1)).all() or (counts <= 0).any():
        return False
    true = np.array([energy(form, row) for row in bits])
    if annealing:
        return reading.energies is not None and np.allclose(reading.energies, true, atol=1e-9)
    try:
        # What a solver makes of the reading: its rows, best first, and their energies.
        samples = HostedQaoa().samples(
            form, Result((reading,), result.job, result.device, result.evidence)
        )
    except ResultError:
        return True
    told = np.array([energy(form, (1 - row) // 2) for row in samples.values])
    return np.allclose(samples.energies, told, atol=1e-9) and np.isclose(told.min(), true.min())


def energy(form: Ising, bits: Sequence[int] | np.ndarray) -> float:
    """Energy of one row of bits, term by term; bit 0 is spin +1."""
    spins = [1 - 2 * int(bit) for bit in bits]
    total = form.offset
    for i, field in enumerate(form.fields):
        total += float(field) * spins[i]
    pairs = form.couplings.tocoo()
    for i, j, coupling in zip(
        *(each.tolist() for each in (pairs.row, pairs.col, pairs.data)), strict=True
    ):
        total += float(coupling) * spins[i] * spins[j]
    return float(total)
