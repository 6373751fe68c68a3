"""Gradients of expectations: exact by the adjoint method, and from shots by shifted angles."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from jaxtyping import Float64

from qupel.errors import InputError
from qupel.kernels import gates as kernel
from qupel.model.circuit import Circuit
from qupel.model.gate import Angle
from qupel.model.pauli import PauliSum
from qupel.simulators.estimation import Estimate
from qupel.simulators.fusion import Values, checked, laid_out
from qupel.simulators.memory import check_memory
from qupel.simulators.statevector import StateVector, hermitian

#: Weighted shifts that give the derivative by an angle exactly: ``sum c (f(a + s) - f(a - s))``.
Rule = tuple[tuple[float, float], ...]

_TWO: Rule = ((0.5, math.pi / 2),)
_WIDE, _NARROW = ((math.sqrt(2) + k) / (4 * math.sqrt(2)) for k in (1, -1))
_FOUR: Rule = ((_WIDE, math.pi / 2), (-_NARROW, 3 * math.pi / 2))
# exp(-i beta (XX + YY)/2) turns like a controlled rotation by twice the angle.
_FOUR_HALVED: Rule = tuple((2 * weight, shift / 2) for weight, shift in _FOUR)

#: The rule of every gate that has one. Two terms where the generator has two eigenvalues 1 apart;
#: four where it has three, 1/2 apart, as under a control (Anselmetti and others 2021, Local,
#: expressive, quantum-number-preserving VQE ansätze, doi:10.1088/1367-2630/ac2cb3, eq. 8).
RULES: Mapping[str, Rule] = MappingProxyType(
    {
        **dict.fromkeys(("rx", "ry", "rz", "rxx", "ryy", "rzz", "rzx", "p", "cp", "u"), _TWO),
        **dict.fromkeys(("crx", "cry", "crz"), _FOUR),
        "xy": _FOUR_HALVED,
    }
)


def adjoint_gradient(
    circuit: Circuit,
    observable: PauliSum,
    parameters: Values,
    *,
    simulator: StateVector | None = None,
) -> tuple[float, Float64[np.ndarray, " parameters"]]:
    """Return the expectation and its exact derivative by every parameter.

    The final state and its image under the observable are walked back through the fused gates
    together; each fused block gives the slopes of all its gates from one overlap. The cost is
    that of about four evaluations, however many parameters there are. Two states are held.

    Parameters
    ----------
    circuit
        With parameters; a parameter may turn many gates.
    observable
        Hermitian.
    parameters
        A value for each of the circuit's parameters.
    simulator
        Whose precision and threads to use; double precision by default.

    References
    ----------
    Jones and Gacon (2020), Efficient calculation of gradients in classical simulations of
    variational quantum algorithms, arXiv:2009.02823.
    """
    simulator = simulator or StateVector()
    values = checked(circuit, parameters)
    terms = hermitian(observable, circuit.qubits)
    state = simulator.start(circuit.qubits)
    second = f"two states of {circuit.qubits} qubits in {simulator.precision} precision"
    check_memory(circuit.qubits, state.nbytes, second)
    laid = laid_out(circuit)
    owners, entries, followed, factors = laid.slopes(values)
    value, slopes = kernel.gradient(
        state,
        np.empty_like(state),
        laid.at(values),
        laid.diagonal,
        owners,
        entries,
        *terms,
        simulator.workers(),
    )
    gradient = np.zeros(values.size)
    np.add.at(gradient, followed, slopes * factors)  # many angles may follow one parameter
    return value, gradient


@dataclass(frozen=True, slots=True, eq=False)
class ShiftGradient:
    """Derivatives by shifted angles, each with what is known of its error.

    Attributes
    ----------
    values
        Derivative by every parameter, per unit of it.
    standard_errors
        Of each derivative; zero where the evaluations were exact.
    evaluations
        Circuits that were evaluated.
    """

    values: Float64[np.ndarray, " parameters"]
    standard_errors: Float64[np.ndarray, " parameters"]
    evaluations: int


def parameter_shift(
    circuit: Circuit,
    parameters: Values,
    evaluate: Callable[[Circuit], float | Estimate],
) -> ShiftGradient:
    """Return derivatives from evaluations of circuits that a quantum computer can run.

    Every angle that follows a parameter is shifted up and down on its own, by the amounts of its
    gate's rule in `RULES`, all other angles kept.

    Parameters
    ----------
    circuit
        With parameters.
    parameters
        A value for each of them.
    evaluate
        Expectation of a circuit without parameters: a number, or an `Estimate` from shots, whose
        standard error is then carried on.

    Raises
    ------
    InputError
        If a gate that follows a parameter has no rule; the message names it.

    References
    ----------
    Mitarai and others (2018), Quantum circuit learning, doi:10.1103/PhysRevA.98.032309;
    Schuld and others (2019), Evaluating analytic gradients on quantum hardware,
    doi:10.1103/PhysRevA.99.032331.
    """
    values = checked(circuit, parameters)
    bound = circuit.bind(values.tolist())
    gates = list(bound.gates)
    total, variances = np.zeros(values.size), np.zeros(values.size)
    evaluations = 0
    for place, gate in enumerate(circuit.gates):
        for k, angle in enumerate(gate.angles):
            if not isinstance(angle, Angle):
                continue
            if gate.name not in RULES:
                raise InputError(
                    f"gate {gate.name!r} at place {place} has no parameter-shift rule; there are "
                    f"rules for {', '.join(sorted(RULES))}: write it with those"
                )
            held = gates[place]
            for weight, shift in RULES[gate.name]:
                for sign in (1, -1):
                    angles = list(held.angles)
                    angles[k] = float(held.angles[k]) + sign * shift  # type: ignore[arg-type]
                    gates[place] = replace(held, angles=tuple(angles))
                    found = evaluate(Circuit(circuit.qubits, gates, circuit.measured))
                    evaluations += 1
                    value, error = (
                        (found.value, found.standard_error)
                        if isinstance(found, Estimate)
                        else (float(found), 0.0)
                    )
                    by = weight * angle.factor
                    total[angle.parameter] += sign * by * value
                    variances[angle.parameter] += (by * error) ** 2
            gates[place] = held
    return ShiftGradient(total, np.sqrt(variances), evaluations)
