"""Weighted sums of Pauli products: the observables of qubits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Complex128, Int64, UInt64

from qupel.errors import InputError
from qupel.model.checks import whole
from qupel.model.gate import Gate
from qupel.model.ising import Ising

#: Qubits to which a dense matrix is written out: 256 MB.
LARGEST_MATRIX = 12

#: Terms that a product may have before equal ones are gathered: about 1 GB.
MOST_PRODUCTS = 20_000_000

#: A sum smaller than this share of its parts has cancelled but for rounding.
ROUNDING = 1e-15

#: Terms that a printed sum shows.
SHOWN = 20

_SPARSE = re.compile(r"([IXYZ])(0|[1-9][0-9]{0,8})")
_POWERS_OF_I = np.array([1, 1j, -1, -1j])


@dataclass(frozen=True, slots=True, eq=False, init=False, repr=False)
class PauliSum:
    """Sum of ``coefficients[k]`` times a product of Pauli matrices, one on each qubit.

    On qubit ``q`` term ``k`` has the Pauli matrix that bit ``q`` of ``x[k]`` and of ``z[k]``
    name: I by neither, X by ``x`` alone, Z by ``z`` alone, Y by both (Y itself, not XZ).

    Attributes
    ----------
    qubits
        Number of qubits; qubit 0 is the lowest bit of a state's index.
    x, z
        One row a term, 64 qubits a word: qubit ``q`` is bit ``q % 64`` of word ``q // 64``.
    coefficients
        One complex number a term.

    Examples
    --------
    >>> energy = PauliSum.of({"ZZI": 1.0, "IXY": 0.5})  # the rightmost letter is qubit 0
    >>> energy == PauliSum.of({"Z1 Z2": 1.0, "Y0 X1": 0.5}, qubits=3)
    True
    >>> print(PauliSum.of({"X": 1.0}) * PauliSum.of({"Y": 1.0}))
    0+1j Z
    """

    qubits: int
    x: UInt64[np.ndarray, "terms words"]
    z: UInt64[np.ndarray, "terms words"]
    coefficients: Complex128[np.ndarray, " terms"]

    def __init__(self, qubits: int, x: Any, z: Any, coefficients: Any) -> None:
        qubits = whole("qubits", qubits)
        weights = np.array(coefficients, dtype=np.complex128)
        if weights.ndim != 1 or not np.isfinite(weights).all():
            raise InputError(
                f"coefficients must be one row of finite numbers, got shape {weights.shape}"
            )
        shape = (weights.size, _words(qubits))
        x, z = (np.array(mask, dtype=np.uint64) for mask in (x, z))
        for name, mask in (("x", x), ("z", z)):
            if mask.shape != shape:
                raise InputError(f"{name} must have shape {shape}, got {mask.shape}")
            if qubits % 64 and (mask[:, -1] >> np.uint64(qubits % 64)).any():
                raise InputError(f"{name} names a qubit beyond the last, {qubits - 1}")
        self._set(qubits, x, z, weights)

    def _set(self, qubits: int, x: Any, z: Any, coefficients: Any) -> None:
        object.__setattr__(self, "qubits", qubits)
        object.__setattr__(self, "x", x)
        object.__setattr__(self, "z", z)
        object.__setattr__(self, "coefficients", coefficients)

    @staticmethod
    def of(
        terms: Mapping[str, complex] | Iterable[tuple[str, complex]], qubits: int | None = None
    ) -> PauliSum:
        """Sum of named products, each with its coefficient.

        A name is either one letter a qubit, the rightmost being qubit 0 (``"XIZ"``: Z on qubit
        0, X on qubit 2), or lists the qubits that have one (``"Z0 X2"``). The empty name is the
        identity. ``qubits`` is needed when no name gives one letter a qubit.

        Raises
        ------
        InputError
            If a name cannot be read, or two of them disagree on the number of qubits.
        """
        pairs = list(terms.items() if isinstance(terms, Mapping) else terms)
        if qubits is None:
            dense = [name for name, _ in pairs if name and not _is_sparse(name)]
            if not dense:
                raise InputError("say how many qubits there are: PauliSum.of(terms, qubits=…)")
            qubits = len(dense[0])
        qubits = whole("qubits", qubits)
        x, z = (np.zeros((len(pairs), _words(qubits)), np.uint64) for _ in range(2))
        for k, (name, _) in enumerate(pairs):
            for q, letter in _letters(name, qubits):
                bit = np.uint64(1) << np.uint64(q % 64)
                if letter in "XY":
                    x[k, q // 64] |= bit
                if letter in "YZ":
                    z[k, q // 64] |= bit
        return PauliSum(qubits, x, z, [weight for _, weight in pairs])

    @staticmethod
    def of_ising(ising: Ising) -> PauliSum:
        """The Ising energy as an observable: spin ``s_i`` becomes Z on qubit ``i``.

        Raises
        ------
        InputError
            If the model has quotas: an observable has no place for a constraint.
        """
        if not isinstance(ising, Ising):
            raise InputError(
                f"an Ising model is needed, got {type(ising).__name__}; encode(form, into=Ising) "
                "makes one"
            )
        if ising.quotas:
            raise InputError(
                f"a PauliSum has no place for {len(ising.quotas)} quotas; "
                "encode(form, Ising, keep_quotas=False) makes penalties of them"
            )
        n = ising.variables
        held = np.flatnonzero(ising.fields)
        pairs = ising.couplings.tocoo()
        single = _masks(n, held)
        double = _masks(n, pairs.coords[0]) | _masks(n, pairs.coords[1])
        z = np.concatenate([np.zeros((1, _words(n)), np.uint64), single, double])
        weights = np.concatenate([[ising.offset], ising.fields[held], pairs.data])
        kept = weights != 0
        return PauliSum(n, np.zeros_like(z[kept]), z[kept], weights[kept])

    @property
    def terms(self) -> int:
        """Number of terms."""
        return int(self.coefficients.size)

    def __len__(self) -> int:
        return self.terms

    def __neg__(self) -> PauliSum:
        return self._like(self.x, self.z, -self.coefficients)

    def __add__(self, other: PauliSum | complex) -> PauliSum:
        more = self._lifted(other)
        if more is None:
            return NotImplemented
        return self._like(
            np.concatenate([self.x, more.x]),
            np.concatenate([self.z, more.z]),
            np.concatenate([self.coefficients, more.coefficients]),
        ).simplify()

    __radd__ = __add__

    def __sub__(self, other: PauliSum | complex) -> PauliSum:
        return self + -other

    def __rsub__(self, other: complex) -> PauliSum:
        return -self + other

    def __mul__(self, other: PauliSum | complex) -> PauliSum:
        if isinstance(other, (int, float, complex, np.number)):
            if not np.isfinite(other):
                raise InputError(f"a sum is multiplied by a finite number, got {other}")
            return self._like(self.x, self.z, self.coefficients * complex(other))
        if not isinstance(other, PauliSum):
            return NotImplemented
        return self._times(other)

    def __rmul__(self, other: complex) -> PauliSum:
        return self * other

    def __truediv__(self, other: complex) -> PauliSum:
        return self * (1 / other)

    def _times(self, other: PauliSum) -> PauliSum:
        self._check_like(other)
        size = self.terms * other.terms
        if size > MOST_PRODUCTS:
            raise InputError(
                f"a product of {self.terms} and {other.terms} terms has {size:,}, beyond "
                f"{MOST_PRODUCTS:,}; simplify the factors, or multiply parts of them"
            )
        x1, z1 = self.x[:, None], self.z[:, None]
        x, z = (x1 ^ other.x).reshape(size, -1), (z1 ^ other.z).reshape(size, -1)
        # With P = i^|x & z| X^x Z^z, moving Z^z1 past X^x2 gives a sign for every shared qubit.
        quarter_turns = (
            _weight(self.x & self.z)[:, None]
            + _weight(other.x & other.z)
            + 2 * _weight(z1 & other.x)
        ).reshape(size) - _weight(x & z)
        weights = (self.coefficients[:, None] * other.coefficients).reshape(size)
        return self._like(x, z, weights * _POWERS_OF_I[quarter_turns % 4]).simplify()

    def simplify(self, tolerance: float = 0.0) -> PauliSum:
        """Equal products gathered, in a fixed order.

        Left out are those of weight up to ``tolerance``, and those whose parts cancel but for
        rounding.
        """
        words = np.concatenate([self.x, self.z], axis=1)
        order = np.lexsort(words.T)
        words = words[order]
        first = np.ones(self.terms, dtype=np.bool_)
        first[1:] = (words[1:] != words[:-1]).any(axis=1)
        starts = np.flatnonzero(first)
        weights = self.coefficients[order]
        sums = np.add.reduceat(weights, starts) if starts.size else weights
        parts = np.add.reduceat(np.abs(weights), starts) if starts.size else weights.real
        kept = np.abs(sums) > np.maximum(tolerance, ROUNDING * parts)
        where = order[starts[kept]]
        return self._like(self.x[where], self.z[where], sums[kept])

    def dagger(self) -> PauliSum:
        """Hermitian conjugate: Pauli products are their own, so the coefficients are conjugated."""
        return self._like(self.x, self.z, self.coefficients.conj())

    def is_hermitian(self, tolerance: float = 1e-12) -> bool:
        """Whether expectations are real: no gathered coefficient's imaginary part is larger."""
        return bool((np.abs(self.simplify().coefficients.imag) <= tolerance).all())

    def is_diagonal(self) -> bool:
        """Whether every product is of Z alone, so that a state's probabilities are enough."""
        return not self.x.any()

    def to_matrix(self) -> Complex128[np.ndarray, "states states"]:
        """Dense matrix on all states, for up to 12 qubits."""
        if self.qubits > LARGEST_MATRIX:
            raise InputError(
                f"a matrix on {self.qubits} qubits is too large to write out; "
                f"the limit is {LARGEST_MATRIX}"
            )
        size = 1 << self.qubits
        states = np.arange(size, dtype=np.uint64)
        out = np.zeros((size, size), dtype=np.complex128)
        for x, z, weight in zip(self.x[:, 0], self.z[:, 0], self.coefficients, strict=True):
            signs = 1 - 2 * (np.bitwise_count(states & z) & 1).astype(np.float64)
            turn = _POWERS_OF_I[int(np.bitwise_count(x & z)) % 4]
            out[states ^ x, states] += weight * turn * signs
        return out

    def labels(self) -> tuple[str, ...]:
        """Name of each product, one letter a qubit, the rightmost being qubit 0."""
        x, z = unpacked(self.x, self.qubits), unpacked(self.z, self.qubits)
        letters = np.array(["I", "X", "Z", "Y"])[x + 2 * z.astype(np.int64)]
        return tuple("".join(row) for row in letters[:, ::-1].tolist())

    def commuting_groups(self) -> tuple[MeasuredTogether, ...]:
        """Terms that one setting of the measured axes gives together, qubit by qubit.

        Terms enter in falling order of weight, each into the first group that measures each of
        its qubits along the axis it needs, or none yet. The identity needs no measurement and is
        in no group.
        """
        support = self.x | self.z
        order = np.argsort(-np.abs(self.coefficients), kind="stable")
        order = order[support[order].any(axis=1)]
        x, z = (np.zeros((0, support.shape[1]), np.uint64) for _ in range(2))
        members: list[list[int]] = []
        for k in order.tolist():
            shared = (x | z) & support[k]
            clash = ((x ^ self.x[k]) | (z ^ self.z[k])) & shared
            free = np.flatnonzero(~clash.any(axis=1))
            if free.size:
                g = int(free[0])
                x[g] |= self.x[k]
                z[g] |= self.z[k]
                members[g].append(k)
            else:
                x, z = np.vstack([x, self.x[k]]), np.vstack([z, self.z[k]])
                members.append([k])
        return tuple(
            MeasuredTogether(np.array(found, np.int64), x[g], z[g])
            for g, found in enumerate(members)
        )

    def _like(self, x: Any, z: Any, coefficients: Any) -> PauliSum:
        out = object.__new__(PauliSum)
        PauliSum._set(out, self.qubits, x, z, coefficients)
        return out

    def _lifted(self, other: Any) -> PauliSum | None:
        """``other`` as a sum on our qubits, a number being that much identity."""
        if isinstance(other, PauliSum):
            self._check_like(other)
            return other
        if isinstance(other, (int, float, complex, np.number)):
            none = np.zeros((1, _words(self.qubits)), np.uint64)
            return PauliSum(self.qubits, none, none, [other])
        return None

    def _check_like(self, other: PauliSum) -> None:
        if self.qubits != other.qubits:
            raise InputError(
                f"sums on {self.qubits} and {other.qubits} qubits do not meet; "
                "build both with the same qubits=…"
            )

    def __eq__(self, other: object) -> bool:
        """Whether both have the same gathered terms with exactly the same coefficients."""
        if not isinstance(other, PauliSum):
            return NotImplemented
        a, b = self.simplify(), other.simplify()
        return (
            a.qubits == b.qubits
            and np.array_equal(a.x, b.x)
            and np.array_equal(a.z, b.z)
            and np.array_equal(a.coefficients, b.coefficients)
        )

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        first = self._like(self.x[:SHOWN], self.z[:SHOWN], self.coefficients[:SHOWN])
        shown = [
            f"{weight.real if weight.imag == 0 else weight:g} {name}"
            for name, weight in zip(first.labels(), first.coefficients.tolist(), strict=True)
        ]
        more = [f"… {self.terms - SHOWN} more"] if self.terms > SHOWN else []
        return " + ".join(shown + more) or "0"

    def __repr__(self) -> str:
        return f"PauliSum({self.qubits}, <{self.terms} terms>)"


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredTogether:
    """Terms of a sum that are read from the same shots.

    Attributes
    ----------
    terms
        Their places in the sum, in falling order of weight.
    x, z
        The axis each qubit is measured along, coded as in `PauliSum`; I where no term looks.
    """

    terms: Int64[np.ndarray, " members"]
    x: UInt64[np.ndarray, " words"]
    z: UInt64[np.ndarray, " words"]

    def rotations(self) -> tuple[Gate, ...]:
        """Gates before the measurement that turn each qubit's axis to Z.

        After them, a term's value in a shot is the parity of the bits where its ``x | z`` is
        one: +1 if even, −1 if odd.
        """
        gates: list[Gate] = []
        for word, (x, z) in enumerate(zip(self.x.tolist(), self.z.tolist(), strict=True)):
            for bit in range(64):
                if x >> bit & 1:
                    q = 64 * word + bit
                    gates += [Gate("sdg", (q,))] if z >> bit & 1 else []
                    gates.append(Gate("h", (q,)))
        return tuple(gates)


