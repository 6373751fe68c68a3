"""Whether a device can run what was submitted."""

from __future__ import annotations

from qupel.backends.contract import kind_of_program
from qupel.backends.emulator.devices import MOST_QUBITS, Device, size_of
from qupel.backends.emulator.hooks import Denied
from qupel.backends.emulator.job import Submission
from qupel.model.circuit import Circuit


def check_fits(submission: Submission, device: Device) -> None:
    """Raise `Denied`, with numbers, unless a device runs such programs, as many and as large."""
    programs = submission.programs
    most = min(device.qubits, MOST_QUBITS if isinstance(programs[0], Circuit) else device.qubits)
    size = max(size_of(program) for program in programs)
    asked, offered = len(programs), device.max_programs
    most_shots = device.max_shots
    if any(kind_of_program(program) is not device.kind for program in programs):
        raise _unfit(f"{device.name} runs {device.kind} programs only")
    if asked > offered:
        raise _unfit(f"{asked} programs; {device.name} takes up to {offered} in a job")
    if not 1 <= submission.shots <= most_shots:
        raise _unfit(f"{submission.shots} shots; {device.name} takes 1 to {most_shots}")
    if size > most:
        raise _unfit(f"{size} qubits; the emulated {device.name} runs up to {most}")


def _unfit(message: str) -> Denied:
    return Denied(422, "does-not-fit", message)
