"""OpenQASM texts: round trips, both versions, definitions and modifiers, mistakes, attacks."""

from __future__ import annotations

import math
import string
from pathlib import Path
from time import process_time

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qupel.errors import InputError
from qupel.model import Angle, Circuit, Gate
from qupel.model.formats import read_qasm, write_qasm, write_text
from qupel.model.formats.qasm import budget
from qupel.model.gates import GATES
from tests.model.circuits import random_circuit
from tests.oracles import circuits as oracle

SEEDS = st.integers(0, 2**32 - 1)
FEW = settings(max_examples=60, deadline=None)


def read(body: str, version: str = "3.0") -> Circuit:
    return read_qasm(f'OPENQASM {version};\ninclude "stdgates.inc";\n{body}')


def unitary(body: str) -> np.ndarray:
    return oracle.unitary(read(body))


# Round trips


@FEW
@given(SEEDS, st.booleans())
def test_a_written_circuit_is_read_back_equal(seed: int, measured: bool) -> None:
    circuit = random_circuit(seed, parameters=2)
    order = np.random.default_rng(seed).permutation(circuit.qubits).tolist()
    circuit = circuit.measure(*order) if measured else circuit
    text = write_qasm(circuit)
    assert read_qasm(text) == circuit
    assert write_qasm(read_qasm(text)) == text


@pytest.mark.parametrize("name", GATES)
def test_every_gate_is_read_back_as_itself(name: str) -> None:
    angles = (0.1, -1e-7, 3e20)[: GATES[name].angles]
    circuit = Circuit(3, [Gate(name, (2, 0, 1)[: GATES[name].qubits], angles)])
    assert read_qasm(write_qasm(circuit)) == circuit


@pytest.mark.parametrize("name", GATES)
def test_a_written_gate_means_the_same_to_readers_without_it(name: str) -> None:
    angles = (0.37, -1.21, 2.63)[: GATES[name].angles]
    circuit = Circuit(3, [Gate(name, (2, 0, 1)[: GATES[name].qubits], angles)])
    # Under another name its definition is expanded instead of recognised.
    text = write_qasm(circuit).replace(f"gate {name}", "gate other")
    if "other" in text:
        text = text.replace(f"\n{name}", "\nother")
        assert name not in read_qasm(text).counts()
    assert oracle.same_up_to_phase(oracle.unitary(read_qasm(text)), oracle.unitary(circuit))


def test_names_that_openqasm_cannot_spell_are_changed() -> None:
    names = ["θ[0]", "θ_0", "pi", "gate", "", "2", "q", "fine"]
    circuit = Circuit(1, [Gate("rx", (0,), (Angle(k),)) for k in range(8)], None, names)
    again = read_qasm(write_qasm(circuit))
    assert again.gates == circuit.gates
    assert again.parameter_names[1] == "θ_0"
    assert again.parameter_names[-1] == "fine"
    assert len(set(again.parameter_names)) == 8


def test_a_file_is_read_plain_or_gzipped(tmp_path: Path) -> None:
    bell = Circuit(2).h(0).cx(0, 1).measure()
    for name in ("bell.qasm", "bell.qasm.gz"):
        write_text(tmp_path / name, write_qasm(bell))
        assert read_qasm(tmp_path / name) == bell


def test_mistakes_in_a_file_are_told_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "bad.qasm").write_text("qubit q;\n  h p;\n")
    with pytest.raises(InputError, match=r"bad\.qasm:2:5: 'p' is not declared"):
        read_qasm(tmp_path / "bad.qasm")
    with pytest.raises(InputError, match="cannot be read"):
        read_qasm(tmp_path / "none.qasm")


# The language