def packed(flags: Bool[np.ndarray, "terms n"]) -> UInt64[np.ndarray, "terms words"]:
    """One bit a qubit, 64 to a word, as `PauliSum` holds them."""
    terms, qubits = flags.shape
    padded = np.zeros((terms, 64 * _words(qubits)), np.bool_)
    padded[:, :qubits] = flags
    return np.packbits(padded, axis=1, bitorder="little").view("<u8").astype(np.uint64)


def unpacked(
    masks: UInt64[np.ndarray, "terms words"], qubits: int
) -> Bool[np.ndarray, "terms qubits"]:
    """One flag a qubit; the inverse of `packed`."""
    octets = np.ascontiguousarray(masks, dtype="<u8").view(np.uint8)
    return np.unpackbits(octets, axis=1, count=qubits, bitorder="little").astype(np.bool_)


def _words(qubits: int) -> int:
    return (qubits + 63) // 64


def _weight(words: UInt64[np.ndarray, "*rows words"]) -> Int64[np.ndarray, "*rows"]:
    return np.bitwise_count(words).sum(axis=-1, dtype=np.int64)


def _masks(qubits: int, places: Any) -> UInt64[np.ndarray, "rows words"]:
    """One row for each place, with that one bit set."""
    at = np.asarray(places, np.int64)
    out = np.zeros((at.size, _words(qubits)), np.uint64)
    out[np.arange(at.size), at // 64] = np.uint64(1) << (at % 64).astype(np.uint64)
    return out


def _is_sparse(name: str) -> bool:
    return any(c.isdigit() for c in name)


def _letters(name: str, qubits: int) -> list[tuple[int, str]]:
    """Qubit and Pauli letter of each factor."""
    shown = name if len(name) <= 60 else f"{name[:60]}…"
    if not _is_sparse(name):
        if name and len(name) != qubits:
            raise InputError(f"{shown!r} has {len(name)} letters for {qubits} qubits; give as many")
        if wrong := set(name) - set("IXYZ"):
            raise InputError(f"{shown!r} holds {min(wrong)!r}; letters are I, X, Y and Z")
        return list(enumerate(reversed(name)))
    found = []
    for word in name.split():
        match = _SPARSE.fullmatch(word)
        if match is None:
            raise InputError(f"{word[:60]!r} is no Pauli factor; write X0, Y1, Z2 …")
        if int(match[2]) >= qubits:
            raise InputError(f"{shown!r}: there is no qubit {match[2]}; there are {qubits}")
        found.append((int(match[2]), match[1]))
    if len({q for q, _ in found}) < len(found):
        raise InputError(f"{shown!r} names a qubit twice; multiply the factors first")
    return found
