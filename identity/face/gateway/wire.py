"""What goes to a face gateway and comes back; its answers are believed only when they fit the question."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import httpx
import orjson

Result = Literal["same", "different", "poor", "unknown_person"]
RESULTS = ("same", "different", "poor", "unknown_person")
_MAX_ANSWER = 64_000


class Away(Exception):
    """The gateway did not answer in time, or not in a way that can be believed; `why` is a stable word."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Is the person in these pictures the one with this number?"""

    request: str
    purpose: str
    level: str
    resident_id: str = field(repr=False)
    frames: Sequence[bytes] = field(repr=False)

    def body(self) -> bytes:
        """Return the question as JSON."""
        return orjson.dumps({
            "request": self.request, "purpose": self.purpose, "liveness": self.level,
            "id_number": self.resident_id, "frames": [base64.b64encode(frame).decode() for frame in self.frames],
        })  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """A gateway's answer: its result, and the name under which it keeps the transaction."""

    result: Result
    reference: str


class Gateway:
    """Asks an address `http(s)://…`, or a unix socket's path."""

    def __init__(self, address: str, *, wait_seconds: float) -> None:
        by_url = address.startswith(("http://", "https://"))
        self._client = httpx.Client(
            base_url=address if by_url else "http://gateway",
            transport=None if by_url else httpx.HTTPTransport(uds=address),
            trust_env=False,
            timeout=httpx.Timeout(wait_seconds, connect=min(wait_seconds, 1.0)),
        )

    def close(self) -> None:
        """Close pooled connections."""
        self._client.close()

    def ping(self) -> None:
        """Raise `Away` unless the gateway answers."""
        self._send("GET", "/", None)

    def ask(self, question: Question) -> Said:
        """Return the answer; raises `Away`. Nothing is asked twice: the pictures would travel twice."""
        return _read(self._send("POST", "/verifications", question.body()), question.request)

    def _send(self, method: str, path: str, content: bytes | None) -> bytes:
        try:
            answer = self._client.request(method, path, content=content, headers={"Content-Type": "application/json"})
        except httpx.TransportError as failure:
            raise Away("time_out" if isinstance(failure, httpx.TimeoutException) else "no_connection") from None
        if answer.status_code != 200 or len(answer.content) > _MAX_ANSWER:
            raise Away(f"http_{answer.status_code}")
        return answer.content


def _read(content: bytes, request: str) -> Said:
    try:
        said = orjson.loads(content)
        result, reference = said["result"], said["reference"]
    except (ValueError, KeyError, TypeError):
        raise Away("unreadable") from None
    if said.get("request") != request:
        raise Away("other_request")
    if result not in RESULTS or not isinstance(reference, str) or not 1 <= len(reference) <= 80:
        raise Away("unreadable")
    return Said(result, reference)
