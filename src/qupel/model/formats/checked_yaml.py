"""YAML files that hold one value of a type: read, checked, and every fault told by its line."""

from __future__ import annotations

import dataclasses
import difflib
import json
import re
import types
import typing
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from qupel.errors import InputError

T = TypeVar("T")


def read_yaml(path: Path, kind: type[T], also: Mapping[str, Any] | None = None) -> T:
    """The value of a frozen dataclass that a YAML file describes, field by field.

    Parameters
    ----------
    path
        The file.
    kind
        The dataclass; what its constructor refuses is refused here with file and line. A field
        that it does not have is an error, and so is a number written as text.
    also
        Fields that the file need not repeat.

    Raises
    ------
    InputError
        One line for every fault: file, line, field, what stands there, and the remedy.
    """
    tree = parsed(path)
    if not isinstance(tree, dict):
        raise InputError(f"{path}:1: must be a mapping of fields to values")
    from pydantic import ValidationError

    held = {**(also or {}), **plain(tree)}
    if unknown := _unknown(tree, kind, ()):
        lines = (f"{path}:{line_of(tree, where)}: {said}" for where, said in unknown)
        raise InputError("\n".join(lines))
    try:
        # As JSON, since strict checks of JSON take text for names and dates, and nothing else.
        return _adapter(cast("Any", kind)).validate_json(json.dumps(held, default=str), strict=True)
    except ValidationError as error:
        found = sorted(
            (line_of(tree, at), f"{_dotted(at)}: {message}")
            for problem in error.errors()
            if (where := _without_branches(problem["loc"], tree, kind)) is not None
            for at, message in [_located(where, _said(problem), tree)]
        )
        raise InputError("\n".join(f"{path}:{line}: {said}" for line, said in found)) from None


@cache
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


class YamlError(InputError):
    """Text that is no YAML.

    Attributes
    ----------
    line
        Where, counted from 1.
    what
        What is wrong there.
    """

    def __init__(self, path: Path, line: int, what: str) -> None:
        super().__init__(f"{path}:{line}: is no YAML: {what}; mend the line")
        self.line = line
        self.what = what


def parsed(path: Path) -> Any:
    """The tree of a YAML file, its parts marked with their lines; see `plain` and `line_of`.

    Raises
    ------
    InputError
        If the file cannot be read.
    YamlError
        If it is no YAML.
    """
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.reader import ReaderError

    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text: {error.reason}") from error
    try:
        return _parser().load(text)
    except MarkedYAMLError as error:
        line = 1 if error.problem_mark is None else error.problem_mark.line + 1
        raise YamlError(path, line, str(error.problem)) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(path, line, f"{error.reason}: {chr(error.character)!r}") from None
    except YAMLError as error:
        raise YamlError(path, 1, " ".join(str(error).split())) from None
    except RecursionError:
        raise InputError(f"{path}: is nested too deeply; a few levels are enough") from None