def test_a_text_of_version_2_is_read() -> None:
    found = read_qasm(
        """// made by hand
        OPENQASM 2.0;
        include "qelib1.inc";
        qreg a[2]; qreg b[1]; creg c[2]; creg d[1];
        gate turned(x, y) s, t { u3(x, 0, y/2) s; cx s, t; barrier s, t; u1(-pi/4) t; }
        h a;
        turned(pi^2, sin(0.5)) a[1], b[0];
        barrier a, b;
        measure a -> c; measure b[0] -> d[0];"""
    )
    expected = Circuit(3).h(0).h(1).u(math.pi**2, 0, math.sin(0.5) / 2, 1).cx(1, 2)
    assert found == expected.p(-math.pi / 4, 2).measure(0, 1, 2)


def test_a_text_of_version_3_is_read() -> None:
    found = read(
        """
        input float[64] theta; input angle phi;
        const uint n = 2; const float w = 2 * π / n;
        qubit[n] q; qubit r; bit[n] c; bit d;
        gate lean(a) s, t { rx(a / 2 + 1) s; cx s, t; gphase(a); }
        /* all of
           the register */ h q;
        lean(-theta) q[0], q[-1];
        rz(w - phi * 3) r; rz(1/2) r;
        let pair = r ++ q[0:0];
        cz pair[0], pair[1];
        c = measure q; d = measure r;"""
    )
    expected = Circuit(3, parameter_names=["theta", "phi"]).h(0).h(1)
    expected = expected.rx(Angle(0, -0.5, 1.0), 0).cx(0, 1).rz(Angle(1, -3.0, math.pi), 2)
    assert found == expected.rz(0.5, 2).cz(2, 0).measure(0, 1, 2)


def test_registers_are_broadcast() -> None:
    found = read("qubit[2] a; qubit[2] b; qubit c; cx a, b; cx c, a; cx a[0], b;")
    pairs = [(0, 2), (1, 3), (4, 0), (4, 1), (0, 2), (0, 3)]
    assert [gate.qubits for gate in found.gates] == pairs


def test_parts_of_registers_are_chosen_like_the_language_says() -> None:
    found = read("qubit[6] q; h q[0:2]; x q[1:2:5]; y q[{5, 0}]; z q[-1]; s q[:1]; t q[4:];")
    chosen = {name: [g.qubits[0] for g in found.gates if g.name == name] for name in "hxyzst"}
    assert chosen == {
        "h": [0, 1, 2],
        "x": [1, 3, 5],
        "y": [5, 0],
        "z": [5],
        "s": [0, 1],
        "t": [4, 5],
    }


def test_loops_run_over_ranges_and_sets_with_their_ends() -> None:
    found = read(
        """qubit[4] q;
        for int i in [0:2] { cx q[i], q[i + 1]; for uint j in {0, 3} rz(j / 2) q[j]; }
        for int i in [3:-2:0] h q[i];
        for float a in {0.5, pi} { rx(a) q[0]; }"""
    )
    assert found.counts() == {"cx": 3, "rz": 6, "h": 2, "rx": 2}
    assert [gate.qubits for gate in found.gates[-4:-2]] == [(3,), (1,)]


def test_a_definition_may_loop_and_use_constants() -> None:
    found = read(
        """const int n = 3; const float a = 0.25;
        gate spun(b) s { for int i in [1:n] { rz(i * a + b) s; } }
        qubit q; spun(1) q;"""
    )
    assert [gate.angles for gate in found.gates] == [(1.25,), (1.5,), (1.75,)]


def test_physical_qubits_are_their_numbers() -> None:
    assert read("h $3; cx $3, $1;") == Circuit(4).h(3).cx(3, 1)


@pytest.mark.parametrize(
    ("text", "measured"),
    [
        ("c = measure q;", (0, 1, 2)),
        ("measure q -> c;", (0, 1, 2)),
        ("c[0] = measure q[2]; c[2] = measure q[0];", (2, 0)),
        ("c[0:1] = measure q[1:2];", (1, 2)),
        ("bit[3] e = measure q;", (0, 1, 2)),
        ("bit e = measure q[1];", (1,)),
        ("measure q;", None),
        ("for int i in [0:2] c[2 - i] = measure q[i];", (2, 1, 0)),
    ],
)
def test_measurements_name_the_qubit_of_each_bit(
    text: str, measured: tuple[int, ...] | None
) -> None:
    assert read(f"qubit[3] q; bit[3] c; h q; {text}").measured == measured


