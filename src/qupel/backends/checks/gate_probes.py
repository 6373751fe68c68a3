"""Probes of gates: circuits with certain outcomes, which a gate translated wrong would change.

A circuit that is undone again hides what is wrong in both halves, so nothing is undone here: turns
by unequal angles add up to a half or a quarter turn, phases are made visible by turns about other
axes, and controlled gates meet controls that are 1 and controls that are 0. Degrees taken for
radians, a sign, a control exchanged with its target, and a gate left out all change an outcome.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from qupel.backends.checks.probes import Probe
from qupel.model.circuit import Circuit
from qupel.model.gate import Gate

HALF, QUARTER = math.pi, math.pi / 2
#: Added to turns that are split: 90 radians are fourteen turns and nearly a quarter, so degrees
#: sent for radians would hardly show in a quarter turn alone.
WHOLE = 2 * math.pi
#: A gate on one qubit and its angles.
Turn = tuple[str, tuple[float, ...]]


def short_probe(qubits: int) -> Probe:
    """Turns about all three axes, and cx from a qubit that is 1 and from one that is 0.

    Parameters
    ----------
    qubits
        Of the device; 3 are used at most.
    """
    used = min(3, qubits)
    if used == 1:
        return _lines((("ry, rz, rx", _three_axes()),))
    circuit = _turned(used, 0, _split("rx", HALF, 4.0))
    circuit = circuit.compose(_turned(used, 1, _three_axes()))
    if used == 3:
        circuit = circuit.cx(0, 2)
    circuit = circuit.cx(1, 0).cx(0, 1)
    shows = ("rx, cx", "ry, rz, rx, cx", "cx")[:used]
    return Probe(f"turns and cx on {used} qubits", circuit, (0, 1, 1)[:used], shows)


def gate_probes(qubits: int) -> Iterator[Probe]:
    """Probes of every gate that a circuit may hold, on 3 qubits at most, the usual gates first."""
    probes = (short_probe(qubits), *_single(), *_cx(), *_pairs(), *_triples())
    yield from (probe for probe in probes if probe.program.qubits <= qubits)  # type: ignore[union-attr]


def _single() -> Iterator[Probe]:
    """Gates on one qubit, three lines a circuit; each line ends in 1."""
    quarter_s = (("s", ()), ("h", ()))
    lines: tuple[tuple[str, tuple[Turn, ...]], ...] = (
        ("rx", _split("rx", HALF, 4.0)),
        ("ry", _split("ry", HALF, 5.2)),
        ("rz", (("h", ()), *_split("rz", HALF, 3.7), ("h", ()))),
        ("rx's sign, sdg", (("h", ()), ("sdg", ()), *_split("rx", QUARTER, 2.2))),
        ("ry's sign", (("h", ()), *_split("ry", QUARTER, 3.1))),
        ("rz's sign, s", (("h", ()), *_split("rz", QUARTER, 2.7), *quarter_s)),
        ("p, s", (("h", ()), *_split("p", QUARTER, 3.4), *quarter_s)),
        # The first's phi is undone by the second's lambda, so that the thetas add up.
        ("u", (("h", ()), ("u", (2.5, 1.5, 0.0)), ("u", (WHOLE + QUARTER - 2.5, 0.9, -1.5)))),
        ("id", (("x", ()), ("id", ()))),
        ("t", (("h", ()), ("t", ()), ("t", ()), *quarter_s)),
        ("tdg", (("h", ()), ("tdg", ()), ("tdg", ()), ("sdg", ()), ("h", ()))),
        ("y", (("h", ()), ("y", ()), ("h", ()))),
        ("sx", (("h", ()), ("sdg", ()), ("sx", ()))),
        ("sxdg", (("h", ()), ("s", ()), ("sxdg", ()))),
        ("z", (("h", ()), ("z", ()), ("h", ()))),
    )
    for begin in range(0, len(lines), 3):
        yield _lines(lines[begin : begin + 3])


def _cx() -> Iterator[Probe]:
    """Control and target apart and beside each other, in both orders, controls of 1 and of 0."""
    down = Circuit(3).x(2).cx(2, 0).cx(1, 2)
    yield Probe("cx from qubit 2 to 0 and from 1 to 2", down, (1, 0, 1), ("cx",) * 3)
    up = Circuit(3).x(0).cx(0, 2).cx(1, 0)
    yield Probe("cx from qubit 0 to 2 and from 1 to 0", up, (1, 0, 1), ("cx",) * 3)
    near = Circuit(2).x(0).cx(0, 1).cx(1, 0)
    yield Probe("cx from qubit 0 to 1 and back", near, (0, 1), ("cx",) * 2)


def _pairs() -> Iterator[Probe]:
    """Other gates on two qubits."""
    start = Circuit(2)
    one = start.x(1)

    def probe(name: str, circuit: Circuit, *expected: int) -> Probe:
        return Probe(f"{name} on 2 qubits", circuit, expected, (name,) * 2)

    yield probe("rzz", _twice(one.h(0), "rzz", QUARTER, 0, 1).sdg(0).h(0), 1, 1)
    yield probe("swap", start.x(0).swap(0, 1), 0, 1)
    yield probe("cz", one.h(0).cz(1, 0).h(0), 1, 1)
    yield probe("cy", one.h(0).cy(1, 0).h(0), 1, 1)
    yield probe("ch", one.x(0).ch(1, 0).h(0), 1, 1)
    # The phase that the control takes on tells cp from crz.
    yield probe("cp", _twice(start.x(0).h(1), "cp", QUARTER, 1, 0).s(1).h(1), 1, 1)
    yield probe("crx", _twice(one, "crx", QUARTER, 1, 0).rx(QUARTER, 0), 1, 1)
    yield probe("cry", _twice(one, "cry", QUARTER, 1, 0).ry(QUARTER, 0), 1, 1)
    yield probe("crz", _twice(start.h(1), "crz", HALF, 1, 0).s(1).h(1), 0, 1)
    yield probe("rxx", _twice(start.h(1), "rxx", QUARTER, 0, 1).rx(QUARTER, 0).h(1), 1, 0)
    yield probe(
        "ryy", _twice(start.h(1).s(1), "ryy", QUARTER, 0, 1).ry(QUARTER, 0).sdg(1).h(1), 1, 0
    )
    yield probe("rzx", _twice(start.x(0), "rzx", QUARTER, 0, 1).rx(-QUARTER, 1), 1, 1)
    yield probe("iswap", start.x(0).h(0).iswap(0, 1).sdg(1).h(1), 0, 1)
    yield probe("xy", _twice(start.x(0).h(0), "xy", QUARTER, 0, 1).s(1).h(1), 0, 1)
    yield probe("ecr", start.ecr(0, 1).rx(QUARTER, 1), 1, 1)


def _triples() -> Iterator[Probe]:
    """Gates on three qubits."""
    both = Circuit(3).x(0).x(2)
    toffoli = both.ccx(0, 2, 1).x(0).ccx(0, 2, 1)
    yield Probe("ccx from qubits 0 and 2 to 1", toffoli, (0, 1, 1), ("ccx",) * 3)
    yield Probe("ccz on 3 qubits", both.h(1).ccz(0, 2, 1).h(1), (1, 1, 1), ("ccz",) * 3)
    yield Probe("cswap of qubits 0 and 1", both.cswap(2, 0, 1), (0, 1, 1), ("cswap",) * 3)


def _three_axes() -> tuple[Turn, ...]:
    """From z to x, to y, to -z: each of the three signs would end it in 0."""
    return (("ry", (QUARTER,)), *_split("rz", QUARTER, 2.9), ("rx", (-QUARTER,)))


def _split(name: str, whole: float, first: float) -> tuple[Turn, Turn]:
    """A turn, and a whole one more, in two unequal parts."""
    return (name, (first,)), (name, (WHOLE + whole - first,))


def _twice(circuit: Circuit, name: str, whole: float, a: int, b: int) -> Circuit:
    for part in (4.3, WHOLE + whole - 4.3):
        circuit = circuit.then(Gate(name, (a, b), (part,)))
    return circuit


def _lines(lines: tuple[tuple[str, tuple[Turn, ...]], ...]) -> Probe:
    """One circuit of several qubits, each with gates of its own, that end all in 1."""
    circuit = Circuit(len(lines))
    for qubit, (_, turns) in enumerate(lines):
        circuit = circuit.compose(_turned(len(lines), qubit, turns))
    shows = tuple(name for name, _ in lines)
    return Probe("; ".join(shows), circuit, (1,) * len(lines), shows)


def _turned(qubits: int, qubit: int, turns: tuple[Turn, ...]) -> Circuit:
    return Circuit(qubits, [Gate(name, (qubit,), angles) for name, angles in turns])
