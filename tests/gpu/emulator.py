"""A device that is not there: the CUDA source compiled by g++, its threads run as fibers.

The kernels, their launches and every index are the device's own; only speed and memory model are
not. Arrays carry guards on both sides that every launch checks.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from qupel.kernels import gpu

SHIM = Path(__file__).with_name("cuda_on_cpu.hpp")
COMPILER = shutil.which("g++")
_KERNEL = re.compile(r'extern "C" __global__ void(?:\s+__launch_bounds__\([^)]*\))?\s+(\w+)\(')
_GUARD = 256


class EmulatorError(AssertionError):
    """A kernel did what no kernel may do."""


def kernels_in(text: str) -> list[str]:
    """Names of the kernels that a source defines."""
    return _KERNEL.findall(text)


@cache
def _built(text: str, macros: tuple[tuple[str, str | int], ...]) -> ctypes.CDLL:
    doors = "\n".join(
        f'extern "C" const char* launch_{k}(long blocks, int threads, int back, void** a, int n)'
        f" {{ return cuda_on_cpu::launch({k}, blocks, threads, back, a, n); }}\n"
        f'extern "C" int sizes_{k}(int* out) {{ return cuda_on_cpu::sizes({k}, out); }}'
        for k in kernels_in(text)
    )
    flags = ["-std=c++20", "-O1", "-shared", "-fPIC", "-march=native", "-ffp-contract=off"]
    flags += ["-fno-gnu-unique"]  # else libraries would share their shared memory
    flags += ["-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas", "-Wno-unused-function"]
    defined = [f"-D{key}={value}" for key, value in macros]
    whole = SHIM.read_text(encoding="utf-8") + text + doors
    mark = hashlib.sha256("\0".join([whole, *flags, *defined]).encode()).hexdigest()[:24]
    folder = Path(tempfile.gettempdir()) / f"qupel-emulator-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    library = folder / f"{mark}.so"
    if not library.exists():
        with tempfile.TemporaryDirectory(dir=folder) as work:
            unit, out = Path(work) / "unit.cpp", Path(work) / "out.so"
            unit.write_text(
                f'#include "{SHIM}"\nnamespace {{\n{text}\n}}\n{doors}\n', encoding="utf-8"
            )
            assert COMPILER is not None
            subprocess.run([COMPILER, *flags, *defined, str(unit), "-o", str(out)], check=True)
            out.replace(library)
    return ctypes.CDLL(str(library))


@dataclass(frozen=True, slots=True, eq=False)
class _Program:
    library: ctypes.CDLL
    emulator: Emulator

    def launch(self, kernel: str, blocks: int, threads: int, *arguments: Any) -> None:
        sizes = (ctypes.c_int * 64)()
        count = self.library[f"sizes_{kernel}"](sizes)
        if count != len(arguments):
            raise EmulatorError(f"{kernel} takes {count} arguments, got {len(arguments)}")
        held = [_passed(kernel, k, a, sizes[k]) for k, a in enumerate(arguments)]
        pointers = (ctypes.c_void_p * count)(*(a.ctypes.data for a in held))
        start = self.library[f"launch_{kernel}"]
        start.restype = ctypes.c_char_p
        start.argtypes = [ctypes.c_long, *[ctypes.c_int] * 2, ctypes.c_void_p, ctypes.c_int]
        blocks = 1 if kernel in self.emulator.narrow else blocks
        fault = start(blocks, threads, int(self.emulator.backwards), pointers, count)
        if fault is not None:
            raise EmulatorError(f"{kernel}: {fault.decode()}")
        self.emulator.launches.append((kernel, blocks, threads))
        self.emulator.check_guards(kernel)


def _passed(kernel: str, k: int, argument: Any, size: int) -> np.ndarray:
    """One argument as the bytes that the kernel reads."""
    if isinstance(argument, np.ndarray):
        if size != -8 or not argument.flags.c_contiguous:
            raise EmulatorError(f"{kernel}: argument {k} is no contiguous array")
        return np.array([argument.ctypes.data], np.uint64)
    if not isinstance(argument, np.generic) or argument.dtype.itemsize != size:
        raise EmulatorError(f"{kernel}: argument {k} is {argument!r}, of {size} bytes by source")
    return np.array([argument])


@dataclass(slots=True, eq=False)
class Emulator:
    """A `gpu.Device` on the processor.

    Attributes
    ----------
    backwards
        Threads and blocks take turns from the last to the first.
    narrow
        Kernels that get one block, whatever the host says.
    free
        What `room` says.
    launches
        Kernel, blocks and threads of every launch.
    """

    backwards: bool = False
    narrow: frozenset[str] = frozenset()
    free: int = 1 << 30
    launches: list[tuple[str, int, int]] = field(default_factory=list)
    guarded: list[np.ndarray] = field(default_factory=list)

    def zeros(self, shape: int | tuple[int, ...], dtype: Any) -> Any:
        """An array of zeros between guards."""
        shape = (shape,) if isinstance(shape, int) else shape
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        room = np.full(size + 2 * _GUARD, 0xFF, np.uint8)
        self.guarded.append(room)
        inside = room[_GUARD : _GUARD + size]
        inside[:] = 0
        return inside.view(dtype).reshape(shape)

    def put(self, array: np.ndarray) -> Any:
        """A copy between guards."""
        out = self.zeros(array.shape, array.dtype)
        out[...] = array
        return out

    def get(self, array: Any) -> np.ndarray:
        """A copy."""
        return np.array(array)

    def multiply(self, a: Any, b: Any, out: Any) -> None:
        """The matrix product."""
        np.matmul(a, b, out=out)

    def room(self) -> int:
        """Bytes that tests may take."""
        return self.free

    def program(self, name: str, macros: Sequence[tuple[str, str | int]] = ()) -> gpu.Program:
        """Compile for the processor, or take it from the folder for temporary files."""
        return self.compiled(gpu.source(f"{name}.cu"), macros)

    def compiled(self, text: str, macros: Sequence[tuple[str, str | int]] = ()) -> gpu.Program:
        """Compile a source."""
        return _Program(_built(text, tuple(macros)), self)

    def check_guards(self, kernel: str) -> None:
        """Fail if a kernel wrote beyond an array."""
        for room in self.guarded:
            if not ((room[:_GUARD] == 0xFF).all() and (room[-_GUARD:] == 0xFF).all()):
                raise EmulatorError(f"{kernel} wrote beyond an array")
