"""A PostgreSQL server of the tests' own, on a free port, ended by what started it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def programs() -> Path | None:
    """Folder of initdb and postgres; None if PostgreSQL is not installed here."""
    if (found := shutil.which("initdb")) is not None:
        folder = Path(found).resolve().parent
        if (folder / "postgres").exists():
            return folder
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return folders[-1] if folders else None


def why_not() -> str:
    """Why no server can be started here; empty if one can."""
    if programs() is None:
        return "PostgreSQL's initdb is neither on PATH nor under /usr/lib/postgresql"
    if os.geteuid() == 0 and _user() is None:
        return "PostgreSQL does not run as root, and there is no other user to run it as"
    return ""


@contextmanager
def server() -> Iterator[str]:
    """URL of an empty server; it keeps nothing, and waits for no disk."""
    folder = Path(tempfile.mkdtemp(prefix="qupel-postgres-"))
    user = _user() if os.geteuid() == 0 else None
    account = {} if user is None else {"user": user, "group": pwd.getpwnam(user).pw_gid}
    if user is not None:
        shutil.chown(folder, user)
    bin_folder = programs()
    assert bin_folder is not None
    data = folder / "data"
    initdb = [bin_folder / "initdb", "-D", data, "-U", "qupel", "-A", "trust", "-N", "-E", "UTF8"]
    quiet = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
    subprocess.run(list(map(str, initdb)), check=True, **quiet, **account)  # type: ignore[call-overload]
    try:
        for _ in range(5):  # somebody may take a port that was free
            port = _free_port()
            command = [bin_folder / "postgres", "-D", data, "-p", port, "-k", folder, "-F"]
            command += ["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=100"]
            running = subprocess.Popen(list(map(str, command)), **quiet, **account)  # type: ignore[call-overload]
            if _is_ready(running, bin_folder / "pg_isready", folder, port):
                break
        assert running.poll() is None, "PostgreSQL did not start"
        yield f"postgresql+psycopg://qupel@127.0.0.1:{port}/postgres"
    finally:
        running.send_signal(signal.SIGINT)  # at once, whoever is connected
        running.wait(240)
        shutil.rmtree(folder, ignore_errors=True)


def _is_ready(running: subprocess.Popen[bytes], asks: Path, folder: Path, port: int) -> bool:
    """Wait until a server answers at its own socket; False if it ended instead."""
    ask = [str(asks), "-q", "-h", str(folder), "-p", str(port), "-U", "qupel"]
    until = time.monotonic() + 240
    while running.poll() is None and time.monotonic() < until:
        if subprocess.run(ask, check=False).returncode == 0:
            return True
        time.sleep(0.1)
    return False


def _user() -> str | None:
    """Somebody other than root."""
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in known), None)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
