"""The CUDA device: finding it, its arrays, and programs compiled when first used.

The kernels are CUDA source under ``cuda/``, compiled at run time by NVRTC through CuPy for the
device at hand; CuPy keeps what it compiled in ``~/.cupy/kernel_cache``. The modules above
(`gpu_qaoa`, `gpu_annealing`, `gpu_bifurcation`) speak only to the `Device` protocol, so that tests
can run the same source, and the same launches, on the processor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from qupel.errors import InputError

__all__ = ["OPTIONS", "Cuda", "Device", "Program", "find", "source"]

#: Rounding as on the processor: nothing is fused that does not say so.
OPTIONS = ("--std=c++17", "--fmad=false")
_FOLDER = Path(__file__).parent / "cuda"
_INCLUDE = re.compile(r'^#include "([\w.]+)"$', re.MULTILINE)


class Program(Protocol):
    """Compiled kernels of one source file."""

    def launch(self, kernel: str, blocks: int, threads: int, *arguments: Any) -> None:
        """Start ``kernel``; later launches and copies wait for it.

        ``arguments`` are device arrays and NumPy scalars of exactly the kernel's types.
        """
        ...


class Device(Protocol):
    """Where arrays live and programs run. Its arrays can be sliced as NumPy's."""

    def zeros(self, shape: int | tuple[int, ...], dtype: Any) -> Any:
        """Return an array of zeros."""
        ...

    def put(self, array: np.ndarray) -> Any:
        """Return a copy of a host array."""
        ...

    def get(self, array: Any) -> np.ndarray:
        """Copy an array back to the host."""
        ...

    def multiply(self, a: Any, b: Any, out: Any) -> None:
        """Put the matrix product of ``a`` and ``b`` into ``out``."""
        ...

    def room(self) -> int:
        """Return the bytes that can still be taken."""
        ...

    def program(self, name: str, macros: Sequence[tuple[str, str | int]] = ()) -> Program:
        """Compile ``cuda/<name>.cu`` with these macros, or take it from the cache."""
        ...


def source(name: str) -> str:
    """Text of ``cuda/<name>``, with what it includes put in place."""
    text = (_FOLDER / name).read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda found: source(found[1]), text).replace("#pragma once\n", "")


@dataclass(frozen=True, slots=True, eq=False)
class _Module:
    """Kernels that CuPy compiled."""

    module: Any

    def launch(self, kernel: str, blocks: int, threads: int, *arguments: Any) -> None:
        self.module.get_function(kernel)((blocks,), (threads,), arguments)


@dataclass(frozen=True, slots=True, eq=False)
class Cuda:
    """The CUDA device that CuPy has chosen (``CUDA_VISIBLE_DEVICES`` chooses for it).

    Attributes
    ----------
    cupy
        The module.
    """

    cupy: Any

    def zeros(self, shape: int | tuple[int, ...], dtype: Any) -> Any:
        """Return an array of zeros."""
        with self._room():
            return self.cupy.zeros(shape, dtype)

    def put(self, array: np.ndarray) -> Any:
        """Return a copy of a host array."""
        with self._room():
            return self.cupy.asarray(np.ascontiguousarray(array))

    @contextmanager
    def _room(self) -> Iterator[None]:
        """Say it in our words if an array does not fit."""
        try:
            yield
        except self.cupy.cuda.memory.OutOfMemoryError as error:
            raise InputError(
                f'the memory of the device is full: {error}; use a smaller instance or device="cpu"'
            ) from error

    def get(self, array: Any) -> np.ndarray:
        """Copy an array back to the host."""
        return self.cupy.asnumpy(array)

    def multiply(self, a: Any, b: Any, out: Any) -> None:
        """Put the matrix product into ``out``, by cuBLAS in full single or double precision."""
        self.cupy.matmul(a, b, out=out)

    def room(self) -> int:
        """Return the bytes that can still be taken: free ones, and those CuPy holds in reserve."""
        free, _ = self.cupy.cuda.runtime.memGetInfo()
        return int(free) + int(self.cupy.get_default_memory_pool().free_bytes())

    def program(self, name: str, macros: Sequence[tuple[str, str | int]] = ()) -> Program:
        """Compile ``cuda/<name>.cu`` for this device, or take it from the cache."""
        return _compiled(self.cupy, name, tuple(macros))


@cache
def _compiled(cupy: Any, name: str, macros: tuple[tuple[str, str | int], ...]) -> _Module:
    defined = tuple(f"-D{key}={value}" for key, value in macros)
    return _Module(
        cupy.RawModule(code=source(f"{name}.cu"), options=(*OPTIONS, *defined), backend="nvrtc")
    )


def find() -> Device:
    """Return the CUDA device.

    Raises
    ------
    InputError
        If CuPy is not installed, or finds no CUDA device.
    """
    try:
        import cupy
    except ImportError as error:
        raise InputError(
            "device 'gpu' needs CuPy, which is not installed or does not load: "
            'pip install "qupel[gpu]", or use device="cpu"'
        ) from error
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise InputError(
            f'no CUDA device: {error}; use device="cpu", or check the driver with nvidia-smi'
        ) from error
    if not count:
        raise InputError('no CUDA device is visible; use device="cpu"')
    return Cuda(cupy)
