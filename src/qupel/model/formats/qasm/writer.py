"""A circuit as OpenQASM 3 text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from qupel.model.circuit import Circuit
from qupel.model.formats.qasm.parser import KEYWORDS
from qupel.model.formats.qasm.values import CONSTANTS, FUNCTIONS
from qupel.model.gate import Angle, Gate
from qupel.model.gates import GATES

#: Gates that the standard library of OpenQASM 3 lacks, each with those it is written in. They
#: are equal to ours, global phase included, so that they read back as themselves.
DEFINED = {
    "sxdg": ("gate sxdg a { h a; sdg a; h a; }", ()),
    "ccz": ("gate ccz a, b, c { h c; ccx a, b, c; h c; }", ()),
    "iswap": ("gate iswap a, b { s a; s b; h a; cx a, b; cx b, a; h b; }", ()),
    "rzz": ("gate rzz(theta) a, b { cx a, b; rz(theta) b; cx a, b; }", ()),
    "rzx": ("gate rzx(theta) a, b { h b; cx a, b; rz(theta) b; cx a, b; h b; }", ()),
    "rxx": ("gate rxx(theta) a, b { h a; h b; cx a, b; rz(theta) b; cx a, b; h b; h a; }", ()),
    "ryy": (
        "gate ryy(theta) a, b { sdg a; sdg b; h a; h b; cx a, b; rz(theta) b; cx a, b; "
        "h b; h a; s b; s a; }",
        (),
    ),
    "ecr": ("gate ecr a, b { rzx(pi/4) a, b; x a; rzx(-pi/4) a, b; }", ("rzx",)),
    "xy": ("gate xy(beta) a, b { rxx(beta) a, b; ryy(beta) a, b; }", ("rxx", "ryy")),
}

#: What our `u` is called there; it differs by a global phase.
RENAMED = {"u": "U"}

_IDENTIFIER = re.compile(r"[^\W\d]\w*")


def write_qasm(circuit: Circuit) -> str:
    """OpenQASM 3 text of ``circuit``: one register ``q``, and bits ``c`` if it measures.

    Gates that the standard library lacks are defined in the text. Parameters become inputs of
    type ``float``; a name that OpenQASM cannot spell, or uses itself, is changed to one it can.
    `read_qasm` gives back an equal circuit.
    """
    return "\n".join([*_lines(circuit), ""])


def _lines(circuit: Circuit) -> Iterator[str]:
    yield "OPENQASM 3.0;"
    yield 'include "stdgates.inc";'
    used = set(circuit.counts())
    needed = used.union(*(DEFINED[name][1] for name in used if name in DEFINED))
    yield from (text for name, (text, _) in DEFINED.items() if name in needed)
    names = _spelled(circuit.parameter_names)
    yield from (f"input float {name};" for name in names)
    yield f"qubit[{circuit.qubits}] q;"
    if circuit.measured:
        yield f"bit[{len(circuit.measured)}] c;"
    for gate in circuit.gates:
        yield _call(gate, names)
    for bit, qubit in enumerate(circuit.measured or ()):
        yield f"c[{bit}] = measure q[{qubit}];"


def _call(gate: Gate, names: list[str]) -> str:
    angles = ", ".join(_angle(angle, names) for angle in gate.angles)
    qubits = ", ".join(f"q[{q}]" for q in gate.qubits)
    name = RENAMED.get(gate.name, gate.name)
    return f"{name}({angles}) {qubits};" if angles else f"{name} {qubits};"


def _angle(angle: float | Angle, names: list[str]) -> str:
    if not isinstance(angle, Angle):
        return repr(angle)
    text = names[angle.parameter]
    if angle.factor != 1:
        text = f"{angle.factor!r}*{text}"
    return f"{text} + {angle.shift!r}" if angle.shift else text


def _spelled(names: tuple[str, ...]) -> list[str]:
    """Names as OpenQASM can write them, all different."""
    taken = {*KEYWORDS, *CONSTANTS, *FUNCTIONS, *GATES, "q", "c"}
    # A name that can stay keeps its own, whatever its neighbours are changed to.
    kept = {name for name in names if _IDENTIFIER.fullmatch(name) and name not in taken}
    taken |= kept
    out = []
    for name in names:
        spelled = name
        if name not in kept:
            stem = re.sub(r"\W+", "_", name).strip("_")
            stem = stem if _IDENTIFIER.fullmatch(stem) else f"p_{stem}".rstrip("_")
            spelled, count = stem, 1
            while spelled in taken:
                count += 1
                spelled = f"{stem}_{count}"
            taken.add(spelled)
        out.append(spelled)
    return out
