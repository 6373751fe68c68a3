"""Pinned environments of the peers, one each because their requirements conflict.

``environments/NAME.txt`` holds exact versions; the environment is built in ``build/perf/NAME`` on
first use and kept until that file changes. What cannot be built is told where it would be used.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

from perf.tables import ROOT

PINS = Path(__file__).parent / "environments"
BUILT = ROOT / "build" / "perf"

#: Peers that need nothing but the environment Qupel itself runs in.
OWN = ("qupel", "numpy")


class UnavailableError(Exception):
    """The environment of a peer could not be built; the text says why."""


def python_of(peer: str) -> Path:
    """Python of the peer's environment, built now if it has to be."""
    if peer in OWN:
        return Path(sys.executable)
    pins = pins_of(peer)
    folder = BUILT / peer
    python, ready = folder / "bin" / "python", folder / "ready"
    stamp = hashlib.sha256(f"{sys.version}\n{pins}".encode()).hexdigest()
    if ready.exists() and ready.read_text(encoding="utf-8") == stamp:
        return python
    print(f"building {folder.relative_to(ROOT)} ({len(pins.splitlines())} packages) …", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    install: list[str | Path] = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    _run([*install, "-r", PINS / f"{peer}.txt"])
    if peer in AFTER:
        AFTER[peer](folder)
    ready.write_text(stamp, encoding="utf-8")
    return python


def pins_of(peer: str) -> str:
    """Exact versions of a peer and of all it needs, as pip reads them."""
    return (PINS / f"{peer}.txt").read_text(encoding="utf-8")


def _run(command: list[str | Path]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise UnavailableError(f"not installable here: {' '.join(last)[:200]}")


def _build_qokit(folder: Path) -> None:
    """Compile QOKit's C simulator: its wheel has the sources, but neither headers nor library."""
    [csim] = folder.glob("lib/python*/site-packages/qokit/fur/c/csim")
    headers = folder / "qokit-headers"
    headers.mkdir(exist_ok=True)
    for name, declarations in QOKIT_HEADERS.items():
        text = f"#include <stddef.h>\n{declarations}"
        (headers / name).write_text(text, encoding="utf-8")
    compiler = ["cc", "-O3", "-march=native", "-ffast-math", "-fopenmp", "-shared", "-fPIC"]
    _run(
        [*compiler, f"-I{headers}", *sorted(csim.glob("src/*.c")), "-o", csim / "libcsim.so", "-lm"]
    )


#: Declarations of what each source of QOKit defines for the others.
QOKIT_HEADERS = {
    "diagonal.h": "void apply_diagonal(double*, double*, double, double* const, size_t);\n",
    "fur.h": "".join(
        f"void {name}(double*, double*, double, unsigned int, size_t);\n"
        for name in ("furx_all", "furxy_ring", "furxy_complete")
    ),
    "qaoa_fur.h": "",
}
AFTER: dict[str, Callable[[Path], None]] = {"qokit": _build_qokit}
