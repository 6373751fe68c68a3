"""Cases of a pilot: the problems it is tried on, and others to tune on, from its data section."""

from __future__ import annotations

import csv
import importlib.util
import inspect
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qupel.errors import InputError, unknown_name
from qupel.pilots.charter import Charter, Data
from qupel.problems.contract import Problem
from qupel.problems.registry import DOCUMENT, family, read_problem

Problems = dict[str, Problem[Any]]

#: Keys of a table source, with their defaults; None marks those that must be given.
_TABLE_KEYS: dict[str, Any] = {
    "path": None, "target": None, "size": None,
    "bins": 10, "redundancy": 0.25, "folds": 8, "seed": 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cases:
    """Problems by name, for the comparison and for tuning.

    Attributes
    ----------
    compared
        The cases arms are compared on.
    tuning
        Cases arms are tuned on.
    best_known
        Best known objective by case, as far as it is known.
    proved
        Cases whose best known objective is the proved optimum of their generator.
    """

    compared: Problems
    tuning: Problems
    best_known: Mapping[str, float]
    proved: frozenset[str] = frozenset()


def load_cases(charter: Charter, folder: Path) -> Cases:
    """Load every case of a charter whose paths are relative to ``folder``.

    Raises
    ------
    InputError
        If a source is missing, empty, or holds problems of another family.
    """
    cases = _loaded(charter, folder)
    for field in ("best_known", "tags"):
        for case in getattr(charter.data, field):
            if case not in cases.compared:
                raise unknown_name(f"case in data.{field}", case, cases.compared)
    return cases


def _loaded(charter: Charter, folder: Path) -> Cases:
    data, name = charter.data, charter.family
    known = dict(data.best_known)
    if data.files is not None:
        compared = _from_files(data.files, folder, name)
    elif data.random is not None:
        compared, tuning, optima = _from_generator(data.random, name, charter.tuning.cases)
        return Cases(compared, tuning, {**optima, **known}, frozenset(optima) - frozenset(known))
    elif data.table is not None:
        compared, tuning = _from_table(data.table, folder, charter.tuning.cases)
        return Cases(_of_family(compared, name), tuning, known)
    else:
        compared = _of_family(_from_python(str(data.python), folder), name)
    return Cases(compared, _tuning(data, folder, name, compared, charter.tuning.cases), known)


def _from_files(patterns: list[str], folder: Path, name: str) -> Problems:
    paths: list[Path] = []
    for pattern in patterns:
        base, wild = (Path("/"), pattern[1:]) if Path(pattern).is_absolute() else (folder, pattern)
        found = sorted(base.glob(wild))
        if not found:
            raise InputError(f"data.files: no file fits {pattern!r} in {base}")
        paths += found
    problems: Problems = {}
    for path in paths:
        case = path.name.removesuffix(".gz").removesuffix(DOCUMENT)
        case = case if case != path.name else path.stem
        if case in problems:
            raise InputError(f"data.files: two files give the case {case!r}; {path} is the second")
        problems[case] = read_problem(path, name)
    return problems


def _from_generator(
    sizes: dict[str, int], name: str, spare: int
) -> tuple[Problems, Problems, dict[str, float]]:
    sizes = dict(sizes)
    count, seed = sizes.pop("count", 8), sizes.pop("seed", 1)
    _check_sizes(sizes, name)
    if count < 1 or seed < 0:
        raise InputError(
            f"data.random: count must be at least 1 and seed at least 0, got {count} and {seed}"
        )
    compared: Problems = {}
    optima: dict[str, float] = {}
    for index in range(count):
        problem, optimum = family(name).random(seed + index, **sizes)
        compared[f"{name}-{seed + index}"] = problem
        optima[f"{name}-{seed + index}"] = optimum.objective
    tuning = {
        f"{name}-{seed + count + index}": family(name).random(seed + count + index, **sizes)[0]
        for index in range(spare)
    }
    return compared, tuning, optima


def _check_sizes(sizes: Mapping[str, int], name: str) -> None:
    """Refuse a size that the family's generator does not know."""
    known = [n for n in inspect.signature(family(name).random).parameters if n != "seed"]
    for size in sizes:
        if size not in known:
            raise unknown_name("field of data.random", size, ["count", "seed", *known])


def _from_table(table: Mapping[str, Any], folder: Path, spare: int) -> tuple[Problems, Problems]:
    """Feature subsets of bootstrap resamples of one CSV of samples."""
    from qupel.problems.features import feature_subset

    settings = {**_TABLE_KEYS, **table}
    for key in table:
        if key not in _TABLE_KEYS:
            raise InputError(f"data.table: {key!r} is not a field; known: {', '.join(_TABLE_KEYS)}")
    missing = [key for key, value in settings.items() if value is None]
    if missing:
        raise InputError(f"data.table: {missing[0]} is missing")
    for key, least in (("size", 1), ("bins", 2), ("folds", 1), ("seed", 0)):
        if type(settings[key]) is not int or settings[key] < least:
            raise InputError(
                f"data.table: {key} must be a whole number from {least}, got {settings[key]!r}"
            )
    if not isinstance(settings["redundancy"], int | float):
        raise InputError(f"data.table: redundancy must be a number, got {settings['redundancy']!r}")
    features, target, names = _samples(folder / str(settings["path"]), str(settings["target"]))
    rng = np.random.default_rng(settings["seed"])
    problems: list[Problem[Any]] = []
    for _ in range(settings["folds"] + spare):
        rows = rng.integers(0, len(target), len(target))
        problems.append(
            feature_subset(
                features[rows], target[rows], size=settings["size"],
                bins=settings["bins"], redundancy=float(settings["redundancy"]), names=names,
            )
        )  # fmt: skip
    folds = settings["folds"]
    return (
        {f"fold-{i + 1}": problem for i, problem in enumerate(problems[:folds])},
        {f"fold-{folds + i + 1}": problem for i, problem in enumerate(problems[folds:])},
    )


def _samples(path: Path, target: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Numbers of a CSV with a header: features, the target's classes, names of the features."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [line for line in csv.reader(file) if line]
    except OSError as error:
        raise InputError(f"data.table: {path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"data.table: {path}: is not a CSV file: {error}") from error
    if not lines or target not in lines[0]:
        raise InputError(f"data.table: {path}: has no column {target!r} in its first line")
    if len(lines) < 2:
        raise InputError(f"data.table: {path}: has no row below its header")
    header, column = lines[0], lines[0].index(target)
    rows: list[list[float]] = []
    for number, line in enumerate(lines[1:], start=2):
        if len(line) != len(header):
            raise InputError(f"{path}:{number}: has {len(line)} cells, the header {len(header)}")
        row = []
        for name, cell in zip(header, line, strict=True):
            if name == target:
                continue
            try:
                row.append(float(cell))
            except ValueError:
                row.append(math.nan)
            if not math.isfinite(row[-1]):
                raise InputError(f"{path}:{number}: {name}: {cell!r} is not a finite number")
        rows.append(row)
    classes = np.unique([line[column] for line in lines[1:]], return_inverse=True)[1]
    return np.array(rows), classes, [name for name in header if name != target]


def _from_python(reference: str, folder: Path) -> Problems:
    """Problems by name from a function in a Python file beside the pilot."""
    file, _, function = reference.partition(":")
    path = folder / file
    if not function or not path.is_file():
        raise InputError(f"data.python: {reference!r} must be `file.py:function` beside the pilot")
    spec = importlib.util.spec_from_file_location(f"qupel_cases_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise InputError(f"data.python: {path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise _failed(reference, error) from error
    make: Callable[[], Problems] | None = getattr(module, function, None)
    if make is None:
        raise InputError(f"data.python: {path} has no function {function!r}")
    try:
        problems = dict(make())
    except InputError:
        raise
    except Exception as error:
        raise _failed(reference, error) from error
    for case, problem in problems.items():
        if not isinstance(case, str) or not hasattr(problem, "family"):
            raise InputError(
                f"data.python: {reference} must return problems by name, got {case!r}: {problem!r}"
            )
    return problems


def _failed(reference: str, error: Exception) -> InputError:
    what = f"{type(error).__name__}: {error}"
    return InputError(f"data.python: {reference} failed: {' '.join(what.split())}")


def _of_family(problems: Problems, name: str) -> Problems:
    for case, problem in problems.items():
        if problem.family != name:
            raise InputError(f"case {case!r} is of family {problem.family!r}, not {name!r}")
    if not problems:
        raise InputError("data: the source holds no case")
    return problems


def _tuning(data: Data, folder: Path, name: str, compared: Problems, count: int) -> Problems:
    """Tuning cases: those the charter names, else the first compared ones, under other seeds."""
    if data.tuning is None:
        return dict(list(compared.items())[:count])
    if len(data.tuning) == 1 and ".py:" in data.tuning[0]:
        return _of_family(_from_python(data.tuning[0], folder), name)
    return _from_files(data.tuning, folder, name)
