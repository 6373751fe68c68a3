"""Item lists in files: JSON documents, and CSV tables with limits in their comments.

A JSON file holds what `SubsetSelection.document` gives::

    {"family": "subset", "name": "slate", "size": 2, "budget": 9,
     "items": [{"name": "a", "value": 3, "cost": 4, "group": "red"}, …],
     "pairs": [["a", "b", 0.5], …],
     "groups": {"red": [0, 1]}}

Only ``items`` with a ``value`` each is required. ``size`` fixes the number of items,
``min_size`` and ``max_size`` bound it; ``groups`` gives the fewest and most items of a group.

A CSV file has the columns ``name,value`` and, where needed, ``cost`` and ``group``. Limits are
comments before the header: ``# size: 2``, ``# budget: 9``, ``# group red: 0 1``. Pairs lie
beside it, in ``NAME.pairs.csv`` for ``NAME.csv``, with the columns ``first,second,weight``.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from qupel.errors import InputError, unknown_name
from qupel.model.formats.text import (
    LARGEST_NUMBER,
    content,
    json_value,
    mistake,
    read_text,
    real,
    whole,
)
from qupel.problems.binary_files import stem

_KEYS = (
    "family", "name", "items", "pairs", "size", "min_size", "max_size", "budget", "groups",
)  # fmt: skip
_ITEM_KEYS = ("name", "value", "cost", "group")


def read_items(path: Path) -> dict[str, Any]:
    """Document of a JSON or CSV file of items.

    Raises
    ------
    InputError
        With the file, the line, the value and the remedy.
    """
    text = read_text(path)
    if text.lstrip().startswith("{"):
        document = _json(text, str(path))
    else:
        document = _items(text, str(path))
        beside = path.with_name(f"{stem(path)}.pairs.csv")
        if beside.is_file():
            document["pairs"] = _pairs(read_text(beside), str(beside))
    document.setdefault("name", stem(path))
    return document


def looks_like_items(head: str) -> bool:
    """Whether a text begins like a file of items."""
    if head.lstrip().startswith("{"):
        family = re.search(r'"family"\s*:\s*"([^"]*)"', head)
        return '"items"' in head and '"value"' in head and (not family or family[1] == "subset")
    header = next((line for line in head.splitlines() if line.strip() and line[0] != "#"), "")
    return {"name", "value"} <= {cell.strip() for cell in header.split(",")}


def arguments(document: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of `SubsetSelection` that a document of items stands for."""
    _known_keys(document, _KEYS, "part of an item file")
    items = document.get("items")
    if not isinstance(items, list) or not items:
        raise InputError("an item file needs `items`, a list of name, value, cost and group")
    for item in items:
        if not isinstance(item, Mapping) or not _is_number(item.get("value")):
            raise InputError(f"item {item!r} needs a `value`, a number")
        _known_keys(item, _ITEM_KEYS, "part of an item")
        _check_item(item)
    _check_limits(document)
    names = [str(item.get("name", number)) for number, item in enumerate(items, start=1)]
    costs = [item.get("cost") for item in items]
    groups = [item.get("group") for item in items]
    return {
        "worth": [item["value"] for item in items],
        "pairs": _named_pairs(document.get("pairs") or [], names),
        "names": names,
        "size": document.get("size"),
        "min_size": document.get("min_size"),
        "max_size": document.get("max_size"),
        "costs": None if set(costs) == {None} else [cost or 0.0 for cost in costs],
        "budget": document.get("budget"),
        "groups": None if set(groups) == {None} else [group or "" for group in groups],
        "group_limits": document.get("groups") or None,
        "name": str(document.get("name", "subset")),
    }


def read_selection(text: str, names: Sequence[str]) -> list[int]:
    """Positions, ascending, of the items that a solution file lists.

    The file is ``{"items": [names]}``, a JSON list of names, or one name or number a line. A
    number counts items from 1, unless it is an item's name.
    """
    chosen: set[int] = set()
    for where, word in _named_in(text):
        position = _position(word, names, where)
        if position in chosen:
            raise InputError(f"{where}: item {word!r} is listed twice; list each item once")
        chosen.add(position)
    return sorted(chosen)


def _position(word: str, names: Sequence[str], where: str) -> int:
    if word in names:
        return names.index(word)
    if word.isascii() and word.isdigit() and 1 <= int(word) <= len(names):
        return int(word) - 1
    raise InputError(f"{where}: {unknown_name('item', word, names)}")


def _named_in(text: str) -> list[tuple[str, str]]:
    """Where each item of a solution file stands, and the word that names it."""
    if not text.strip():
        raise InputError('solution: is empty; write {"items": ["first name", ...]}')
    if text.lstrip()[0] not in "[{":
        return [(f"solution:{line}", " ".join(words)) for line, words in content(text)]
    document = json_value(text, "solution")
    listed = document.get("items") if isinstance(document, dict) else document
    if not isinstance(listed, list) or not all(isinstance(item, str | int) for item in listed):
        raise InputError(f"solution: `items` must be a list of names or numbers, got {listed!r}")
    return [("solution", str(item)) for item in listed]


