"""Results that look right and are wrong: order of bits, energies, whose result it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from qupel.backends.contract import Annealing, Program, Reading
from qupel.backends.emulator.hooks import Denied, Findings, Hooks, Scene
from qupel.backends.emulator.job import EmulatedJob
from qupel.backends.emulator.scenario import neutral_only, scenario

Change = Callable[[Reading, Program, Scene], Reading]


@scenario
def bits_reversed() -> Hooks:
    """The first bit comes last.

    https://github.com/qBraid/qBraid/issues/1304
    """
    return _readings(lambda reading, program, scene: _reversed(reading))


@scenario
def bits_reversed_in_batches() -> Hooks:
    """The first bit comes last where a job has several programs.

    https://github.com/amazon-braket/qiskit-braket-provider/issues/374
    """

    def hook(findings: Findings, job: EmulatedJob, scene: Scene) -> Findings:
        if len(findings.readings) < 2:
            return findings
        return replace(findings, readings=tuple(_reversed(r) for r in findings.readings))

    return Hooks(on_result=hook)


@scenario
def bits_reversed_from_five_qubits() -> Hooks:
    """The first bit comes last where there are five or more.

    https://github.com/NVIDIA/cuda-quantum/issues/4621
    """
    return _readings(
        lambda reading, program, scene: (
            _reversed(reading) if reading.bits.shape[1] >= 5 else reading
        )
    )


@scenario
def registers_swapped() -> Hooks:
    """The second half of the bits comes first.

    https://github.com/microsoft/azure-quantum-python/issues/361
    """

    def swap(reading: Reading, program: Program, scene: Scene) -> Reading:
        half = reading.bits.shape[1] // 2
        return _with_bits(reading, np.roll(reading.bits, -half, axis=1))

    return _readings(swap)


@scenario
def bits_inverted() -> Hooks:
    """Every 0 is a 1: spins of +1 are told as ones.

    https://github.com/dwavesystems/dwave-system/issues/286
    """
    return _readings(lambda reading, program, scene: _with_bits(reading, 1 - reading.bits))


@scenario
def one_bit_stuck() -> Hooks:
    """The first bit is always told as 0."""

    def stick(reading: Reading, program: Program, scene: Scene) -> Reading:
        bits = reading.bits.copy()
        bits[:, 0] = 0
        return _merged(bits, reading.occurrences, reading.energies)

    return _readings(stick)


@scenario
def uniform_noise() -> Hooks:
    """Every shot is uniformly random, and the energies are those of the true ones."""

    def draw(reading: Reading, program: Program, scene: Scene) -> Reading:
        rng = np.random.default_rng(scene.rng.getrandbits(64))
        rows = rng.integers(0, 2, (reading.shots, reading.bits.shape[1]), np.uint8)
        energies = None
        if reading.energies is not None:
            energies = np.repeat(reading.energies, reading.occurrences)
        return _merged(rows, np.ones(len(rows), np.int64), energies)

    return _readings(draw)


@scenario
def offset_dropped() -> Hooks:
    """Energies lack the constant part of the form.

    https://github.com/dwavesystems/dwave-cloud-client/issues/408
    """

    def drop(energies: np.ndarray, program: Annealing, scene: Scene) -> np.ndarray:
        return energies - program.form.offset

    return _energies(drop)


@scenario
def sign_flipped() -> Hooks:
    """Energies have the other sign."""
    return _energies(lambda energies, program, scene: -energies)


@scenario
def energies_wrong() -> Hooks:
    """Energies belong to other rows."""
    return _energies(lambda energies, program, scene: np.roll(energies, 1) + 0.5)


@scenario
def energies_too_good() -> Hooks:
    """Every row is told to be better than anything can be."""

    def praise(energies: np.ndarray, program: Annealing, scene: Scene) -> np.ndarray:
        reach = np.abs(program.form.fields).sum() + np.abs(program.form.couplings.data).sum()
        return np.full(energies.size, program.form.offset - 2 * reach - 1)

    return _energies(praise)


@scenario
def result_of_another_job() -> Hooks:
    """The result is that of the job before, under this job's name.

    https://github.com/Qiskit/qiskit-ibm-runtime/issues/568
    """

    def hook(findings: Findings, job: EmulatedJob, scene: Scene) -> Findings:
        before = _job_before(job, scene)
        device = scene.provider.calibration_of(before)
        return replace(findings, readings=before.readings(device), digests=before.digests())

    return Hooks(on_result=hook)


@scenario
@neutral_only
def result_names_another_job() -> Hooks:
    """The result says it is of another job (neutral protocol only)."""

    def hook(findings: Findings, job: EmulatedJob, scene: Scene) -> Findings:
        return replace(findings, job=f"{findings.job[:-1]}x")

    return Hooks(on_result=hook)


@scenario
def batch_permuted() -> Hooks:
    """The programs of a batch come in another order, each with its digest."""

    def hook(findings: Findings, job: EmulatedJob, scene: Scene) -> Findings:
        return replace(
            findings,
            readings=findings.readings[1:] + findings.readings[:1],
            digests=findings.digests[1:] + findings.digests[:1],
        )

    return Hooks(on_result=hook)


@scenario
def batch_permuted_silently() -> Hooks:
    """The readings of a batch come in another order, under the digests of the right one."""

    def hook(findings: Findings, job: EmulatedJob, scene: Scene) -> Findings:
        return replace(findings, readings=findings.readings[1:] + findings.readings[:1])

    return Hooks(on_result=hook)


@scenario
def batch_short() -> Hooks:
    """The last program of a job is missing in its result."""

    def hook(findings: Findings, job: EmulatedJob, scene: Scene) -> Findings:
        return replace(findings, readings=findings.readings[:-1], digests=findings.digests[:-1])

    return Hooks(on_result=hook)


@scenario
def shots_short_by_rounding() -> Hooks:
    """One shot is lost where probabilities were rounded.

    https://github.com/qiskit-community/qiskit-ionq/issues/19
    """
    return _readings(lambda reading, program, scene: _fewer(reading, 1))


@scenario
def shots_short() -> Hooks:
    """Eight of a thousand shots are lost.

    https://github.com/microsoft/azure-quantum-python/issues/248
    """
    return _readings(lambda reading, program, scene: _fewer(reading, -(-reading.shots // 125)))


@scenario
def shots_doubled() -> Hooks:
    """Every shot is counted twice."""
    return _readings(
        lambda reading, program, scene: replace(reading, occurrences=2 * reading.occurrences)
    )


def _readings(change: Change) -> Hooks:
    """Hooks that change every program's reading."""

    def hook(findings: Findings, job: EmulatedJob, scene: Scene) -> Findings:
        programs = job.submission.programs
        changed = (
            change(reading, program, scene)
            for reading, program in zip(findings.readings, programs, strict=True)
        )
        return replace(findings, readings=tuple(changed))

    return Hooks(on_result=hook)