@cache
def _parser() -> Any:
    """A parser that keeps lines, and to which a date or number that cannot be is a text.

    So 30 February is refused as the value of its field, by the line, where a date is expected.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.constructor import RoundTripConstructor
    from ruamel.yaml.nodes import ScalarNode

    class Constructor(RoundTripConstructor):
        def construct_object(self, node: Any, deep: bool = False) -> Any:
            try:
                return super().construct_object(node, deep)
            except ValueError:
                if isinstance(node, ScalarNode):
                    return str(node.value)
                raise

    made = YAML(typ="rt")
    made.Constructor = Constructor
    return made


def plain(node: Any) -> Any:
    """A tree without the marks of the parser."""
    if isinstance(node, dict):
        return {str(key): plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [plain(value) for value in node]
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node


def _unknown(node: Any, kind: Any, where: tuple[str | int, ...]) -> list[tuple[Any, str]]:
    """Place and message of every field that the dataclass at this place does not have."""
    if isinstance(node, list):
        item = next(iter(typing.get_args(kind)), None)
        return [
            fault for k, value in enumerate(node) for fault in _unknown(value, item, (*where, k))
        ]
    if not isinstance(node, dict):
        return []
    choices = [each for each in _choices(kind) if dataclasses.is_dataclass(each)]
    if not choices:
        return []
    chosen = _chosen(choices, node)
    if chosen is None:
        kinds = ", ".join(str(_kind_word(each)) for each in choices)
        got = f"got {node['kind']!r:.40}" if "kind" in node else "and is missing"
        return [((*where, "kind"), f"{_dotted((*where, 'kind'))}: must be one of {kinds}, {got}")]
    hints, found = _hints(chosen), []
    for key, value in node.items():
        at = (*where, str(key))
        if str(key) in hints:
            found += _unknown(value, hints[str(key)], at)
            continue
        near = difflib.get_close_matches(str(key), hints, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(hints)}"
        found.append((at, f"{_dotted(at)}: is not a field; {hint}"))
    return found


def _without_branches(where: Sequence[str | int], node: Any, kind: Any) -> Any:
    """A fault's place without names of classes; None if it is of a class that was not chosen."""
    kept: list[str | int] = []
    for part in where:
        choices = _choices(kind) if kind is not None else []
        if len(choices) > 1 and isinstance(node, dict):
            chosen = _chosen(choices, node)
            if part != chosen.__name__:
                return None
            kind = chosen
            continue
        kept.append(part)
        if isinstance(part, int):
            kind = next(iter(typing.get_args(kind)), None)
        else:
            kind = _hints(kind).get(part) if dataclasses.is_dataclass(kind) else None
        if kind is not None and len(_choices(kind)) == 1:
            [kind] = _choices(kind)
        node = _inside(node, part)
    return tuple(kept)


def _inside(node: Any, part: str | int) -> Any:
    """A part of a mapping or a list; None where there is no such part."""
    try:
        return node[cast("Any", part)] if isinstance(node, dict | list) else None
    except (KeyError, IndexError, TypeError):
        return None


def _choices(kind: Any) -> list[Any]:
    """The members of a union but None, or the type itself."""
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        return [each for each in typing.get_args(kind) if each is not type(None)]
    return [kind]


def _chosen(choices: Sequence[Any], node: Mapping[str, Any]) -> Any:
    """The one dataclass there is, or that of the ``kind`` that the file names."""
    if len(choices) == 1:
        return choices[0]
    return next((each for each in choices if _kind_word(each) == node.get("kind")), None)


def _kind_word(kind: Any) -> Any:
    return next((each.default for each in dataclasses.fields(kind) if each.name == "kind"), None)


def _hints(kind: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {each.name: hints[each.name] for each in dataclasses.fields(kind)}


def _located(where: tuple[Any, ...], message: str, tree: Any) -> tuple[tuple[Any, ...], str]:
    """Place and message, the place that of the field whose name the message starts with."""
    node = tree
    for part in where:
        node = _inside(node, part)
    name, _, rest = message.partition(" ")
    return ((*where, name), rest) if isinstance(node, dict) and name in node else (where, message)


def _said(problem: Any) -> str:
    """What is wrong, and the remedy."""
    sort, value = problem["type"], problem["input"]
    if sort == "missing":
        message = "is missing; add it"
    elif sort == "value_error":
        message = str(problem["ctx"]["error"])
    elif sort == "enum":
        known = [part.strip("' ") for part in re.split(",| or ", problem["ctx"]["expected"])]
        near = difflib.get_close_matches(str(value), known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(known)}"
        message = f"got {value!r}; {hint}"
    else:
        message = f"got {value!r:.80}; {problem['msg'][0].lower()}{problem['msg'][1:]}"
    return message


def _dotted(where: Sequence[str | int]) -> str:
    return ".".join(str(part) for part in where) or "file"


def line_of(tree: Any, where: Sequence[str | int]) -> int:
    """Line of the deepest part of ``where`` that a parsed file has, counted from 1."""
    line, node = 1, tree
    for part in where:
        position = getattr(node, "lc", None)
        if position is None or not isinstance(node, dict | list):
            break
        try:
            place = position.key(part) if isinstance(node, dict) else position.item(part)
            line, node = place[0] + 1, node[part]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            break
    return line
