"""Prices: how providers charge, as data, and an exact upper bound of a bill.

Every rate is a decimal number of the currency's unit, so that nothing is lost before the one
rounding at the end, which is up to a whole millionth.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from decimal import ROUND_CEILING, Decimal, localcontext
from typing import Literal

from qupel.backends.catalogue.sizes import OF_THREE
from qupel.errors import InputError
from qupel.model.circuit import Circuit
from qupel.model.money import Money


@dataclass(frozen=True, slots=True)
class Counts:
    """What one program uses in every shot.

    Attributes
    ----------
    one_qubit_gates, two_qubit_gates
        As the provider counts them.
    prepared, measured
        Qubits that are prepared, and that are measured.
    """

    one_qubit_gates: int = 0
    two_qubit_gates: int = 0
    prepared: int = 0
    measured: int = 0

    def __post_init__(self) -> None:
        for each in fields(self):
            _check_whole(each.name, getattr(self, each.name), 0)

    @classmethod
    def of(cls, circuit: Circuit) -> Counts:
        """Counts of a circuit as it stands; a gate on three qubits as those it is made of."""
        one = two = 0
        for name, count in circuit.counts().items():
            if size := OF_THREE.get(name):
                two += size.two_qubit_gates * count
                one += size.one_qubit_gates * count
        two += circuit.two_qubit_gates()
        one += sum(len(gate.qubits) == 1 for gate in circuit.gates)
        measured = circuit.qubits if circuit.measured is None else len(circuit.measured)
        return cls(one, two, circuit.qubits, measured)


@dataclass(frozen=True, slots=True)
class Usage:
    """What an order uses.

    Attributes
    ----------
    programs
        One entry for each program of the order.
    shots
        Of each program.
    seconds
        Of the device, at most: the limit set on the job. None if none is set or known.
    """

    programs: tuple[Counts, ...]
    shots: int
    seconds: Decimal | None = None

    def __post_init__(self) -> None:
        if not self.programs:
            raise InputError("an order has at least one program")
        _check_whole("shots", self.shots, 1)
        if self.seconds is not None and not (self.seconds.is_finite() and self.seconds >= 0):
            raise InputError(f"seconds must be a finite number from 0, got {self.seconds}")

    @classmethod
    def of(
        cls, circuits: Iterable[Circuit], shots: int, seconds: float | Decimal | None = None
    ) -> Usage:
        """Usage of circuits as they stand; compile them first where a provider counts gates."""
        exact = None if seconds is None else Decimal(str(seconds))
        return cls(tuple(Counts.of(circuit) for circuit in circuits), shots, exact)


@dataclass(frozen=True, slots=True)
class Free:
    """Nothing is charged."""

    currency: str = "USD"
    kind: Literal["free"] = "free"


@dataclass(frozen=True, slots=True)
class Unpublished:
    """Something is charged, and nobody says in public how much."""

    kind: Literal["unpublished"] = "unpublished"


@dataclass(frozen=True, slots=True)
class PerShot:
    """So much for every program, and so much for every shot of it.

    Attributes
    ----------
    task, shot
        In the currency's unit.
    """

    task: Decimal
    shot: Decimal
    currency: str = "USD"
    kind: Literal["per shot"] = "per shot"

    def __post_init__(self) -> None:
        _check_rates(self, "task", "shot")


@dataclass(frozen=True, slots=True)
class PerGateShot:
    """So much for every program and for every gate of every shot, and at least a minimum.

    Attributes
    ----------
    one_qubit_gate, two_qubit_gate
        For one gate in one shot.
    task, minimum
        For a program: in addition to its gates, and at least.
    """

    one_qubit_gate: Decimal
    two_qubit_gate: Decimal
    task: Decimal = Decimal(0)
    minimum: Decimal = Decimal(0)
    currency: str = "USD"
    kind: Literal["per gate-shot"] = "per gate-shot"

    def __post_init__(self) -> None:
        _check_rates(self, "one_qubit_gate", "two_qubit_gate", "task", "minimum")


@dataclass(frozen=True, slots=True)
class PerSecond:
    """So much for every second of the device.

    Attributes
    ----------
    second
        For one second.
    increment
        Seconds are charged in whole multiples of so many.
    minimum_seconds
        Charged at least.
    """

    second: Decimal
    increment: Decimal = Decimal(1)
    minimum_seconds: Decimal = Decimal(0)
    currency: str = "USD"
    kind: Literal["per second"] = "per second"

    def __post_init__(self) -> None:
        _check_rates(self, "second", "increment", "minimum_seconds")
        if self.increment == 0:
            raise InputError("increment must be more than 0 seconds")


@dataclass(frozen=True, slots=True)
class Credits:
    """Credits by a formula, bought at a price.

    A program costs ``base + shots (one N1 + two N2 + measure Nm) / divisor`` credits, with N1 and
    N2 its gates on one and two qubits and Nm its preparations and its measurements: Quantinuum's
    formula with 5, 1, 10, 5 and 5000.

    Attributes
    ----------
    credit
        Price of one.
    """

    credit: Decimal
    base: Decimal = Decimal(5)
    one: Decimal = Decimal(1)
    two: Decimal = Decimal(10)
    measure: Decimal = Decimal(5)
    divisor: Decimal = Decimal(5000)
    currency: str = "USD"
    kind: Literal["credits"] = "credits"

    def __post_init__(self) -> None:
        _check_rates(self, "credit", "base", "one", "two", "measure", "divisor")
        if self.divisor == 0:
            raise InputError("divisor must be more than 0")


PriceModel = Free | Unpublished | PerShot | PerGateShot | PerSecond | Credits


def price(model: PriceModel, usage: Usage) -> Money:
    """Upper bound of the bill, exact but for one rounding up to a whole millionth.

    Raises
    ------
    InputError
        If seconds are charged and the usage has none, since a bill without a limit has no bound;
        or no price is published.

    Examples
    --------
    >>> two = Usage((Counts(measured=3),) * 2, shots=1000)
    >>> print(price(PerShot(Decimal("0.3"), Decimal("0.00145")), two))
    3.50 USD
    """
    if isinstance(model, Unpublished):
        raise InputError("no price is published for this device; ask its maker, and write it down")
    with localcontext(prec=100, rounding=ROUND_CEILING):
        return Money.of(_amount(model, usage), model.currency)


def _amount(model: Free | PerShot | PerGateShot | PerSecond | Credits, usage: Usage) -> Decimal:
    """The bill in the currency's unit."""
    match model:
        case Free():
            return Decimal(0)
        case PerShot():
            return len(usage.programs) * (model.task + usage.shots * model.shot)
        case PerGateShot():
            return sum((_by_gates(model, each, usage.shots) for each in usage.programs), Decimal(0))
        case PerSecond():
            return _by_seconds(model, usage.seconds)
        case Credits():
            return sum(
                (_by_credits(model, each, usage.shots) for each in usage.programs), Decimal(0)
            )