def _energies(change: Callable[[np.ndarray, Annealing, Scene], np.ndarray]) -> Hooks:
    """Hooks that change the energies an annealer claims."""

    def act(reading: Reading, program: Program, scene: Scene) -> Reading:
        if reading.energies is None or not isinstance(program, Annealing):
            return reading
        return replace(reading, energies=change(reading.energies, program, scene))

    return _readings(act)


def _with_bits(reading: Reading, bits: np.ndarray) -> Reading:
    return replace(reading, bits=np.ascontiguousarray(bits, np.uint8))


def _reversed(reading: Reading) -> Reading:
    return _with_bits(reading, reading.bits[:, ::-1])


def _merged(rows: np.ndarray, counts: np.ndarray, energies: np.ndarray | None) -> Reading:
    """Reading of rows that may repeat; equal ones take the first one's energy."""
    bits, first, place = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    total = np.bincount(place.reshape(-1), weights=counts, minlength=len(bits))
    claimed = None if energies is None else energies[first]
    return Reading(bits, total.astype(np.int64), claimed)


def _fewer(reading: Reading, lost: int) -> Reading:
    """The same with so many shots less, the most frequent row's; one shot stays."""
    counts = reading.occurrences.copy()
    most = int(counts.argmax())
    counts[most] = max(1, counts[most] - lost)
    return replace(reading, occurrences=counts)


def _job_before(job: EmulatedJob, scene: Scene) -> EmulatedJob:
    others = [held for held in scene.provider.jobs.values() if held.number != job.number]
    before = [held for held in others if held.number < job.number]
    if not others:
        raise Denied(404, "no-result", "there is no other job whose result this could be")
    return before[-1] if before else others[0]
