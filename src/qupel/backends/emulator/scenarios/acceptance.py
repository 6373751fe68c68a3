"""What is accepted is not what was ordered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from qupel.backends.contract import State
from qupel.backends.emulator.hooks import Answer, Call, Draft, Fate, Hooks, Scene
from qupel.backends.emulator.job import EmulatedJob
from qupel.backends.emulator.scenario import scenario
from qupel.backends.emulator.scenarios.replies import on_reply, rewritten


@scenario
def one_run_makes_six_jobs() -> Hooks:
    """One submission becomes six jobs, which all fail.

    https://github.com/Qiskit/qiskit-ibm-runtime/issues/1114
    """

    def fail(fate: Fate, job: EmulatedJob, scene: Scene) -> Fate:
        return replace(fate, state=State.FAILED, why="internal error")

    return Hooks(on_submit=lambda draft, scene: replace(draft, copies=6), on_run=fail)


@scenario
def accepted_twice() -> Hooks:
    """One submission becomes two jobs, each run and billed."""
    return Hooks(on_submit=lambda draft, scene: replace(draft, copies=2))


@scenario
def keys_ignored() -> Hooks:
    """Idempotency keys are taken and not looked at."""
    return Hooks(on_submit=lambda draft, scene: replace(draft, keyed=False))


@scenario
def accepted_without_a_name() -> Hooks:
    """The job is accepted, and the reply does not say its name.

    https://github.com/dwavesystems/dwave-cloud-client/issues/469
    """

    def nameless(document: dict[str, Any]) -> None:
        document.pop("id", None)

    def spoil(call: Call, answer: Answer, scene: Scene) -> Answer:
        return rewritten(answer, nameless)

    return on_reply("submit", spoil)


@scenario
def shots_not_given() -> Hooks:
    """Every program is run once, whatever was asked for.

    https://github.com/Qiskit/qiskit-ibm-runtime/issues/516
    """
    return Hooks(on_submit=lambda draft, scene: replace(draft, shots=1))


@scenario
def shots_ignored() -> Hooks:
    """The number of shots is ignored, and 500 are run.

    https://github.com/microsoft/azure-quantum-python/issues/326
    """
    return Hooks(on_submit=lambda draft, scene: replace(draft, shots=500))


@scenario
def device_replaced() -> Hooks:
    """The job runs on a device of another model under the same name, four times as noisy."""

    def hook(draft: Draft, scene: Scene) -> Draft:
        old = draft.device.errors
        worse = replace(
            old,
            one_qubit=4 * old.one_qubit + 1e-3,
            two_qubit=4 * old.two_qubit + 2e-2,
            readout=4 * old.readout + 2e-2,
        )
        return replace(draft, device=replace(draft.device, errors=worse))

    return Hooks(on_submit=hook)
