"""Circuits: a flat list of gates on numbered qubits, and which of them are measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qupel.errors import InputError
from qupel.model.checks import listed, reals, whole
from qupel.model.gate import Angle, Gate, checked_gate, checked_qubit
from qupel.model.gates import inverse
from qupel.model.growing import Growing


@dataclass(frozen=True, slots=True, eq=False, init=False, repr=False)
class Circuit:
    """Gates in the order in which they act on qubits that all start as 0.

    The gate methods return a longer circuit, at the same small cost however long it is; many
    gates are as well given at once, as any iterable of `Gate`.

    Attributes
    ----------
    qubits
        Number of qubits; qubit 0 is the lowest bit of a state's index.
    measured
        The qubit that is measured, at the end, into each classical bit in order; every qubit at
        most once. None says nothing about measurement; where shots are asked for, it means all
        qubits in order.
    parameter_names
        One name for every parameter that an `Angle` may follow.

    Raises
    ------
    InputError
        Naming the gate's place, the qubit and the remedy.

    Examples
    --------
    >>> bell = Circuit(2).h(0).cx(0, 1)
    >>> bell.depth(), bell.counts()
    (2, {'h': 1, 'cx': 1})
    >>> turned = Circuit(1, parameter_names=("theta",)).rx(2 * Angle(0), 0)
    >>> turned.bind([0.25]).gates
    (Gate(name='rx', qubits=(0,), angles=(0.5,)),)
    """

    qubits: int
    measured: tuple[int, ...] | None
    parameter_names: tuple[str, ...]
    _gates: Growing[Gate]

    def __init__(
        self,
        qubits: int,
        gates: Iterable[Gate] = (),
        measured: Iterable[int] | None = None,
        parameter_names: Iterable[str] = (),
    ) -> None:
        qubits = whole("qubits", qubits)
        names = (parameter_names,) if isinstance(parameter_names, str) else tuple(parameter_names)
        for name, count in Counter(names).items():
            if count > 1:
                raise InputError(f"{count} parameters are called {name!r}; names must differ")
        held = tuple(checked_gate(gate, k, qubits, len(names)) for k, gate in enumerate(gates))
        self._set(qubits, _checked_bits(measured, qubits), names, Growing(held))

    def _set(
        self,
        qubits: int,
        measured: tuple[int, ...] | None,
        names: tuple[str, ...],
        gates: Growing[Gate],
    ) -> None:
        object.__setattr__(self, "qubits", qubits)
        object.__setattr__(self, "measured", measured)
        object.__setattr__(self, "parameter_names", names)
        object.__setattr__(self, "_gates", gates)

    def _with(self, gates: Growing[Gate], measured: tuple[int, ...] | None) -> Circuit:
        """Copy without looking again at gates that are known to fit."""
        out = object.__new__(Circuit)
        Circuit._set(out, self.qubits, measured, self.parameter_names, gates)
        return out

    @property
    def gates(self) -> tuple[Gate, ...]:
        """The gates, first to last."""
        return self._gates.items

    def then(self, gate: Gate) -> Circuit:
        """Circuit with one more gate, which must not come after a measurement."""
        self._check_unmeasured()
        held = checked_gate(gate, len(self._gates), self.qubits, len(self.parameter_names))
        return self._with(self._gates.followed_by(held), None)

    def measure(self, *qubits: int) -> Circuit:
        """Circuit with ``qubits`` measured, in this order; all of them if none is named."""
        chosen = qubits or range(self.qubits)
        return self._with(self._gates, _checked_bits(chosen, self.qubits))

    def bind(self, parameters: Sequence[float]) -> Circuit:
        """The circuit at one value for every parameter, with no parameters left.

        Raises
        ------
        InputError
            If there are not as many values as parameters, or one is not finite.
        """
        if isinstance(parameters, Mapping):
            raise InputError(
                "parameters are values in the order of the circuit's parameter_names, got a mapping"
            )
        values = reals("parameters", parameters, least_axes=1).tolist()
        if len(values) != len(self.parameter_names):
            raise InputError(
                f"the circuit has {len(self.parameter_names)} parameters "
                f"{listed(self.parameter_names)}, got {len(values)} values"
            )
        gates = (
            Gate(
                gate.name,
                gate.qubits,
                tuple(a.at(values) if isinstance(a, Angle) else a for a in gate.angles),
            )
            if gate.angles
            else gate
            for gate in self.gates
        )
        return Circuit(self.qubits, gates, self.measured)

    def inverse(self) -> Circuit:
        """The circuit that undoes this one, up to a global phase; its qubits are not measured.

        Raises
        ------
        InputError
            If the circuit measures qubits: that cannot be undone.
        """
        if self.measured is not None:
            raise InputError(
                f"a measurement of {len(self.measured)} qubits cannot be undone; "
                "take Circuit(qubits, gates).inverse()"
            )
        gates = (
            Gate(name, gate.qubits, angles)
            for gate in reversed(self.gates)
            for name, angles in [inverse(gate.name, gate.angles)]
        )
        return Circuit(self.qubits, gates, parameter_names=self.parameter_names)

    def compose(self, other: Circuit, qubits: Sequence[int] | None = None) -> Circuit:
        """The gates of this circuit, then those of ``other``.

        Parameters
        ----------
        other
            Its measurement is the result's; its parameters are matched to ours by name, and
            new names come after ours.
        qubits
            The qubit of ours that each qubit of ``other`` is; the first ones by default.

        Raises
        ------
        InputError
            If this circuit measures qubits, or ``other`` does not fit on it.
        """
        self._check_unmeasured()
        onto = tuple(range(other.qubits) if qubits is None else qubits)
        if len(onto) != other.qubits or len(set(onto)) < len(onto):
            raise InputError(
                f"a circuit of {other.qubits} qubits goes onto as many different ones, got {onto}"
            )
        names = list(self.parameter_names)
        names += [name for name in other.parameter_names if name not in set(names)]
        place = {name: k for k, name in enumerate(names)}
        moved = [place[name] for name in other.parameter_names]
        later = (
            Gate(
                gate.name,
                tuple(onto[q] for q in gate.qubits),
                tuple(
                    Angle(moved[a.parameter], a.factor, a.shift) if isinstance(a, Angle) else a
                    for a in gate.angles
                ),
            )
            for gate in other.gates
        )
        measured = None if other.measured is None else [onto[q] for q in other.measured]
        return Circuit(self.qubits, (*self.gates, *later), measured, names)

    def depth(self) -> int:
        """Longest chain of gates, each waiting for a qubit of the one before."""
        level = [0] * self.qubits
        for gate in self.gates:
            at = 1 + max(level[q] for q in gate.qubits)
            for q in gate.qubits:
                level[q] = at
        return max(level)

    def counts(self) -> dict[str, int]:
        """How many gates of each name, in order of first use."""
        return dict(Counter(gate.name for gate in self.gates))

    def two_qubit_gates(self) -> int:
        """How many gates act on exactly two qubits."""
        return sum(len(gate.qubits) == 2 for gate in self.gates)

    def __len__(self) -> int:
        return len(self._gates)

    def _check_unmeasured(self) -> None:
        if self.measured is not None:
            raise InputError(
                f"the circuit measures qubits {listed(self.measured)}, and no gate may follow; "
                "add gates first and measure last"
            )

    def _parts(self) -> tuple[Any, ...]:
        return self.qubits, self.gates, self.measured, self.parameter_names

    def __eq__(self, other: object) -> bool:
        return self._parts() == other._parts() if isinstance(other, Circuit) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._parts())

    def __reduce__(self) -> tuple[Any, ...]:
        return Circuit, self._parts()

    def __repr__(self) -> str:
        more = f", measured={self.measured}" if self.measured is not None else ""
        more += f", parameter_names={self.parameter_names}" if self.parameter_names else ""
        return f"Circuit({self.qubits}, <{len(self)} gates>{more})"

    def id(self, qubit: int) -> Circuit:
        """Nothing."""
        return self.then(Gate("id", (qubit,)))

    def x(self, qubit: int) -> Circuit:
        """Pauli X: flips the bit."""
        return self.then(Gate("x", (qubit,)))

    def y(self, qubit: int) -> Circuit:
        """Pauli Y."""
        return self.then(Gate("y", (qubit,)))

    def z(self, qubit: int) -> Circuit:
        """Pauli Z: changes the sign of one."""
        return self.then(Gate("z", (qubit,)))

    def h(self, qubit: int) -> Circuit:
        """Hadamard."""
        return self.then(Gate("h", (qubit,)))

    def s(self, qubit: int) -> Circuit:
        """Quarter turn of phase: the square root of Z."""
        return self.then(Gate("s", (qubit,)))

    def sdg(self, qubit: int) -> Circuit:
        """Inverse of `s`."""
        return self.then(Gate("sdg", (qubit,)))

    def t(self, qubit: int) -> Circuit:
        """Eighth turn of phase: the square root of `s`."""
        return self.then(Gate("t", (qubit,)))

    def tdg(self, qubit: int) -> Circuit:
        """Inverse of `t`."""
        return self.then(Gate("tdg", (qubit,)))

    def sx(self, qubit: int) -> Circuit:
        """Square root of X."""
        return self.then(Gate("sx", (qubit,)))

    def sxdg(self, qubit: int) -> Circuit:
        """Inverse of `sx`."""
        return self.then(Gate("sxdg", (qubit,)))

    def rx(self, angle: float | Angle, qubit: int) -> Circuit:
        """``exp(-i angle/2 X)``."""
        return self.then(Gate("rx", (qubit,), (angle,)))

    def ry(self, angle: float | Angle, qubit: int) -> Circuit:
        """``exp(-i angle/2 Y)``."""
        return self.then(Gate("ry", (qubit,), (angle,)))

    def rz(self, angle: float | Angle, qubit: int) -> Circuit:
        """``exp(-i angle/2 Z)``."""
        return self.then(Gate("rz", (qubit,), (angle,)))

    def p(self, angle: float | Angle, qubit: int) -> Circuit:
        """Phase ``exp(i angle)`` on one."""
        return self.then(Gate("p", (qubit,), (angle,)))

    def u(
        self, theta: float | Angle, phi: float | Angle, lam: float | Angle, qubit: int
    ) -> Circuit:
        """``[[cos, -exp(i lam) sin], [exp(i phi) sin, exp(i (phi + lam)) cos]]`` of ``theta/2``."""
        return self.then(Gate("u", (qubit,), (theta, phi, lam)))

    def cx(self, control: int, target: int) -> Circuit:
        """X on ``target`` where ``control`` is one."""
        return self.then(Gate("cx", (control, target)))

    def cy(self, control: int, target: int) -> Circuit:
        """Y on ``target`` where ``control`` is one."""
        return self.then(Gate("cy", (control, target)))

    def cz(self, control: int, target: int) -> Circuit:
        """Z on ``target`` where ``control`` is one."""
        return self.then(Gate("cz", (control, target)))

    def ch(self, control: int, target: int) -> Circuit:
        """Hadamard on ``target`` where ``control`` is one."""
        return self.then(Gate("ch", (control, target)))

    def cp(self, angle: float | Angle, control: int, target: int) -> Circuit:
        """Phase ``exp(i angle)`` where both are one."""
        return self.then(Gate("cp", (control, target), (angle,)))

    def crx(self, angle: float | Angle, control: int, target: int) -> Circuit:
        """`rx` on ``target`` where ``control`` is one."""
        return self.then(Gate("crx", (control, target), (angle,)))

    def cry(self, angle: float | Angle, control: int, target: int) -> Circuit:
        """`ry` on ``target`` where ``control`` is one."""
        return self.then(Gate("cry", (control, target), (angle,)))

    def crz(self, angle: float | Angle, control: int, target: int) -> Circuit:
        """`rz` on ``target`` where ``control`` is one."""
        return self.then(Gate("crz", (control, target), (angle,)))

    def swap(self, a: int, b: int) -> Circuit:
        """Exchange two qubits."""
        return self.then(Gate("swap", (a, b)))

    def iswap(self, a: int, b: int) -> Circuit:
        """Exchange two qubits, with a phase i where they differ."""
        return self.then(Gate("iswap", (a, b)))

    def ecr(self, a: int, b: int) -> Circuit:
        """Echoed cross resonance: ``(XI - YX)/sqrt(2)``, ``a`` named first."""
        return self.then(Gate("ecr", (a, b)))

    def rxx(self, angle: float | Angle, a: int, b: int) -> Circuit:
        """``exp(-i angle/2 X X)``."""
        return self.then(Gate("rxx", (a, b), (angle,)))

    def ryy(self, angle: float | Angle, a: int, b: int) -> Circuit:
        """``exp(-i angle/2 Y Y)``."""
        return self.then(Gate("ryy", (a, b), (angle,)))

    def rzz(self, angle: float | Angle, a: int, b: int) -> Circuit:
        """``exp(-i angle/2 Z Z)``."""
        return self.then(Gate("rzz", (a, b), (angle,)))

    def rzx(self, angle: float | Angle, a: int, b: int) -> Circuit:
        """``exp(-i angle/2 Z X)``, Z on ``a``."""
        return self.then(Gate("rzx", (a, b), (angle,)))

    def xy(self, beta: float | Angle, a: int, b: int) -> Circuit:
        """``exp(-i beta (X X + Y Y)/2)``: turns 01 into 10 and keeps the number of ones."""
        return self.then(Gate("xy", (a, b), (beta,)))

    def ccx(self, first: int, second: int, target: int) -> Circuit:
        """X on ``target`` where both controls are one."""
        return self.then(Gate("ccx", (first, second, target)))

    def ccz(self, a: int, b: int, c: int) -> Circuit:
        """Sign change where all three are one."""
        return self.then(Gate("ccz", (a, b, c)))

    def cswap(self, control: int, a: int, b: int) -> Circuit:
        """Exchange ``a`` and ``b`` where ``control`` is one."""
        return self.then(Gate("cswap", (control, a, b)))


def _checked_bits(measured: Iterable[int] | None, qubits: int) -> tuple[int, ...] | None:
    if measured is None:
        return None
    held = tuple(checked_qubit(q, qubits, "measurement") for q in measured)
    if not held:
        raise InputError("measure at least one qubit, or say nothing: measured=None")
    if len(set(held)) < len(held):
        raise InputError(f"a qubit is measured once, got {listed(held)}; name each one time")
    return held
