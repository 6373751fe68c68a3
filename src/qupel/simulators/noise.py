"""Noise: channels after gates, and errors of the readout.

A channel maps a density matrix to ``sum K rho K^dagger`` with Kraus matrices ``K`` of
``sum K^dagger K = 1``. The first qubit a channel acts on is the lowest bit of its matrices, as for
gates.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Complex128, Float64, Num

from qupel.errors import InputError
from qupel.model.gate import Gate
from qupel.model.gates import kind_of

#: How far the Kraus matrices' sum may be from one.
TOLERANCE = 1e-9

_PAULIS = {
    "I": np.eye(2, dtype=np.complex128),
    "X": np.array([[0, 1], [1, 0]], np.complex128),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1.0, -1.0]).astype(np.complex128),
}


@dataclass(frozen=True, slots=True, eq=False)
class Channel:
    """What noise does to one or two qubits.

    Attributes
    ----------
    name
        What it is called in messages.
    kraus
        Square matrices of equal size. Those that are zero are left out.

    Raises
    ------
    InputError
        If the matrices do not fit each other, or the channel does not preserve the trace.
    """

    name: str
    kraus: tuple[Num[np.ndarray, "side side"], ...]

    def __post_init__(self) -> None:
        held = tuple(k for k in (np.array(k, np.complex128) for k in self.kraus) if k.any())
        sides = {k.shape for k in held}
        if len(sides) != 1 or next(iter(sides)) not in {(2, 2), (4, 4)}:
            raise InputError(
                f"channel {self.name!r} acts on one or two qubits by matrices of shape (2, 2) or "
                f"(4, 4), got {sorted(sides)}"
            )
        total = sum(k.conj().T @ k for k in held)
        off = float(np.abs(total - np.eye(len(held[0]))).max())
        if not off <= TOLERANCE:  # NaN is off, too
            raise InputError(
                f"channel {self.name!r} does not preserve the trace: sum K^dagger K is off by "
                f"{off:.3g}; it must be one"
            )
        object.__setattr__(self, "kraus", held)

    @property
    def qubits(self) -> int:
        """How many qubits it acts on."""
        return len(self.kraus[0]).bit_length() - 1

    def superoperator(self) -> Complex128[np.ndarray, "square square"]:
        """Matrix on a density matrix's column qubits (the low bits) and its row qubits."""
        return np.sum([np.kron(k, k.conj()) for k in self.kraus], axis=0)

    def then(self, other: Channel, name: str | None = None) -> Channel:
        """Return this channel followed by ``other``, with as few Kraus matrices as there can be."""
        if self.qubits != other.qubits:
            raise InputError(
                f"channels on {self.qubits} and {other.qubits} qubits cannot follow each other"
            )
        products = [b @ a for a in self.kraus for b in other.kraus]
        return Channel(name or f"{self.name}, {other.name}", _fewest(products))

    def certain(self) -> Float64[np.ndarray, " kraus"]:
        """Least chance that each Kraus matrix has in any state; they sum to one for mixtures.

        As far as these go, what happens can be drawn without looking at the state.
        """
        return np.array([max(np.linalg.eigvalsh(k.conj().T @ k)[0], 0.0) for k in self.kraus])


def depolarising(probability: float, qubits: int = 1) -> Channel:
    """With this probability the qubits are left in the maximally mixed state.

    Each Pauli product but the identity happens with ``probability / 4**qubits``.
    """
    _check_share("probability", probability)
    if qubits not in (1, 2):
        raise InputError(f"depolarising acts on 1 or 2 qubits, got {qubits}")
    each = probability / 4**qubits
    names = ["".join(letters) for letters in product("IXYZ", repeat=qubits)]
    return pauli(dict.fromkeys(names[1:], each), name=f"depolarising({probability:g})")


def pauli(probabilities: Mapping[str, float], name: str | None = None) -> Channel:
    """Pauli products with given probabilities; otherwise nothing.

    A name has one letter a qubit, the rightmost being the first qubit, as in `PauliSum`.
    """
    sizes = {len(key) for key in probabilities}
    if (
        len(sizes) != 1
        or not sizes <= {1, 2}
        or any(set(key) - set("IXYZ") for key in probabilities)
    ):
        raise InputError(
            "a Pauli channel names products of one or two of I, X, Y and Z, got "
            f"{list(probabilities)}"
        )
    [qubits] = sizes
    rest = 1 - math.fsum(p for key, p in probabilities.items() if set(key) != {"I"})
    for key, p in (*probabilities.items(), ("I" * qubits, rest)):
        _check_share(f"probability of {key}", p)
    weights = {**probabilities, "I" * qubits: rest}
    return Channel(
        name or "pauli",
        tuple(
            math.sqrt(weight) * reduce(np.kron, [_PAULIS[letter] for letter in key])
            for key, weight in weights.items()
        ),
    )


