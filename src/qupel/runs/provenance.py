"""What an attempt ran on: package versions, machine, and the revision of our own code."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import qupel
from qupel.kernels.cpu import simd

#: Packages whose version can change a result; the last ones are behind backends of this machine.
ENGINES = (
    "numpy", "scipy", "scikit-learn", "ortools", "pyvrp", "dimod",
    "qiskit", "qiskit-aer", "qiskit-ibm-runtime", "amazon-braket-default-simulator",
    "dwave-system", "minorminer",
)  # fmt: skip


@cache
def versions() -> dict[str, str]:
    """Versions of Python, of Qupel and of every engine that is installed."""
    found = {"python": platform.python_version(), "qupel": qupel.__version__}
    for name in ENGINES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@cache
def machine() -> dict[str, str]:
    """Operating system, processor, cores this process may use, and vector instructions."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": str(_cores()),
        "simd": simd(),
    }


@cache
def revision() -> str:
    """Git revision of Qupel's own source, ``+dirty`` if it was changed; empty outside a clone."""
    folder = Path(qupel.__file__).parent
    if _git(folder, "ls-files", "--error-unmatch", "__init__.py") is None:
        return ""  # installed inside somebody else's repository, whose revision says nothing of us
    head = _git(folder, "rev-parse", "HEAD")
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no", ".")
    return "" if head is None else head + ("+dirty" if changed else "")


def _git(folder: Path, *arguments: str) -> str | None:
    """Output of a git command, None if it failed or there is no git."""
    try:
        done = subprocess.run(  # noqa: S603  fixed arguments, no shell
            ["git", "-C", str(folder), *arguments],  # noqa: S607  git is found as users find it
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _processor() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
