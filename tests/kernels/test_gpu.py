from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import qupel
from qupel.errors import InputError
from qupel.kernels import gpu
from qupel.kernels.gpu_visits import tilings_of
from tests.gpu.emulator import kernels_in

FOLDER = Path(qupel.__file__).parent / "kernels" / "cuda"
NAMES = sorted(file.stem for file in FOLDER.glob("*.cu"))
LARGE = {"qaoa_forward", "qaoa_backward"}


class NoDriverError(RuntimeError):
    pass


class FullError(MemoryError):
    pass


def cupy_like(count: int | Exception, **more: Any) -> Any:
    """As much of CuPy as `gpu` asks for."""

    def devices() -> int:
        if isinstance(count, Exception):
            raise count
        return count

    runtime = SimpleNamespace(
        getDeviceCount=devices, CUDARuntimeError=NoDriverError, memGetInfo=lambda: (100, 1000)
    )
    module = ModuleType("cupy")
    memory = SimpleNamespace(OutOfMemoryError=FullError)
    vars(module).update(cuda=SimpleNamespace(runtime=runtime, memory=memory), **more)
    return module


def nvrtc() -> ctypes.CDLL:
    """NVIDIA's run-time compiler, from its Python package or a CUDA toolkit; it needs no device."""
    spec = importlib.util.find_spec("nvidia")
    installed = [Path(p) for p in (spec.submodule_search_locations or [])] if spec else []
    places = [place for folder in installed for place in sorted(folder.glob("*/lib"))]
    places += [Path(os.environ.get("CUDA_HOME", "/usr/local/cuda")) / "lib64"]
    for place in places:
        for library in sorted(place.glob("libnvrtc.so.1?")):
            return ctypes.CDLL(str(library))
    pytest.skip("not run: NVRTC is not here; pip install nvidia-cuda-nvrtc-cu12 brings it")


def compiled(name: str, macros: dict[str, Any], target: str) -> str:
    """PTX of a source."""
    library = nvrtc()
    program, size = ctypes.c_void_p(), ctypes.c_size_t()
    text = gpu.source(f"{name}.cu").encode()
    library.nvrtcCreateProgram(ctypes.byref(program), text, name.encode(), 0, None, None)
    options = [*gpu.OPTIONS, "--device-as-default-execution-space"]  # which CuPy adds
    options += [f"--gpu-architecture={target}", *(f"-D{k}={v}" for k, v in macros.items())]
    held = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
    status = library.nvrtcCompileProgram(program, len(options), held)
    library.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    library.nvrtcGetProgramLog(program, log)
    assert status == 0, log.value.decode()
    library.nvrtcGetPTXSize(program, ctypes.byref(size))
    ptx = ctypes.create_string_buffer(size.value)
    library.nvrtcGetPTX(program, ptx)
    library.nvrtcDestroyProgram(ctypes.byref(program))
    assert "warning" not in log.value.decode()
    return ptx.value.decode()


def ways(name: str, real: str) -> list[dict[str, Any]]:
    """Macros that a source is compiled with."""
    if name == "qaoa_cost":
        return [{"REAL": real, "TILE": 12}]
    tilings = tilings_of(real).get(name)
    return [dict(tiling.macros(real)) for tiling in tilings] if tilings else [{"REAL": real}]


def test_a_missing_cupy_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(InputError, match=r'pip install "qupel\[gpu\]"'):
        gpu.find()


@pytest.mark.parametrize("count", [0, NoDriverError("the driver is too old")])
def test_a_missing_device_is_named(monkeypatch: pytest.MonkeyPatch, count: int | Exception) -> None:
    monkeypatch.setitem(sys.modules, "cupy", cupy_like(count))
    with pytest.raises(InputError, match="no CUDA device"):
        gpu.find()


def test_programs_are_compiled_once_with_the_options_and_macros(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, started = [], []

    class RawModule:
        def __init__(self, **arguments: Any) -> None:
            made.append(arguments)

        def get_function(self, name: str) -> Any:
            return lambda grid, block, given: started.append((name, grid, block, given))

    monkeypatch.setitem(sys.modules, "cupy", cupy_like(1, RawModule=RawModule))
    for _ in range(2):
        program = gpu.find().program("sums", [("REAL", "float")])
        program.launch("add_up", 3, 256, np.int64(7))
    assert started == [("add_up", (3,), (256,), (np.int64(7),))] * 2
    assert len(made) == 1
    assert made[0]["options"] == (*gpu.OPTIONS, "-DREAL=float")
    assert made[0]["code"] == gpu.source("sums.cu")


def test_a_full_memory_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise FullError("no room for 7 bytes")

    monkeypatch.setitem(sys.modules, "cupy", cupy_like(1, zeros=full, asarray=full))
    device = gpu.find()
    with pytest.raises(InputError, match="memory of the device is full: no room for 7 bytes"):
        device.zeros(7, np.int8)
    with pytest.raises(InputError, match="memory of the device is full"):
        device.put(np.zeros(7))


def test_sources_hold_what_they_include() -> None:
    text = gpu.source("anneal_sparse.cu")
    assert "#include" not in text
    assert text.count("INLINE double block_sum") == 1
    assert text.count("INLINE float exponential") == 1


def check(name: str, real: str, target: str) -> None:
    kernels = kernels_in(gpu.source(f"{name}.cu"))
    assert kernels
    for macros in ways(name, real):
        ptx = compiled(name, macros, target)
        assert all(f".entry {kernel}(" in ptx for kernel in kernels)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in LARGE])
def test_every_source_compiles_for_hopper(name: str) -> None:
    check(name, "float", "compute_90")


@pytest.mark.slow
@pytest.mark.parametrize("real", ["float", "double"])
@pytest.mark.parametrize("target", ["compute_80", "compute_90"])
def test_every_source_compiles_in_both_precisions_for_ampere_and_hopper(
    target: str, real: str
) -> None:
    for name in NAMES:
        check(name, real, target)