def test_a_reset_of_fresh_qubits_is_no_step() -> None:
    assert read("qubit[2] q; reset q; h q[0]; reset q[1];") == Circuit(2).h(0)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3 - 4 / 8", 6.5),
        ("-2 ** 2", -4.0),
        ("2 ** 3 ** 2", 512.0),
        ("2 ** -1", 0.5),
        ("(1 + 2) * 3", 9.0),
        ("7 % 4 + mod(7.5, 2)", 4.5),
        ("1_000 + 0x1F + 0b11 + 0o7", 1041.0),
        (".5e1 + 5. + 1E-1", 10.1),
        ("pi + tau + euler - π - τ - ℇ", 0.0),
        ("cos(0) + sqrt(4) + exp(0) + ln(1) + pow(2, 3)", 12.0),
        ("arctan(1) * 4", math.pi),
        ("--1", 1.0),
    ],
)
def test_expressions_have_the_value_that_mathematics_gives_them(
    expression: str, value: float
) -> None:
    [gate] = read(f"qubit q; rx({expression}) q;").gates
    assert gate.angles == pytest.approx((value,), abs=1e-12)


@pytest.mark.parametrize(
    ("expression", "angle"),
    [
        ("2 * (a + 1) / 4", Angle(0, 0.5, 0.5)),
        ("pi - a", Angle(0, -1.0, math.pi)),
        ("a + a - 0.5", Angle(0, 2.0, -0.5)),
        ("a - a + 1", 1.0),
        ("0 * a", 0.0),
    ],
)
def test_angles_may_be_linear_in_a_parameter(expression: str, angle: float | Angle) -> None:
    [gate] = read(f"input float a; qubit q; rx({expression}) q;").gates
    assert gate.angles == (angle,)


def test_a_fourier_transform_is_the_one_theory_names() -> None:
    found = unitary(
        """const int n = 4; qubit[n] q;
        for int j in [n - 1:-1:0] {
          h q[j];
          for int k in [j - 1:-1:0] { cp(pi / 2 ** (j - k)) q[k], q[j]; }
        }
        for int j in [0:n / 2 - 1] { swap q[j], q[n - 1 - j]; }"""
    )
    x = np.arange(16)
    fourier = np.exp(2j * math.pi * np.outer(x, x) / 16) / 4
    np.testing.assert_allclose(found, fourier, atol=1e-12)


# Gates, definitions and modifiers


