"""Estimates: what a program takes on a device once it is compiled or embedded, before it is paid.

Nothing is run. For a circuit the compiler is asked, and its gates are counted, scheduled and
weighed with the published fidelities; `qupel.backends.advice.prospect` has the same in closed form,
for devices by the dozen, and tells the formulas and their sources. For a form on an annealer the
size of an embedding is bounded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from qupel.backends.advice.fitting import unembeddable
from qupel.backends.advice.need import Need
from qupel.backends.advice.placement import Embedding, embedding
from qupel.backends.advice.prospect import chance_text
from qupel.backends.advice.schedule import VIRTUAL, schedule
from qupel.backends.catalogue.figures import Coherence, Fidelities, GateTimes
from qupel.backends.catalogue.prices import Counts, Unpublished, Usage, price
from qupel.backends.catalogue.profile import DeviceProfile, Runs
from qupel.backends.compiling import Compiled, Target, compile_circuit
from qupel.backends.contract import Annealing, Estimate, Order, Program
from qupel.errors import InputError, RefusedError
from qupel.model.circuit import Circuit
from qupel.model.ising import Ising
from qupel.model.money import Money


@dataclass(frozen=True, slots=True, eq=False)
class Estimation:
    """What one program takes on one device.

    Attributes
    ----------
    profile
        The device.
    estimate
        As backends give it.
    compiled
        The circuit before and after compiling; None for an annealer.
    embedding
        Bounds on the physical qubits of a form; None for a circuit.
    ln_success
        Natural logarithm of the chance that a shot has no error; None where nothing is published.
    ln_parts
        The same by cause: gates, idling, readout.
    shot_seconds
        Of one shot, repetitions of lost ones included.
    counts
        What is billed where gates are: the larger of what was given and what was compiled.
    """

    profile: DeviceProfile
    estimate: Estimate
    compiled: Compiled | None
    embedding: Embedding | None
    ln_success: float | None
    ln_parts: Mapping[str, float]
    shot_seconds: float
    counts: Counts

    @property
    def success(self) -> float | None:
        """Chance that a shot has no error."""
        return None if self.ln_success is None else math.exp(self.ln_success)

    def document(self) -> dict[str, Any]:
        """Plain data, as the command line prints it."""
        found, compiled = self.estimate, self.compiled
        out: dict[str, Any] = {
            "device": self.profile.name,
            "evidence": "published figures; nothing was run",
            "qubits": found.qubits,
            "depth": found.depth,
            "two_qubit_gates": found.two_qubit_gates,
            "shots": found.shots,
            "success": self.success,
            "ln_success": self.ln_success,
            "ln_parts": dict(self.ln_parts),
            "shot_seconds": self.shot_seconds,
            "run_seconds": found.run_seconds,
            "queue_seconds": found.queue_seconds,
            "cost": None if found.cost is None else str(found.cost.amount),
            "currency": None if found.cost is None else found.cost.currency,
            "remarks": list(found.remarks),
        }
        if compiled is not None:
            sizes = {
                "given": compiled.given,
                "native": compiled.unrouted,
                "compiled": compiled.compiled,
            }
            out |= {
                "sizes": {
                    name: {
                        "qubits": size.qubits,
                        "depth": size.depth,
                        "two_qubit_gates": size.two_qubit_gates,
                        "gates": dict(size.gates),
                    }
                    for name, size in sizes.items()
                },
                "added_depth": compiled.added_depth,
                "added_gates": compiled.added_gates,
                "routing_gates": compiled.routing_gates,
                "start": list(compiled.start),
                "end": list(compiled.end),
                "compile_seconds": compiled.seconds,
            }
        if self.embedding is not None:
            out["embedding"] = asdict(self.embedding)
        return out


def estimate(
    program: Program | Ising, profile: DeviceProfile, shots: int = 1000, *, seed: int = 0
) -> Estimation:
    """What ``shots`` of a circuit, or reads of a form, take on a device.

    Parameters
    ----------
    program
        A circuit without free parameters, an annealing, or the form alone.
    profile
        From the catalogue, or yours.
    shots
        Repetitions.
    seed
        Of the compiler.

    Raises
    ------
    RefusedError
        If the program can never fit, with every reason and its numbers: wrong kind of device,
        a gate set that cannot be compiled to, too many qubits or shots, couplings too dense for
        any embedding, or so many gates that no shot is expected to be free of errors.
    InputError
        If the circuit has free parameters or ``shots`` is below 1.
    """
    if type(shots) is not int or shots < 1:
        raise InputError(f"shots must be a whole number from 1, got {shots!r}")
    if isinstance(program, Ising):
        program = Annealing(program)
    _check_fits(program, profile, shots)
    if isinstance(program, Annealing):
        return _annealed(program, profile, shots)
    return _compiled(program, profile, shots, seed)


def estimate_order(order: Order, profile: DeviceProfile, *, seed: int = 0) -> Estimate:
    """What an order takes; raises as `estimate` does.

    Sizes are those of the largest program; seconds and money are sums.
    """
    parts = [estimate(program, profile, order.shots, seed=seed) for program in order.programs]
    found = [part.estimate for part in parts]
    overhead = _overhead(profile)
    seconds = overhead + sum((one.run_seconds or 0.0) - overhead for one in found)
    counts = tuple(part.counts for part in parts)
    return Estimate(
        qubits=max(one.qubits for one in found),
        depth=max(one.depth for one in found),
        two_qubit_gates=max(one.two_qubit_gates for one in found),
        shots=order.shots * len(found),
        run_seconds=seconds,
        queue_seconds=None,
        cost=_cost(profile, counts, order.shots, seconds),
        remarks=tuple(dict.fromkeys(remark for one in found for remark in one.remarks)),
    )


def _check_fits(program: Program, profile: DeviceProfile, shots: int) -> None:
    """Refuse what needs no compiler to be refused."""
    name = profile.name
    if not profile.runnable:
        raise _refused([f"{name} is {profile.availability}: nobody can run programs there"])
    wanted = Runs.ANNEALING if isinstance(program, Annealing) else Runs.CIRCUIT
    if profile.runs is not wanted:
        raise _refused([f"{name} runs {profile.runs} programs, and this is of kind {wanted}"])
    reasons = []
    qubits = program.form.variables if isinstance(program, Annealing) else program.qubits
    if qubits > profile.qubits:
        depth = "" if isinstance(program, Annealing) else f" at depth {program.depth()}"
        reasons.append(f"{qubits} qubits{depth} are needed, {name} has {profile.qubits}")
    if shots > profile.max_shots:
        reasons.append(f"{shots} shots are needed, {name} takes {profile.max_shots}")
    if reasons:
        raise _refused(reasons)


def _compiled(circuit: Circuit, profile: DeviceProfile, shots: int, seed: int) -> Estimation:
    fidelities, times = profile.fidelities, profile.times
    if fidelities is None or times is None:
        raise _refused([f"{profile.name} has no published figures for gates"])
    try:
        target = Target.of(profile)
    except InputError as error:
        raise _refused([f"{profile.name}: {error}"]) from None
    # Without any swap it is quickly compiled; what is hopeless then need not be routed.
    free = compile_circuit(circuit, Target(target.qubits, target.gates))
    _check_signal(
        _ln_parts(free, profile, fidelities, times), free, profile, shots, "without any swap"
    )
    try:
        compiled = free if target.edges is None else compile_circuit(circuit, target, seed=seed)
    except InputError as error:  # the circuit was compiled; the device's couplings do not do
        raise _refused([f"{profile.name}: {error}"]) from None
    parts = _ln_parts(compiled, profile, fidelities, times)
    _check_signal(parts, compiled, profile, shots, f"{compiled.routing_gates} of them for routing")
    counts = _billed(circuit, compiled)
    trials = _trials(fidelities, circuit.qubits, compiled.compiled.two_qubit_gates)
    shot = (schedule(compiled.circuit, times).seconds + times.readout + times.reset) * trials
    states = sum(gates_run(compiled)) * 2.0 ** min(circuit.qubits, 1000)
    run = times.job + shots * shot + states * times.per_amplitude
    size = compiled.compiled
    found = Estimate(
        qubits=size.qubits,
        depth=size.depth,
        two_qubit_gates=size.two_qubit_gates,
        shots=shots,
        run_seconds=run,
        queue_seconds=None,
        cost=_cost(profile, (counts,), shots, run),
        remarks=_remarks(profile),
    )
    return Estimation(profile, found, compiled, None, sum(parts.values()), parts, shot, counts)


def _annealed(program: Annealing, profile: DeviceProfile, shots: int) -> Estimation:
    form, times = program.form, profile.anneal
    if times is None:
        raise _refused([f"{profile.name} has no published figures for annealing"])
    asked = times.anneal if program.microseconds is None else program.microseconds * 1e-6
    if not times.shortest <= asked <= times.longest:
        raise _refused(
            [f"an anneal of {asked:.3g} s is needed, {profile.name} anneals from "
             f"{times.shortest:.3g} to {times.longest:.3g} s"]
        )  # fmt: skip
    need = Need.of_form(form, shots)
    lying = embedding(profile, need.qubits, need.pairs or 0)
    if not profile.simulated and (reasons := unembeddable(profile, lying, need)):
        raise _refused(reasons)
    shot = asked + times.readout + times.delay
    run = times.programming + shots * shot
    remark = (
        f"chains of {lying.chain} hold any form of as many variables; an embedder may need fewer"
        if lying.most is not None
        else "a lower bound; whether an embedding exists, only an embedder can tell"
    )
    found = Estimate(
        qubits=lying.least if lying.most is None else lying.most,
        depth=0,
        two_qubit_gates=0,
        shots=shots,
        run_seconds=run,
        queue_seconds=None,
        cost=_cost(profile, (Counts(),), shots, run),
        remarks=(remark, *_remarks(profile)),
    )
    return Estimation(profile, found, None, lying, None, {}, shot, Counts())


def _ln_parts(
    compiled: Compiled, profile: DeviceProfile, fidelities: Fidelities, times: GateTimes
) -> dict[str, float]:
    one, two = gates_run(compiled)
    measured = len(compiled.circuit.measured or ())
    waits = schedule(compiled.circuit, times).idle.values()
    read = fidelities.preparation * fidelities.readout
    return {
        "gates": one * math.log(fidelities.one_qubit) + two * math.log(fidelities.two_qubit),
        "idling": sum(_ln_idle(profile.coherence, seconds) for seconds in waits),
        "readout": measured * math.log(read),
    }


def gates_run(compiled: Compiled) -> tuple[int, int]:
    """Gates on one qubit that are not virtual, and gates on two, of a compiled circuit."""
    gates = compiled.compiled.gates
    two = compiled.compiled.two_qubit_gates
    virtual = sum(count for name, count in gates.items() if name in VIRTUAL)
    return sum(gates.values()) - two - virtual, two


def _ln_idle(coherence: Coherence | None, seconds: float) -> float:
    if coherence is None or seconds == 0:
        return 0.0
    relaxed, dephased = math.exp(-seconds / coherence.t1), math.exp(-seconds / coherence.t2)
    return math.log(0.5 + relaxed / 6 + dephased / 3)


def _check_signal(
    parts: Mapping[str, float], compiled: Compiled, profile: DeviceProfile, shots: int, how: str
) -> None:
    """Refuse a circuit of which no shot is expected to be free of errors."""
    ln_expected = sum(parts.values()) + math.log(shots)
    if ln_expected >= 0:
        return
    size = compiled.compiled
    raise _refused(
        [f"of {shots} shots {chance_text(ln_expected)} are expected without an error on "
         f"{profile.name}: {size.two_qubit_gates} two-qubit gates at depth {size.depth}, {how}"]
    )  # fmt: skip


def _trials(fidelities: Fidelities, qubits: int, two: int) -> float:
    """Attempts that one kept shot takes, where losses show."""
    lost = qubits * math.log(fidelities.survival) + two * math.log(fidelities.two_qubit_yield)
    return math.exp(min(-lost, 600.0))


def _billed(given: Circuit, compiled: Compiled) -> Counts:
    """Providers count gates as submitted or as compiled; a bound covers both."""
    before, after = Counts.of(given), Counts.of(compiled.circuit)
    return Counts(
        max(before.one_qubit_gates, after.one_qubit_gates),
        max(before.two_qubit_gates, after.two_qubit_gates),
        max(before.prepared, compiled.compiled.qubits),
        before.measured,
    )


def _overhead(profile: DeviceProfile) -> float:
    """Seconds that an order takes once, however many programs it has."""
    return 0.0 if profile.times is None else profile.times.job


def _cost(
    profile: DeviceProfile, counts: tuple[Counts, ...], shots: int, seconds: float
) -> Money | None:
    if isinstance(profile.price, Unpublished):
        return None
    return price(profile.price, Usage(counts, shots, Decimal(repr(seconds))))


def _remarks(profile: DeviceProfile) -> tuple[str, ...]:
    out = [f"from claims read on {profile.checked}, to be read again from {profile.expiry}"]
    if isinstance(profile.price, Unpublished):
        out.append(f"no price of {profile.name} is published")
    return tuple(out)


def _refused(reasons: list[str]) -> RefusedError:
    return RefusedError("; ".join(reasons))