def bit_flip(probability: float) -> Channel:
    """X with this probability."""
    return pauli({"X": probability}, name=f"bit_flip({probability:g})")


def phase_flip(probability: float) -> Channel:
    """Z with this probability."""
    return pauli({"Z": probability}, name=f"phase_flip({probability:g})")


def bit_phase_flip(probability: float) -> Channel:
    """Y with this probability."""
    return pauli({"Y": probability}, name=f"bit_phase_flip({probability:g})")


def amplitude_damping(gamma: float) -> Channel:
    """One decays to zero with probability ``gamma``."""
    return generalised_amplitude_damping(gamma, 0.0, name=f"amplitude_damping({gamma:g})")


def generalised_amplitude_damping(gamma: float, excited: float, name: str | None = None) -> Channel:
    """With probability ``gamma`` the qubit is replaced by one that is 1 with chance ``excited``."""
    _check_share("gamma", gamma)
    _check_share("excited", excited)
    down, up, kept = math.sqrt(1 - excited), math.sqrt(excited), math.sqrt(1 - gamma)
    lost = math.sqrt(gamma)
    return Channel(
        name or f"generalised_amplitude_damping({gamma:g}, {excited:g})",
        (
            down * np.diag([1, kept]),
            down * lost * np.array([[0, 1], [0, 0]]),
            up * np.diag([kept, 1]),
            up * lost * np.array([[0, 0], [1, 0]]),
        ),
    )


def phase_damping(strength: float) -> Channel:
    """Coherences shrink by ``sqrt(1 - strength)``; populations stay."""
    _check_share("strength", strength)
    return Channel(
        f"phase_damping({strength:g})",
        (np.diag([1, math.sqrt(1 - strength)]), np.diag([0, math.sqrt(strength)])),
    )


def thermal_relaxation(t1: float, t2: float, time: float, excited: float = 0.0) -> Channel:
    """Decay towards thermal equilibrium during a gate.

    Parameters
    ----------
    t1, t2
        Relaxation and dephasing times, in the unit of ``time``; infinity for none. Coherences
        shrink by ``exp(-time / t2)``, and ``t2`` is at most ``2 t1``.
    time
        How long it acts.
    excited
        Chance of 1 in equilibrium.
    """
    if not (t1 > 0 and t2 > 0 and time >= 0 and math.isfinite(time)):
        raise InputError(
            f"t1 and t2 must be positive and time not negative, got {t1}, {t2}, {time}"
        )
    if t2 > 2 * t1:
        raise InputError(f"t2 is at most 2 t1 = {2 * t1:g}, got {t2:g}")
    name = f"thermal_relaxation({t1:g}, {t2:g}, {time:g})"
    decay = generalised_amplitude_damping(-math.expm1(-time / t1), excited)
    pure = math.exp(time / (2 * t1) - time / t2)  # what the decay leaves of the shrinking
    return decay.then(phase_flip((1 - min(pure, 1.0)) / 2), name)


def over_rotation(axis: str, angle: float) -> Channel:
    """Return a coherent error: ``exp(-i angle/2 P)`` for a Pauli product ``P``.

    ``axis`` is its name, such as ``"X"`` or ``"ZX"``; the rightmost letter is the first qubit, as
    in `PauliSum`.
    """
    letters = axis.upper()
    if len(letters) not in (1, 2) or set(letters) - set("IXYZ"):
        raise InputError(f"an axis is one or two of I, X, Y and Z, got {axis!r}")
    if not math.isfinite(angle):
        raise InputError(f"angle must be finite, got {angle}")
    p = reduce(np.kron, [_PAULIS[letter] for letter in letters])
    turned = math.cos(angle / 2) * np.eye(len(p)) - 1j * math.sin(angle / 2) * p
    return Channel(f"over_rotation({axis}, {angle:g})", (turned,))


