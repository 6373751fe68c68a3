"""Ray by its address: a cluster of this machine, and everything that is wrong with an address."""

from __future__ import annotations

import hashlib
import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from qupel.errors import InputError
from qupel.runs.compute import compute
from qupel.runs.compute.cluster import Ray
from tests.data import ROOT
from tests.runs.compute import cells
from tests.runs.compute.test_compute import HAS_RAY

needs_ray = pytest.mark.skipif(not HAS_RAY, reason="Ray is not installed")


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Head:
    """The head of a cluster, and the address of its client port."""

    process: subprocess.Popen[bytes]
    address: str
    environment: dict[str, str]

    def stop(self) -> None:
        """End it and all that it started."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(3)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue


@pytest.fixture(scope="module")
def head() -> Iterator[Head]:
    environment = os.environ | {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "disabled",
        "RAY_CLIENT_RECONNECT_GRACE_PERIOD": "3",
        "GRPC_ENABLE_FORK_SUPPORT": "0",  # what the head forks for a client dies of it under load
        "PYTHONPATH": str(ROOT),  # a cluster imports what is installed on its machines
    }
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="qray", ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            [
                str(Path(sys.executable).with_name("ray")), "start", "--head", "--block",
                "--node-ip-address", "127.0.0.1", "--port", str(free_port()),
                "--ray-client-server-port", str(port), "--include-dashboard", "false",
                "--num-cpus", "2", "--temp-dir", folder, "--disable-usage-stats",
            ],
            env=environment, cwd=ROOT, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        started = Head(process, f"ray://127.0.0.1:{port}", environment)
        try:
            wait_until_it_listens(port)
            yield started
        finally:
            started.stop()


def wait_until_it_listens(port: int) -> None:
    until = time.monotonic() + 240
    while time.monotonic() < until:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError("the head did not start")


def mapped(head: Head, what: str, folder: Path) -> subprocess.Popen[str]:
    """Begin a map over the cluster that the environment names."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.runs.compute.cluster", what, str(folder)],
        env=head.environment | {"QUPEL_COMPUTE": head.address},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@needs_ray
def test_a_cluster_gives_the_same_bytes_and_its_loss_is_told(head: Head, tmp_path: Path) -> None:
    out, _ = mapped(head, "drawn", tmp_path).communicate(timeout=300)
    here = [cells.drawn(seed) for seed in range(300)]
    assert out == hashlib.sha256(pickle.dumps(here)).hexdigest()

    late = mapped(head, "marked", tmp_path)
    until = time.monotonic() + 240
    while not (tmp_path / "done").exists() and time.monotonic() < until:
        time.sleep(0.05)
    head.stop()
    out, _ = late.communicate(timeout=240)
    assert out.startswith("RunError: the Ray cluster ray://127.0.0.1:")
    assert "was lost" in out


class Reluctant(ModuleType):
    """Ray's module over a cluster that is reached, and begins nothing for its first clients."""

    def __init__(self, failures: int) -> None:
        super().__init__("ray")
        self.failures, self.asked = failures, 0

    def is_initialized(self) -> bool:
        return False

    def init(self, **_: object) -> None:
        self.asked += 1
        if self.asked <= self.failures:
            raise ConnectionAbortedError(
                "Initialization failure from server:\nTraceback (most recent call last):\n"
                '  File "proxier.py", line 768\nRuntimeError: Starting Ray client server failed.\n'
            )


def test_a_cluster_that_begins_nothing_for_us_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ray = Reluctant(2)
    monkeypatch.setitem(sys.modules, "ray", ray)
    assert Ray("auto")._ray() is ray
    assert ray.asked == 3


def test_a_cluster_that_never_begins_is_told_with_its_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ray = Reluctant(100)
    monkeypatch.setitem(sys.modules, "ray", ray)
    with pytest.raises(InputError, match="at auto: RuntimeError: Starting Ray client server fail"):
        Ray("auto").map(cells.square, [1])
    assert ray.asked == 3


@needs_ray
@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("ray://", "'ray://host:port', got 'ray://'"),
        ("ray://host:port", "got 'ray://host:port'"),
        ("10.0.0.1:6379", "got '10.0.0.1:6379'"),
        ("ray://127.0.0.1:1", "cannot be reached at ray://127.0.0.1:1: .*refused; name the client"),
        ("ray://nowhere.invalid:10001", "cannot be reached at ray://nowhere.invalid:10001"),
    ],
)
def test_an_address_that_cannot_be_used_is_told_at_once(address: str, said: str) -> None:
    began = time.monotonic()
    with pytest.raises(InputError, match=said):
        compute(address).map(cells.square, [1])
    assert time.monotonic() - began < 15


def test_without_ray_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"qupel\[ray\]"):
        compute("ray")
