"""Check array annotations as the tests run.

Every module of Qupel that annotates an array's shape is imported through jaxtyping's hook, which
calls `check` on its functions and dataclasses. Arguments and results are then held to their
annotations; other annotations are mypy's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar, get_args

import jaxtyping
from beartype import beartype

Function = TypeVar("Function", bound=Callable[..., Any])


def install() -> None:
    """Hook the modules that annotate shapes; call it before the first of them is imported."""
    jaxtyping.install_import_hook(annotated(), "tests.shapes.check")


def annotated() -> list[str]:
    """Names of the modules of Qupel that import jaxtyping."""
    spec = find_spec("qupel")
    assert spec is not None
    assert spec.origin is not None
    root = Path(spec.origin).parent
    return sorted(
        ".".join(("qupel", *file.relative_to(root).with_suffix("").parts))
        for file in root.rglob("*.py")
        if "from jaxtyping import" in file.read_text(encoding="utf-8")
    )


def check(function: Function) -> Function:
    """``function``, which checks those of its annotations that speak of arrays."""
    # Deliberate misuse in tests, such as an unknown name, has to reach our own errors; and
    # beartype knows `Self` only when it sees a whole class.
    for name, annotation in function.__annotations__.items():
        if not _has_array(annotation):
            function.__annotations__[name] = Any
    return beartype(function)


@contextmanager
def unchecked() -> Iterator[None]:
    """No checks inside, for tests that pass arrays of wrong shapes on purpose."""
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)


def _has_array(annotation: object) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, jaxtyping.AbstractArray):
        return True
    return any(map(_has_array, get_args(annotation)))
