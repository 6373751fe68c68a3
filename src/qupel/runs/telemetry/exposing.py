"""The metrics over HTTP, and as text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from qupel.errors import InputError
from qupel.runs.database import Database
from qupel.runs.telemetry.metrics import Metrics


def exposition(database: Database) -> str:
    """All metrics in Prometheus' text format."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    registry.register(Metrics(database))
    return generate_latest(registry).decode()


def document(database: Database) -> dict[str, Any]:
    """All metrics as plain JSON values: name, type and meaning of each, and its samples."""
    return {
        "metrics": [
            {
                "name": family.name,
                "type": family.type,
                "help": family.documentation,
                "samples": [
                    {"name": sample.name, "labels": dict(sample.labels), "value": sample.value}
                    for sample in family.samples
                ],
            }
            for family in Metrics(database).collect()
        ]
    }


@contextmanager
def exposed(database: Database, port: int, host: str = "127.0.0.1") -> Iterator[int]:
    """Serve ``/metrics`` in the background; yields the port.

    Parameters
    ----------
    port
        0 for any free one.
    host
        Address to listen on; others than this machine's own need a reason.

    Raises
    ------
    InputError
        If the port is taken.
    """
    from prometheus_client import CollectorRegistry, start_http_server

    registry = CollectorRegistry()
    registry.register(Metrics(database))
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise InputError(f"port {port} on {host} cannot be used: {error.strerror}") from error
    try:
        yield int(server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