def _is_number(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and abs(value) <= LARGEST_NUMBER


def _check_item(item: Mapping[str, Any]) -> None:
    """Refuse parts of an item that are of another kind than they should be."""
    if item.get("cost") is not None and not _is_number(item["cost"]):
        raise InputError(f"item {item!r}: `cost` must be a number, got {item['cost']!r}")
    for part in ("name", "group"):
        if item.get(part) is not None and not isinstance(item[part], str | int | float):
            raise InputError(f"item {item!r}: `{part}` must be a text, got {item[part]!r}")


def _check_limits(document: Mapping[str, Any]) -> None:
    """Refuse limits that are of another kind than they should be."""
    for key in ("size", "min_size", "max_size"):
        if not isinstance(document.get(key), int | None) or isinstance(document.get(key), bool):
            raise InputError(f"`{key}` must be a whole number, got {document[key]!r}")
    if document.get("budget") is not None and not _is_number(document["budget"]):
        raise InputError(f"`budget` must be a number, got {document['budget']!r}")
    if not isinstance(document.get("pairs") or [], list):
        raise InputError(f"`pairs` must be a list of pairs, got {document['pairs']!r}")
    groups = document.get("groups") or {}
    if not isinstance(groups, Mapping) or not all(map(_is_range, groups.values())):
        raise InputError(f"`groups` must give fewest and most items by group, got {groups!r}")


def _is_range(bounds: Any) -> bool:
    listed = isinstance(bounds, list | tuple) and len(bounds) == 2
    return listed and all(isinstance(b, int) and not isinstance(b, bool) for b in bounds)


def _named_pairs(pairs: Any, names: list[str]) -> sparse.csr_array:
    """Upper triangle of pairs given by the names of their items."""
    place = {name: i for i, name in enumerate(names)}
    seen: dict[tuple[int, int], float] = {}
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 3 or not _is_number(pair[2]):
            raise InputError(f"pair {pair!r} is not `[first, second, weight]`")
        for end in pair[:2]:
            if str(end) not in place:
                raise unknown_name("item in a pair", str(end), names)
        i, j = sorted((place[str(pair[0])], place[str(pair[1])]))
        if (i, j) in seen or i == j:
            raise InputError(f"pair {pair!r} repeats a pair or joins an item to itself")
        seen[i, j] = float(pair[2])
    ends = np.array(list(seen), dtype=np.int64).reshape(-1, 2)
    n = len(names)
    return sparse.csr_array((list(seen.values()), (ends[:, 0], ends[:, 1])), shape=(n, n))


def _known_keys(document: Mapping[str, Any], known: Sequence[str], kind: str) -> None:
    for key in document:
        if key not in known:
            raise unknown_name(kind, key, known)


def _json(text: str, source: str) -> dict[str, Any]:
    document = json_value(text, source)
    if not isinstance(document, dict):
        raise InputError(f"{source}: holds no JSON object; see the format of item files")
    return document


def _items(text: str, source: str) -> dict[str, Any]:
    document: dict[str, Any] = {"items": []}
    for line, cells in _rows(text, source, ("name", "value"), document):
        item: dict[str, Any] = {"name": cells["name"], "value": real(cells["value"], source, line)}
        if cells.get("cost"):
            item["cost"] = real(cells["cost"], source, line)
        if cells.get("group"):
            item["group"] = cells["group"]
        document["items"].append(item)
    return document


def _pairs(text: str, source: str) -> list[list[Any]]:
    columns = ("first", "second", "weight")
    return [
        [cells["first"], cells["second"], real(cells["weight"], source, line)]
        for line, cells in _rows(text, source, columns, {})
    ]


def _rows(
    text: str, source: str, columns: tuple[str, ...], limits: dict[str, Any]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Line and cells by column; limits found in comments are put into ``limits``."""
    header: list[str] | None = None
    for line, found in enumerate(text.splitlines(), start=1):
        if not found.strip():
            continue
        if found.startswith("#"):
            _limit(found[1:].strip(), limits, source, line)
            continue
        cells = [cell.strip() for cell in next(csv.reader([found]))]
        if header is None:
            if not set(columns) <= set(cells):
                raise mistake(source, line, f"columns {found!r}", f"name {','.join(columns)}")
            header = cells
        elif len(cells) != len(header):
            raise mistake(source, line, f"{found!r} has {len(cells)} cells", f"give {len(header)}")
        else:
            yield line, dict(zip(header, cells, strict=True))


def _limit(comment: str, limits: dict[str, Any], source: str, line: int) -> None:
    """Take note of a comment that states a limit; others are remarks."""
    key, colon, value = (part.strip() for part in comment.partition(":"))
    if not colon:
        return
    if key in {"size", "min_size", "max_size"}:
        limits[key] = whole(value, source, line)
    elif key == "budget":
        limits[key] = real(value, source, line)
    elif key.startswith("group "):
        bounds = value.split()
        if len(bounds) != 2:
            raise mistake(source, line, f"limits {value!r}", "give fewest and most, as in `0 2`")
        group = key.removeprefix("group ").strip()
        limits.setdefault("groups", {})[group] = [whole(b, source, line) for b in bounds]
