"""A bare HTTP/1.1 client connection: little CPU of its own, so that the server is what is measured."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """Where a server listens."""

    port: int
    host: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body of one answer."""

    status: int
    body: bytes


def request_bytes(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """Return one request as it goes over the wire."""
    said = {"Host": "127.0.0.1", **headers}
    if body:
        said["Content-Length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in said.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


class Connection(asyncio.Protocol):
    """One kept-alive connection with one request under way at a time."""

    def __init__(self) -> None:
        self._buffer = b""
        self._waiting: asyncio.Future[Answer] | None = None
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, target: Target) -> Connection:
        """Connect to a server."""
        _, made = await asyncio.get_running_loop().create_connection(cls, target.host, target.port)
        return made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionError("closed by the server"))

    @property
    def alive(self) -> bool:
        """Whether another request can be sent here."""
        return self._transport is not None

    async def send(self, request: bytes) -> Answer:
        """Send a request and wait for its whole answer."""
        if self._transport is None:
            raise ConnectionError("closed by the server")
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    def close(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = _length(head)
        if length is None:
            self.close()
            return
        if len(rest) >= length and self._waiting is not None and not self._waiting.done():
            self._buffer = rest[length:]
            self._waiting.set_result(Answer(int(head[9:12]), rest[:length]))


def _length(head: bytes) -> int | None:
    lowered = head.lower()
    at = lowered.find(b"\r\ncontent-length:")
    if at < 0:
        return 0 if lowered[9:12] in (b"204", b"304") else None
    return int(lowered[at + 17 :].split(b"\r\n", 1)[0])