@dataclass(frozen=True, slots=True)
class Readout:
    """Confusion of one qubit's readout.

    Attributes
    ----------
    false_one
        Chance that 0 is read as 1.
    false_zero
        Chance that 1 is read as 0.
    """

    false_one: float
    false_zero: float

    def __post_init__(self) -> None:
        _check_share("false_one", self.false_one)
        _check_share("false_zero", self.false_zero)

    def matrix(self) -> Float64[np.ndarray, "2 2"]:
        """Chance of each reading (row) given the true bit (column)."""
        return np.array(
            [[1 - self.false_one, self.false_zero], [self.false_one, 1 - self.false_zero]]
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """A channel and the gates it follows.

    Attributes
    ----------
    channel
        On one qubit it acts on each of the gate's qubits; on two it follows only two-qubit gates,
        on the gate's qubits in the order in which the gate names them.
    gates
        Names of the gates, None for all.
    qubits
        For a one-qubit channel the qubits it may act on, for a two-qubit channel the pair (in
        either order); None for all.

    Raises
    ------
    InputError
        If a gate has no such name, or a channel on two qubits could never follow it.
    """

    channel: Channel
    gates: frozenset[str] | None = None
    qubits: frozenset[int] | None = None

    def __post_init__(self) -> None:
        for name in self.gates or ():
            acts_on = kind_of(name).qubits
            if self.channel.qubits == 2 and acts_on != 2:
                raise InputError(
                    f"channel {self.channel.name!r} acts on 2 qubits and gate {name!r} on "
                    f"{acts_on}, so it would never happen; give a channel on one qubit"
                )

    def after(self, gate: Gate) -> list[tuple[int, ...]]:
        """Qubits on which the channel acts after ``gate``, one entry each time."""
        if self.gates is not None and gate.name not in self.gates:
            return []
        if self.channel.qubits == 1:
            return [(q,) for q in gate.qubits if self.qubits is None or q in self.qubits]
        if len(gate.qubits) != 2 or (self.qubits is not None and set(gate.qubits) != self.qubits):
            return []
        return [gate.qubits]


@dataclass(frozen=True, slots=True)
class NoiseModel:
    """Channels after gates, and how qubits are misread.

    Attributes
    ----------
    rules
        All that match a gate act after it, in order.
    readout
        One for all qubits, or by qubit; qubits left out are read without error.

    Examples
    --------
    >>> noise = NoiseModel.of(after={"cx": depolarising(0.02, 2)}, readout=Readout(0.01, 0.03))
    >>> [channel.name for channel, _ in noise.after(Gate("cx", (0, 1)))]
    ['depolarising(0.02)']
    """

    rules: tuple[Rule, ...] = ()
    readout: Readout | Mapping[int, Readout] | None = None

    @classmethod
    def of(
        cls,
        after: Mapping[str, Channel | Iterable[Channel]] | None = None,
        readout: Readout | Mapping[int, Readout] | None = None,
    ) -> NoiseModel:
        """Channels by the name of the gate they follow; ``"*"`` stands for every gate."""
        rules = [
            Rule(channel, None if name == "*" else frozenset({name}))
            for name, held in (after or {}).items()
            for channel in ([held] if isinstance(held, Channel) else held)
        ]
        return cls(tuple(rules), readout)

    def after(self, gate: Gate) -> list[tuple[Channel, tuple[int, ...]]]:
        """Channels after a gate, each with the qubits it acts on."""
        return [(rule.channel, qubits) for rule in self.rules for qubits in rule.after(gate)]

    def read(self, qubit: int) -> Readout | None:
        """How this qubit is misread, if it is."""
        if isinstance(self.readout, Mapping):
            return self.readout.get(qubit)
        return self.readout

    def confused(
        self, probabilities: Float64[np.ndarray, " outcomes"], qubits: Iterable[int]
    ) -> Float64[np.ndarray, " outcomes"]:
        """Probabilities of what is read, from those of what is; the first qubit the lowest bit."""
        out = probabilities
        for k, qubit in enumerate(qubits):
            if (readout := self.read(qubit)) is not None:
                pairs = out.reshape(-1, 2, 1 << k)
                out = np.einsum("rt,htl->hrl", readout.matrix(), pairs).reshape(-1)
        return out


def _fewest(kraus: Iterable[Any]) -> tuple[Any, ...]:
    """Kraus matrices of the same channel, no more than its rank: from its Choi matrix."""
    rows = np.array([k.reshape(-1) for k in kraus])
    side = math.isqrt(rows.shape[1])
    values, vectors = np.linalg.eigh(rows.T @ rows.conj())
    kept = values > 1e-15
    return tuple(
        math.sqrt(value) * vector.reshape(side, side)
        for value, vector in zip(values[kept], vectors.T[kept], strict=True)
    )


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise InputError(f"{name} must be from 0 to 1, got {value}")
