"""The emulator on a loopback port: every fault of `Answer` done to a real connection."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from qupel.backends.emulator.hooks import Answer
from qupel.backends.emulator.http1 import MOST_HEAD, BadRequest, head_of, read_request
from qupel.backends.emulator.site import Site
from qupel.backends.transport import Reply

#: Blanks sent at once where a reply is padded.
_BLANKS = b" " * (1 << 16)


@dataclass(slots=True, eq=False)
class Server:
    """Serves a site on 127.0.0.1.

    Attributes
    ----------
    site
        Answers.
    port
        Where it listens; 0 takes a free one.
    """

    site: Site
    port: int = 0
    _server: asyncio.Server | None = field(default=None, init=False)
    _open: set[asyncio.Task[None]] = field(default_factory=set, init=False)

    async def start(self) -> None:
        """Listen; ``port`` is the true one from then on."""
        self._server = await asyncio.start_server(
            self._connected, "127.0.0.1", self.port, limit=MOST_HEAD
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self.port}"

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # a coroutine runs in a task
        self._open.add(task)
        try:
            await self._serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                received = await read_request(reader)
            except BadRequest as bad:
                await self._send(writer, Answer(Reply(bad.status)), stays=False)
                return
            if received is None:
                return
            # Running a job may take long, and others are to be served meanwhile.
            if "/result" in received.request.path:
                answer = await asyncio.to_thread(self.site.handle, received.request)
            else:
                answer = self.site.handle(received.request)
            if not await self._deliver(reader, writer, answer, stays=received.stays):
                return

    async def _deliver(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        answer: Answer,
        *,
        stays: bool,
    ) -> bool:
        """Send a reply, or do to it what its answer says; whether the connection goes on."""
        if answer.lost == "silence":
            await reader.read()  # until whoever waits gives up
            return False
        if answer.lost:
            _reset(writer)
            return False
        if answer.delay:
            await self.site.provider.clock.pause(answer.delay)
        if answer.cut is not None:
            writer.write(head_of(answer.reply, padding=answer.padding, stays=False))
            writer.write(answer.reply.body[: answer.cut])
            await writer.drain()
            _reset(writer)
            return False
        await self._send(writer, answer, stays=stays)
        return stays

    async def _send(self, writer: asyncio.StreamWriter, answer: Answer, *, stays: bool) -> None:
        head = head_of(answer.reply, padding=answer.padding, stays=stays)
        writer.write(head + answer.reply.body)
        for begun in range(0, answer.padding, len(_BLANKS)):
            writer.write(_BLANKS[: answer.padding - begun])
            await writer.drain()
        await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection so that the other side meets an error, not an end."""
    held = writer.get_extra_info("socket")
    if held is not None:
        linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"  # on, for no time: RST in place of FIN
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


@contextlib.contextmanager
def serving(site: Site, port: int = 0) -> Iterator[str]:
    """Serve a site from a thread of this process, and give its URL."""
    server = Server(site, port)
    started = threading.Event()
    failed: list[BaseException] = []
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def live() -> None:
        try:
            await server.start()
        except OSError as error:
            failed.append(error)
            return
        finally:
            started.set()
        await over.wait()
        await server.stop()

    def run() -> None:
        with contextlib.closing(loop):
            loop.run_until_complete(live())
            loop.run_until_complete(loop.shutdown_default_executor())

    thread = threading.Thread(target=run, name="qupel-emulator", daemon=True)
    thread.start()
    started.wait()
    if failed:
        thread.join()
        raise failed[0]
    try:
        yield server.url
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