def test_the_built_in_gate_has_its_phase_under_control() -> None:
    # ctrl @ U(theta, 0, 0) turns the control by theta/2, which u of the table does not.
    found = unitary("qubit[2] q; ctrl @ U(0.8, 0, 0) q[0], q[1];")
    turned = np.exp(0.4j) * oracle.gate_matrix("ry", [0.8])
    expected = oracle.controlled(2, [0], oracle.embedded(2, turned, [1]))
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("text", "name", "angles", "phase"),
    [
        ("U(0.1, 0.2, 0.3)", "u", (0.1, 0.2, 0.3), 0.05),
        ("u3(0.1, 0.2, 0.3)", "u", (0.1, 0.2, 0.3), -0.25),
        ("u2(0.2, 0.3)", "u", (math.pi / 2, 0.2, 0.3), -0.25),
        ("u1(0.3)", "p", (0.3,), 0.0),
        ("phase(0.3)", "p", (0.3,), 0.0),
    ],
)
def test_gates_of_the_standard_library_keep_their_phase_under_control(
    text: str, name: str, angles: tuple[float, ...], phase: float
) -> None:
    found = unitary(f"qubit[2] q; ctrl @ {text} q[0], q[1];")
    turned = np.exp(1j * phase) * oracle.gate_matrix(name, angles)
    expected = oracle.controlled(2, [0], oracle.embedded(2, turned, [1]))
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_cu_has_the_four_angles_of_the_standard_library() -> None:
    found = unitary("qubit[2] q; cu(0.1, 0.2, 0.3, 0.4) q[0], q[1];")
    turned = np.exp(0.4j) * oracle.gate_matrix("u", [0.1, 0.2, 0.3])
    expected = oracle.controlled(2, [0], oracle.embedded(2, turned, [1]))
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("modified", "plain"),
    [
        ("inv @ s q[0];", "sdg q[0];"),
        ("inv @ inv @ t q[0];", "t q[0];"),
        ("inv @ iswap q[0], q[1];", "xy(pi/2) q[0], q[1];"),
        ("pow(3) @ rx(0.2) q[0];", "rx(0.6) q[0];"),
        ("pow(-2) @ s q[0];", "z q[0];"),
        ("pow(0) @ h q[0];", ""),
        ("ctrl @ x q[0], q[1];", "cx q[0], q[1];"),
        ("ctrl(2) @ x q[0], q[1], q[2];", "ccx q[0], q[1], q[2];"),
        ("ctrl @ ctrl @ x q[0], q[1], q[2];", "ccx q[0], q[1], q[2];"),
        ("negctrl @ x q[0], q[1];", "x q[0]; cx q[0], q[1]; x q[0];"),
        ("ctrl @ negctrl @ z q[0], q[1], q[2];", "x q[1]; ccz q[0], q[1], q[2]; x q[1];"),
        ("ctrl @ inv @ s q[0], q[1];", "cp(-pi/2) q[0], q[1];"),
        ("inv @ ctrl @ s q[0], q[1];", "cp(-pi/2) q[0], q[1];"),
        ("pow(2) @ ctrl @ t q[0], q[1];", "cp(pi/2) q[0], q[1];"),
        ("ctrl @ gphase(0.3) q[1];", "p(0.3) q[1];"),
        ("negctrl @ gphase(0.3) q[1];", "x q[1]; p(0.3) q[1]; x q[1];"),
    ],
)
def test_modifiers_say_what_the_plain_gates_do(modified: str, plain: str) -> None:
    head = "qubit[3] q; "
    assert oracle.same_up_to_phase(unitary(head + modified), unitary(head + plain))


def test_modifiers_reach_through_definitions() -> None:
    head = "gate both(a) s, t { h s; ctrl @ rx(a) s, t; gphase(a); t t; } qubit[3] q; "
    body = oracle.unitary(read(head + "both(0.7) q[1], q[2];"))
    phased = np.exp(0.7j) * body
    found = unitary(head + "ctrl @ both(0.7) q[0], q[1], q[2];")
    np.testing.assert_allclose(found, oracle.controlled(3, [0], phased), atol=1e-12)
    back = unitary(head + "inv @ both(0.7) q[1], q[2]; both(0.7) q[1], q[2];")
    np.testing.assert_allclose(back, np.eye(8), atol=1e-12)


def test_a_definition_of_a_gate_of_the_table_is_that_gate() -> None:
    found = read("gate rzz(a) s, t { cx s, t; rz(a) t; cx s, t; } qubit[2] q; rzz(1) q[0], q[1];")
    assert found == Circuit(2).rzz(1.0, 0, 1)


def test_a_definition_that_says_otherwise_wins() -> None:
    found = read("gate h s { x s; } qubit q; h q;")
    assert found == Circuit(1).x(0)


def test_phases_are_free_in_version_2_definitions() -> None:
    text = "OPENQASM 2.0; gate rzz(a) s,t { cx s,t; u1(a) t; cx s,t; } qreg q[2]; rzz(1) q[0],q[1];"
    assert read_qasm(text) == Circuit(2).rzz(1.0, 0, 1)