def _by_gates(model: PerGateShot, program: Counts, shots: int) -> Decimal:
    ones = program.one_qubit_gates * model.one_qubit_gate
    twos = program.two_qubit_gates * model.two_qubit_gate
    return max(model.minimum, model.task + shots * (ones + twos))


def _by_seconds(model: PerSecond, seconds: Decimal | None) -> Decimal:
    if seconds is None:
        raise InputError(
            "this device charges by the second; give the seconds the job may take at most"
        )
    steps = (max(seconds, model.minimum_seconds) / model.increment).to_integral_value()
    return steps * model.increment * model.second


def _by_credits(model: Credits, program: Counts, shots: int) -> Decimal:
    weights = (
        program.one_qubit_gates * model.one
        + program.two_qubit_gates * model.two
        + (program.prepared + program.measured) * model.measure
    )
    return (model.base + shots * weights / model.divisor) * model.credit


def _check_whole(name: str, value: int, least: int) -> None:
    if type(value) is not int or value < least:
        raise InputError(f"{name} must be a whole number from {least}, got {value!r}")


def _check_rates(model: PerShot | PerGateShot | PerSecond | Credits, *names: str) -> None:
    Money(0, model.currency)
    for name in names:
        rate = getattr(model, name)
        if not (isinstance(rate, Decimal) and rate.is_finite() and rate >= 0):
            raise InputError(f"{name} must be a decimal number from 0, got {rate!r}")
