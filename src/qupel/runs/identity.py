"""Identity by content: SHA-256 of canonical JSON (RFC 8785), so that equal things share a name."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np
import rfc8785

from qupel.errors import InputError
from qupel.model.samples import Samples
from qupel.problems.contract import Problem

#: How many problems keep their document, and documents their hash.
REMEMBERED = 64

_documents: OrderedDict[int, tuple[Any, dict[str, Any]]] = OrderedDict()
_hashes: OrderedDict[int, tuple[Mapping[str, Any], str]] = OrderedDict()


def digest(document: Any) -> str:
    """SHA-256 of plain JSON values in canonical form, as 64 hexadecimal digits.

    Raises
    ------
    InputError
        If a value has no place in JSON, such as NaN or an integer beyond 2**53.
    """
    return hashlib.sha256(canonical(document)).hexdigest()


def canonical(document: Any) -> bytes:
    """Canonical JSON of plain values: one byte string for one meaning."""
    try:
        return rfc8785.dumps(document)
    except rfc8785.CanonicalizationError as error:
        raise InputError(f"this cannot be written as canonical JSON: {error}") from error


def document_of(problem: Problem[Any]) -> dict[str, Any]:
    """Document of a problem, made once for each problem object, which is a frozen value."""
    key = id(problem)
    if key not in _documents or _documents[key][0] is not problem:
        _documents[key] = (problem, problem.document())
    _documents.move_to_end(key)
    if len(_documents) > REMEMBERED:
        _documents.popitem(last=False)
    return _documents[key][1]


def problem_digest(document: Mapping[str, Any]) -> str:
    """Hash of a problem's document, computed once for each document object.

    A sweep makes thousands of tasks from one document; hashing a large one takes longer than a
    short attempt.
    """
    key = id(document)
    if key in _hashes and _hashes[key][0] is document:
        _hashes.move_to_end(key)
        return _hashes[key][1]
    found = digest(document)
    _hashes[key] = (document, found)  # holding the document keeps its id from being used again
    if len(_hashes) > REMEMBERED:
        _hashes.popitem(last=False)
    return found


def samples_digest(samples: Samples) -> str:
    """Hash of what was sampled: values, energies and occurrences, byte for byte."""
    total = hashlib.sha256()
    for part in (samples.values, samples.energies, samples.occurrences):
        held = np.ascontiguousarray(part)
        total.update(f"{held.dtype.str} {held.shape}\n".encode())
        total.update(held.tobytes())
    return total.hexdigest()
