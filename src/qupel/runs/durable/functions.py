"""Stages that call a function of one's own, by name, in a process that can be killed."""

from __future__ import annotations

import importlib
import inspect
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from qupel.errors import ContractError, InputError
from qupel.runs.description import plain
from qupel.runs.durable.kinds import Given, Made, Settings
from qupel.runs.durable.ports import Port

Declared = str | dict[str, Any]


class FunctionSettings(Settings):
    """Settings of ``function``.

    Attributes
    ----------
    call
        ``package.module:function``. It is called with every input and every argument by name,
        and with ``rng``, a NumPy generator of the stage's own seed, if it has such a parameter.
    arguments
        Plain data.
    inputs, outputs
        Type or schema of each port. A function of one output returns its value, one of several
        a mapping with their names.
    seconds
        After so many it is killed; the fallback then has as many.
    version
        Changed by hand where the source does not tell that results may differ.
    fallback
        Another function of the same ports, called if this one fails; empty for none.
    """

    call: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    inputs: dict[str, Declared] = Field(default_factory=dict)
    outputs: dict[str, Declared]
    seconds: float = 600.0
    version: str = "1"
    fallback: str = ""


@dataclass(frozen=True, slots=True)
class Function:
    """Calls a function; whoever writes it sees to it that calling it twice does no harm."""

    role: ClassVar[str] = "other"
    settings: ClassVar[type[Settings]] = FunctionSettings
    keeps: ClassVar[bool] = True
    is_killed: ClassVar[bool] = True

    def inputs(self, settings: FunctionSettings) -> Mapping[str, Port]:
        """As declared."""
        return {name: Port.of(declared) for name, declared in settings.inputs.items()}

    def outputs(self, settings: FunctionSettings) -> Mapping[str, Port]:
        """As declared."""
        return {name: Port.of(declared) for name, declared in settings.outputs.items()}

    def faults(self, settings: FunctionSettings) -> list[tuple[str, str]]:
        """A function that is not there or lacks a parameter; no outputs."""
        found = []
        if not settings.outputs:
            found.append(("outputs", "a function needs at least one output"))
        if not settings.seconds > 0:
            found.append(("seconds", f"must be above 0, got {settings.seconds}"))
        for place in ("call", "fallback"):
            name = getattr(settings, place)
            if name:
                try:
                    _fits(named(name), {*settings.inputs, *settings.arguments})
                except InputError as error:
                    found.append((place, str(error)))
        return found

    def code(self, settings: FunctionSettings) -> Any:
        """The version, and a hash of the source of the module that defines the function."""
        called = [name for name in (settings.call, settings.fallback) if name]
        return ["function 1", settings.version, *(_source_hash(name) for name in called)]

    def uses_quantum(self, settings: FunctionSettings) -> bool:
        """No: what is ordered passes gates, and a function would go round them."""
        return False

    def has_fallback(self, settings: FunctionSettings) -> bool:
        """Whether one is named."""
        return bool(settings.fallback)

    def run(self, given: Given, settings: FunctionSettings) -> Made:
        """Call it; if it fails call its fallback."""
        try:
            return Made(self._outputs(settings.call, given, settings))
        except Exception as error:
            if not settings.fallback:
                raise
            why = f"{settings.call} failed: {type(error).__name__}: {error}"
            return Made(self._outputs(settings.fallback, given, settings), "fallback", why)

    def _outputs(self, name: str, given: Given, settings: FunctionSettings) -> Mapping[str, Any]:
        call = (name, {**given.inputs, **settings.arguments}, given.stage_seed(), sys.path)
        value = given.hands.call(called, call, settings.seconds)
        names = list(settings.outputs)
        if len(names) == 1 and not (isinstance(value, Mapping) and set(value) == set(names)):
            value = {names[0]: value}
        if not isinstance(value, Mapping) or set(value) != set(names):
            raise ContractError(
                f"{name} must return a mapping with the keys {', '.join(names)}, got {value!r:.60}"
            )
        for port, made in value.items():
            _refuse_not_finite(made, f"{name}, output {port!r}")
        outputs = {port: plain(made) for port, made in value.items()}
        for port, declared in settings.outputs.items():
            Port.of(declared).check(outputs[port], f"{name}, output {port!r}")
        return outputs


def called(call: tuple[str, Mapping[str, Any], int, list[str]]) -> Any:
    """Call a function by name, in the process that was started for it."""
    name, arguments, seed, path = call
    sys.path[:] = path
    function = named(name)
    if "rng" in inspect.signature(function).parameters:
        arguments = {**arguments, "rng": np.random.default_rng(seed)}
    return function(**arguments)


def named(name: str) -> Callable[..., Any]:
    """Return the function ``package.module:function``; `InputError` if there is none."""
    module, colon, function = name.partition(":")
    if not colon or not function:
        raise InputError(f"a function is named 'package.module:function', got {name!r}")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise InputError(f"{name!r} cannot be imported: {error}") from error
    if not callable(found):
        raise InputError(f"{name!r} is no function")
    return found


def _fits(function: Callable[..., Any], given: set[str]) -> None:
    """Raise `InputError` if a function cannot be called with these arguments by name."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return
    if "rng" in signature.parameters:
        given = given | {"rng"}
    try:
        signature.bind(**dict.fromkeys(given))
    except TypeError as error:
        raise InputError(f"it cannot be called with {', '.join(sorted(given))}: {error}") from None


def _source_hash(name: str) -> str:
    import hashlib

    module = importlib.import_module(name.partition(":")[0])
    try:
        source = inspect.getsource(module)
    except (OSError, TypeError):
        return name
    return f"{name} {hashlib.sha256(source.encode()).hexdigest()}"


def _refuse_not_finite(value: Any, where: str) -> None:
    if isinstance(value, float | np.floating) and not math.isfinite(value):
        raise ContractError(f"{where} is {value}; only finite numbers can be handed on")
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and not np.isfinite(value).all():
        raise ContractError(f"{where} has numbers that are not finite")
    inner = value.values() if isinstance(value, Mapping) else value
    if isinstance(value, Mapping | list | tuple):
        for part in inner:
            _refuse_not_finite(part, where)