def test_phases_count_in_version_3_definitions() -> None:
    found = unitary("gate z s { rz(pi) s; } qubit[2] q; ctrl @ z q[0], q[1];")
    np.testing.assert_allclose(found, np.diag([1, -1j, 1, 1j]), atol=1e-12)


def test_a_definition_keeps_what_its_names_meant_where_it_stands() -> None:
    found = read("gate g s { h s; } gate h s { g s; x s; } qubit q; h q;")
    assert found == Circuit(1).h(0).x(0)


def test_a_definition_under_a_known_name_may_use_the_known_gate() -> None:
    assert read("gate h s { h s; x s; } qubit q; h q;") == Circuit(1).h(0).x(0)


# Mistakes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "declares no qubits"),
        ("bit c;", "declares no qubits"),
        ("OPENQASM 4.0; qubit q;", "1:10: OPENQASM '4.0' is not known"),
        ('include "mine.inc"; qubit q;', '1:9: cannot include "mine.inc"'),
        ("qubit q\nh q;", "2:1: found 'h'; write ';' here"),
        ("qubit q; h q", "1:13: found the end of the text; write ';' here"),
        ("qubit q; h q[1];", r"1:12: q\[1\] is not there: 'q' has 1; use 0 to 0"),
        ("qubit[3] q; h q[{0, 5}];", r"q\[5\] is not there"),
        ("qubit[0] q;", "1:10: 'q' of 0 qubits"),
        ("qubit[9999999] q;", "declare 1 to 1,000,000 in all"),
        ("qubit[1.5] q;", "1.5 where a whole number is needed"),
        ("qubit q; qubit q;", "1:16: 'q' is declared twice"),
        ("qubit gate;", "'gate' cannot be a name"),
        ("h q; qubit q;", "'q' is not declared, where a qubit is needed"),
        ("qubit q; bit c; h c;", "'c' is a bit, where a qubit is needed"),
        ("qubit q; hh q;", "unknown gate 'hh'; define it before it is used; did you mean 'h'"),
        ("qubit q; cx q;", "gate 'cx' on 1 qubits; it acts on 2"),
        ("qubit q; cx q, q;", "gate 'cx' on a qubit twice"),
        ("qubit[2] q; qubit[3] r; cx q, r;", "registers of 2, 3 qubits in one call"),
        ("qubit[2] q; cx q[0], q;", "gate 'cx' on a qubit twice"),
        ("qubit q; rx q;", "gate 'rx' with 0 angles; give it 1"),
        ("qubit q; rx(1, 2) q;", "gate 'rx' with 2 angles; give it 1"),
        ("qubit q; rx(1/0) q;", "a division by zero"),
        ("qubit q; rx(sqrt(-1)) q;", "no finite number"),
        ("qubit q; rx((-8)**(1/3)) q;", "no finite number"),
        ("qubit q; rx(10**400) q;", "no finite number"),
        ("qubit q; rx(9**9**9**9) q;", "no finite number"),
        ("qubit q; rx(x) q;", "'x' has no value"),
        ("qubit q; rx(foo(1)) q;", "there is no function 'foo'"),
        ("qubit q; rx(sin(1, 2)) q;", "'sin' of 2 values; give it 1"),
        ("qubit q; rx() q;", "with 0 angles"),
        ("qubit q; rx(*) q;", r"'\*' is no number"),
        ("input float a; qubit q; rx(a * a) q;", r"'\*' with a parameter here"),
        ("input float a; qubit q; rx(1 / a) q;", "'/' with a parameter here"),
        ("input float a; qubit q; rx(sin(a)) q;", "'sin' of an input parameter"),
        ("input float a; input float b; qubit q; rx(a + b) q;", "an angle of two parameters"),
        ("input float a; qubit[a] q;", "a parameter where a whole number is needed"),
        ("input bit a; qubit q;", "a number of type 'bit'"),
        ("int i = 3; qubit q;", "'int': .* not a classical variable"),
        ("qubit q; bit c; if (c) x q;", "not branching; unroll or remove it"),
        ("qubit q; delay[10ns] q;", "not timing"),
        ("@mine\nqubit q;", "'@': .* not an annotation"),
        ("def f() { }", "not a subroutine"),
        ("opaque magic q;", "not a gate without a definition"),
        ("qubit[2] q; bit c; c = measure q;", "2 qubits measured into 1 bits"),
        ("qubit q; bit c; c = measure q; h q;", "qubit 0 is used after its measurement"),
        ("qubit[2] q; bit c; c = measure q[0]; c = measure q[1];", "is measured into twice"),
        ("qubit q; bit c; c = 1;", "an assignment that is no measurement"),
        ("qubit q; d = measure q;", "'d' is no bit"),
        ("qubit q; h q; reset q;", "qubit 0 is reset after a gate"),
        ("gate g s { h t; } qubit q;", "'t' is no qubit of this gate"),
        ("gate g s { g s; } qubit q;", "unknown gate 'g'"),
        ("gate g s { x s; } gate g s { x s; }", "gate 'g' is defined twice"),
        ("gate g s, s { x s; }", "uses a name for two things"),
        ("gate g s { x s;", "the block of 'g' never ends"),
        ("gate g s { qubit q; }", "a register inside a block"),
        ("gate g s { measure s; }", "a measure inside a block"),
        ("gate g s { for int i in [0:1] measure s; }", "a measure inside a block"),
        ("qubit q; for int i in [0:1] { let a = q; }", "an alias inside a block"),
        ("qubit q; for int i in [0:1] qubit r;", "a register inside a block"),
        ("qubit q; for int i in q { h q; }", "a loop over 'q'"),
        ("qubit q; for int i in [0:] { h q; }", "a range without an end"),
        ("qubit q; for int i in [0:0:5] { h q; }", "of step 0"),
        ("qubit q; for int i in [5] { h q; }", "a loop over one number"),
        ("qubit[2] q; h q[0:1:2:3];", "a range that is not complete"),
        ("qubit q; pow(0.5) @ x q;", "0.5 where a whole number is needed"),
        ("qubit q; pow @ x q;", "a power without its number"),
        ("qubit q; ctrl x q;", "found 'x'; write '@' here"),
        ("qubit q; ctrl(0) @ x q;", "0 controls"),
        ("qubit[99] q; ctrl(20) @ x q[0:20];", "20 controls"),
        ("qubit q; h $0;", "physical qubits beside a register"),
        ("h $0; qubit q;", "physical qubits beside a register"),
        ("h $99999999;", "stay below 1,000,000"),
        ("qubit[2] q; let a = q ++ q[0];", "'a' holds a qubit twice"),
        ("qubit q = 1;", "qubits cannot be assigned"),
        ("qubit q; /* no end", "1:10: a comment that never ends"),
        ('include "stdgates.inc', "a string that does not end on its line"),
        ("qubit q; ?", r"1:10: unexpected character '\?'"),
        ("qubit q; 3 q;", "found '3'; write a statement here"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_remedy(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_qasm(text)


def test_a_mistake_inside_many_lines_has_its_line_and_column() -> None:
    lines = ["OPENQASM 3.0;", "qubit[2] q;", "h q;", "  cx q[0], q[7];"]
    with pytest.raises(InputError, match=r"^mine:4:12: q\[7\] is not there"):
        read_qasm("\n".join(lines), "mine")


# Attacks


def doubling(levels: int) -> str:
    gates = ["gate g0 s { x s; }"]
    gates += [f"gate g{k} s {{ g{k - 1} s; g{k - 1} s; }}" for k in range(1, levels + 1)]
    return " ".join([*gates, f"qubit q; g{levels} q;"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (doubling(50), "more than 20,000 gates"),
        (doubling(50).replace("{ x s; }", "{ }"), "more than 20,000 gates"),
        (doubling(70), "more than 60 definitions in a row"),
        ("qubit q; pow(1000000000) @ x q;", "more than 20,000 gates"),
        ("qubit q; pow(200) @ pow(200) @ x q;", "more than 20,000 gates"),
        ("qubit q; " + "inv @ " * 200 + "pow(200) @ x q;", "more than 20,000 gates"),
        ("qubit q; for int i in [0:9999999999] { x q; }", "stay within 20,000"),
        ("for int i in [0:200] { for int j in [0:200] { } }", "more than 20,000 gates"),
        ("qubit[1000000] q; h q;", "more than 20,000 gates"),
        ("qubit[1000000] q; reset q;", "more than 20,000 gates"),
        ("qubit q; rx(" + "(" * 100_000, "more than 40 levels in each other"),
        ("qubit q; rx(" + "-" * 100_000, "more than 40 levels in each other"),
        ("qubit q; rx(" + "2**" * 100_000, "more than 40 levels in each other"),
        ("for int i in [0:1] " * 10_000, "more than 40 levels in each other"),
        ("qubit q; rx(" + "9" * 5000 + ") q;", "a number of 5000 digits"),
        ("const int a = 99999999999 ** 9; qubit q; rx(a * a) q;", "no finite number"),
    ],
)
def test_a_short_text_cannot_ask_for_endless_work(
    text: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "MOST_STEPS", 20_000)
    start = process_time()
    with pytest.raises(InputError, match=said):
        read_qasm(text)
    assert process_time() - start < 5


@pytest.mark.slow
def test_the_most_work_a_text_can_ask_for_is_bounded() -> None:
    start = process_time()
    with pytest.raises(InputError, match="more than 2,000,000 gates"):
        read_qasm(doubling(50))
    assert process_time() - start < 60


def test_a_long_sum_is_no_deep_one() -> None:
    [gate] = read(f"qubit q; rx({'+'.join('1' * 20_000)}) q;").gates
    assert gate.angles == (20_000.0,)


WORDS = [
    *("qubit", "bit", "q", "c", "gate", "g", "h", "cx", "rx", "ctrl", "inv", "pow", "@", "measure"),
    *("->", "=", "[", "]", "{", "}", "(", ")", ";", ";", ";", ",", ":", "0", "1", "2", "pi", "1.5"),
    *("for", "int", "in", "const", "float", "input", "let", "++", "**", "/", "-", "$0", "reset"),
    *(
        "OPENQASM",
        "3.0",
        "2.0",
        "include",
        '"stdgates.inc"',
        "barrier",
        "U",
        "gphase",
        "if",
        "qreg",
    ),
]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=25))
def test_words_in_any_order_are_read_or_refused(words: list[str]) -> None:
    try:
        read_qasm(" ".join(["qubit[2] q; bit[2] c;", *words]))
    except InputError as error:
        assert str(error).startswith("qasm:")  # noqa: PT017


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
@example("¼ ² ٣; qubit[٣] q;")
@example("\x00\ufeff")
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read_qasm(text)
    except InputError as error:
        assert str(error).startswith("qasm:")  # noqa: PT017


@settings(max_examples=200, deadline=None)
@given(SEEDS, st.data())
def test_a_damaged_text_is_read_or_refused(seed: int, data: st.DataObject) -> None:
    text = write_qasm(random_circuit(seed, parameters=1).measure())
    at = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 5))
    new = data.draw(st.text(string.printable, max_size=3))
    try:
        read_qasm(text[:at] + new + text[at + cut :])
    except InputError as error:
        assert str(error).startswith("qasm:")  # noqa: PT017


def test_a_large_text_is_read_in_time_linear_in_it() -> None:
    def seconds(size: int) -> float:
        text = "qubit[9] q;" + "\n".join(f"rz({k}.5) q[{k % 9}];" for k in range(size))
        start = process_time()
        assert len(read_qasm(text)) == size
        return process_time() - start

    # Quadratic work would take 64 times as long; this leaves room for a busy machine.
    assert seconds(16_000) < 24 * max(min(seconds(2000) for _ in range(3)), 0.01)
