"""The spool: what could not be written to the database, in a file of this machine until it can.

One JSON document a line, each with a checksum. A line is on the disk before `append` returns. A
torn line, left by a full disk or a machine that lost its power, is passed over and counted.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qupel.errors import RunError

#: Seconds to wait for another process that has the file.
PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Spool:
    """A file that only grows, until all of it was taken over.

    Attributes
    ----------
    path
        The file; its folder is made.
    """

    path: Path

    def append(self, document: Mapping[str, Any]) -> None:
        """Add a document; it is on the disk when this returns.

        Raises
        ------
        RunError
            If the disk is full or the file cannot be written.
        """
        body = json.dumps(document, allow_nan=False, separators=(",", ":"))
        line = f"{zlib.crc32(body.encode()):08x} {body}\n".encode()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._locked() as file:
                # What a torn line left is ended, so that it spoils no other one.
                whole = line if not _is_torn(file) else b"\n" + line
                if os.write(file, whole) != len(whole):
                    raise OSError("the disk is full")
                os.fsync(file)
        except OSError as error:
            raise RunError(f"{self.path}: cannot be written: {error}") from error

    def documents(self) -> list[dict[str, Any]]:
        """Every whole document, the oldest first."""
        try:
            lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        return [document for line in lines if (document := _read(line)) is not None]

    def take_over(self, keep: Callable[[dict[str, Any]], Any]) -> int:
        """Hand every document to ``keep``, then empty the file; return how many there were.

        Whatever stops it leaves the file as it was, so ``keep`` must bear being given a document
        twice.
        """
        if not self.path.exists():
            return 0
        try:
            with self._locked() as file:
                documents = self.documents()
                for document in documents:
                    keep(document)
                os.ftruncate(file, 0)
                os.fsync(file)
        except OSError as error:
            raise RunError(f"{self.path}: cannot be taken over: {error}") from error
        return len(documents)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            until = time.monotonic() + PATIENCE
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > until:
                        raise OSError(f"another process held it for {PATIENCE:g} s") from None
                    time.sleep(0.005)
            yield file
        finally:
            os.close(file)


def _is_torn(file: int) -> bool:
    size = os.fstat(file).st_size
    return size > 0 and os.pread(file, 1, size - 1) != b"\n"


def _read(line: bytes) -> dict[str, Any] | None:
    checksum, _, body = line.partition(b" ")
    try:
        if int(checksum, 16) != zlib.crc32(body):
            return None
        document = json.loads(body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
