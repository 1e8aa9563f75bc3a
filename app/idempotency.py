"""Idempotency keys: one intent, one effect, one answer, kept with the effect."""

from __future__ import annotations

import functools
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from flask import Response, current_app, request
from sqlalchemy import LargeBinary, SmallInteger, String, delete, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.crypto import derive
from app.db import Base, now, session
from app.errors import Conflict, InvalidRequest
from app.principal import principal
from app.text import Text

View = TypeVar("View", bound=Callable[..., Any])
HEADER = "Idempotency-Key"


class IdempotencyRecord(Base):
    """The answer to a key; the effect it belongs to is in the same transaction."""

    __tablename__ = "idempotency_record"

    scope: Mapped[str] = mapped_column(String(200), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int] = mapped_column(SmallInteger)
    headers: Mapped[dict[str, str]] = mapped_column(JSONB)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(default=now)


class IdempotencyKeyMissing(InvalidRequest):
    status = 400
    title = Text("缺少 Idempotency-Key", "The Idempotency-Key header is missing or malformed")
    next_step = Text(
        "请为每个意图生成一个键（1 至 255 个可见 ASCII 字符）", "Send one key per intent: 1 to 255 visible ASCII signs"
    )


class IdempotencyKeyReused(Conflict):
    title = Text("此键已用于另一请求", "This key was used for another request")
    next_step = Text("新的意图请使用新的键", "Use a new key for a new intent")


class StillRunning(Conflict):
    title = Text("同一请求仍在处理", "The same request is still running")
    next_step = Text("请在 Retry-After 之后以同一键重试", "Repeat it with the same key after Retry-After")


def key_of_request() -> str:
    """Return the request's key; raises `IdempotencyKeyMissing`."""
    key = request.headers.get(HEADER, "")
    if not 1 <= len(key) <= 255 or not key.isascii() or not key.isprintable() or " " in key:
        raise IdempotencyKeyMissing()
    return key


def request_hash() -> bytes:
    """Return the hash that tells whether two requests with one key are the same."""
    parts = (request.method.encode(), request.path.encode(), request.query_string, request.get_data(cache=True))
    return hashlib.sha256(b"\n".join(hashlib.sha256(part).digest() for part in parts)).digest()


def hold(scope: str, key: str) -> None:
    """Hold a key until the transaction ends; raises `StillRunning` when another one holds it."""
    number = int.from_bytes(hashlib.sha256(f"{scope}\n{key}".encode()).digest()[:8], "big", signed=True)
    if not session().scalar(text("SELECT pg_try_advisory_xact_lock(:n)"), {"n": number}):
        raise StillRunning(headers={"Retry-After": "1"})


def idempotent(view: View) -> View:
    """Answer the same key with the same answer; the first effect is the only one.

    Keys are private to the caller and the route, and are never pruned while
    the effect lives. For a view that waits for an outside party keep a state
    of its own instead: this holds the key for one transaction only.
    """

    @functools.wraps(view)
    def once(*args: Any, **kwargs: Any) -> Any:
        scope, key, wanted = _scope(), key_of_request(), request_hash()
        hold(scope, key)
        held = session().get(IdempotencyRecord, (scope, key))
        if held is not None:
            return _again(held, wanted)
        answer: Response = current_app.make_response(view(*args, **kwargs))
        if answer.status_code < 400:
            _keep(scope, key, wanted, answer)
        return answer

    once.__idempotent__ = True  # type: ignore[attr-defined]
    return once  # type: ignore[return-value]


def _scope() -> str:
    return f"{request.endpoint} {principal().actor}"[:200]


def _again(held: IdempotencyRecord, wanted: bytes) -> Response:
    if held.request_hash != wanted:
        raise IdempotencyKeyReused()
    return Response(held.body, status=held.status, headers={**held.headers, "Idempotent-Replayed": "true"})


def _keep(scope: str, key: str, wanted: bytes, answer: Response) -> None:
    kept = {name: answer.headers[name] for name in ("Content-Type", "Location", "ETag") if name in answer.headers}
    session().add(
        IdempotencyRecord(
            scope=scope, key=key, request_hash=wanted, status=answer.status_code, headers=kept, body=answer.get_data()
        )
    )


def derived_secret(purpose: str, *, size: int = 20) -> bytes:
    """Return secret bytes that are this caller's for this key and request, the same on every repetition.

    For a route whose answer is a secret: it must not lie in a kept answer, so
    it is made anew from the key instead. Raises `IdempotencyKeyMissing`.
    """
    parts = (purpose, _scope(), key_of_request(), request_hash().hex())
    return hmac.new(derive("idempotent-secret"), "\n".join(parts).encode(), hashlib.sha256).digest()[:size]


def forget(actor: str) -> None:
    """Delete every kept answer to an erased person: it may hold their data."""
    ended = IdempotencyRecord.scope.endswith(f" {actor}", autoescape=True)
    session().execute(delete(IdempotencyRecord).where(ended))
