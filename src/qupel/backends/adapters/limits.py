"""Whether an order fits a backend, told with numbers before anything is sent."""

from __future__ import annotations

from qupel.backends.contract import Annealing, Capabilities, Order, Program
from qupel.errors import RefusedError
from qupel.model.circuit import Circuit


def check_fits(order: Order, limits: Capabilities, where: str) -> None:
    """Hold an order against what a backend can do.

    Raises
    ------
    RefusedError
        With the first limit that it breaks.
    """
    if order.kind is not limits.kind:
        raise RefusedError(f"{where} runs {limits.kind}, got an order for {order.kind}")
    for label, asked, most in (
        ("qubits", max(size_of(program) for program in order.programs), limits.qubits),
        ("shots", order.shots, limits.max_shots),
        ("programs", len(order.programs), limits.max_programs),
    ):
        if asked > most:
            raise RefusedError(f"{where} takes {most} {label} at most, got {asked}")
    for place, program in enumerate(order.programs):
        if isinstance(program, Annealing) and program.form.quotas:
            raise RefusedError(
                f"programs[{place}] has {len(program.form.quotas)} quotas, which {where} does not "
                "know; encode them as penalties"
            )


def check_settings(order: Order, known: frozenset[str], provider: str) -> None:
    """Refuse an order with a setting that its provider does not understand.

    Raises
    ------
    RefusedError
        With the first unknown setting, and those that are known.
    """
    unknown = sorted(set(order.settings) - known)
    if unknown:
        raise RefusedError(
            f"{provider} knows no setting {unknown[0]!r:.60}; known: {', '.join(sorted(known))}"
        )


def size_of(program: Program) -> int:
    """Qubits or spins of a program."""
    return program.form.variables if isinstance(program, Annealing) else program.qubits


def shape_of(order: Order) -> tuple[int, int, int]:
    """Qubits, depth and two-qubit gates of the largest program as it stands."""
    circuits = [program for program in order.programs if isinstance(program, Circuit)]
    return (
        max(size_of(program) for program in order.programs),
        max((circuit.depth() for circuit in circuits), default=0),
        max((circuit.two_qubit_gates() for circuit in circuits), default=0),
    )
