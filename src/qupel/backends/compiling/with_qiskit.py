"""Compiling with Qiskit's transpiler, loaded on first use, to the same result."""

from __future__ import annotations

import time
from typing import cast

from qupel.backends.compiling.compiled import Compiled, Size
from qupel.backends.compiling.compiler import compile_circuit
from qupel.backends.compiling.target import Device, Target
from qupel.errors import InputError
from qupel.model.circuit import Circuit
from qupel.model.to_qiskit import from_qiskit, to_qiskit


def compile_with_qiskit(
    circuit: Circuit, target: Target | Device, *, level: int = 3, seed: int = 0
) -> Compiled:
    """Rewrite a circuit as `compile_circuit` does, by Qiskit's ``transpile``.

    The time that the result tells is that of ``transpile`` alone.

    Parameters
    ----------
    circuit
        Any circuit without free parameters.
    target
        A gate set with its coupling map, or a device profile.
    level
        Optimisation level of Qiskit, 0 to 3.
    seed
        Of Qiskit's placements.

    Raises
    ------
    InputError
        If Qiskit is not installed, the level is none of Qiskit's, the circuit does not fit, or
        Qiskit cannot reach the gate set.
    """
    if not isinstance(target, Target):
        target = Target.of(target)
    if level not in range(4):
        raise InputError(f"level must be 0, 1, 2 or 3, got {level!r}")
    if circuit.qubits > target.qubits:
        raise InputError(
            f"the circuit has {circuit.qubits} qubits, the device {target.qubits}; "
            "choose a larger device"
        )
    # Measurements are put back afterwards: gates that they make needless would be left out.
    theirs = to_qiskit(Circuit(circuit.qubits, circuit.gates))
    import qiskit

    turns = target.gates & {"rz", "sx", "x", "rx", "ry", "u"}
    if target.turns == "sx" and not target.fractional:
        turns -= {"rx"}  # as for `compile_circuit`: where sx does, it has to be asked for
    basis = sorted({*turns, target.entangler})
    edges = None
    if target.edges is not None:
        ways = (1,) if target.directed else (1, -1)
        edges = [list(edge)[::way] for edge in target.edges for way in ways]
    began = time.perf_counter()
    try:
        out = qiskit.transpile(
            theirs,
            basis_gates=basis,
            coupling_map=edges,
            optimization_level=level,
            seed_transpiler=seed,
        )
    except qiskit.exceptions.QiskitError as error:
        raise InputError(
            f"Qiskit cannot compile to {', '.join(basis)}: {error}; use compile_circuit"
        ) from error
    seconds = time.perf_counter() - began
    found = cast("Circuit", from_qiskit(out))
    start, end = _layouts(out, circuit.qubits)
    measured = range(circuit.qubits) if circuit.measured is None else circuit.measured
    ours = Circuit(found.qubits, found.gates, [end[q] for q in measured])
    native = Target(circuit.qubits, target.gates, None, target.fractional)
    unrouted = compile_circuit(circuit, native).compiled
    return Compiled(ours, start, end, Size.of(circuit), unrouted, Size.of(ours), seconds)


def _layouts(circuit: object, qubits: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    layout = getattr(circuit, "layout", None)
    if layout is None:
        same = tuple(range(qubits))
        return same, same
    start = tuple(layout.initial_index_layout(filter_ancillas=True))
    return start, tuple(layout.final_index_layout(filter_ancillas=True))
