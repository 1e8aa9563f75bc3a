"""Idempotency keys: one intent, one effect, one answer, kept with the effect."""

from __future__ import annotations

import functools
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from flask import Response, current_app, request
from sqlalchemy import LargeBinary, SmallInteger, String, delete, or_, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.crypto import derive
from app.db import Base, now, session
from app.errors import Conflict, InvalidRequest
from app.principal import Principal, principal
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
    """Return the request's key; raises `IdempotencyKeyMissing`.

    Only a view that says so (`keyed`, `idempotent`, `idempotent_when_asked`)
    may ask: else its description would not name the header.
    """
    if need_of(current_app.view_functions[request.endpoint or ""], request.method) is None:
        raise RuntimeError(f"{request.endpoint} reads {HEADER} and does not declare it: put @keyed below @require")
    key = request.headers.get(HEADER, "")
    if not usable(key):
        raise IdempotencyKeyMissing()
    return key


def usable(key: str) -> bool:
    """Tell whether a key has the shape of one: 1 to 255 visible ASCII signs."""
    return 1 <= len(key) <= 255 and key.isascii() and key.isprintable() and " " not in key


class Need(StrEnum):
    """Whether a route's caller must send a key."""

    REQUIRED = "required"
    OPTIONAL = "optional"


def keyed(view: View) -> View:
    """Declare a view that takes a key and keeps it with a state of its own (`key_of_request`)."""
    view.__idempotency__ = Need.REQUIRED  # type: ignore[attr-defined]
    return view


def need_of(view: Any, method: str) -> Need | None:
    """Return whether a view takes a key for an HTTP method, and must have it; None where it takes none."""
    target = getattr(view, "view_class", None)
    handler = getattr(target, method.lower(), None) if target is not None else view
    found = getattr(handler, "__idempotency__", None)
    return found if isinstance(found, Need) else None


def request_hash() -> bytes:
    """Return the hash that tells whether two requests with one key are the same."""
    parts = (request.method.encode(), request.path.encode(), request.query_string, request.get_data(cache=True))
    return hashlib.sha256(b"\n".join(hashlib.sha256(part).digest() for part in parts)).digest()


def lock_number(scope: str, key: str) -> int:
    """Return the advisory lock that stands for a key."""
    return int.from_bytes(hashlib.sha256(f"{scope}\n{key}".encode()).digest()[:8], "big", signed=True)


def hold(scope: str, key: str) -> None:
    """Hold a key until the transaction ends; raises `StillRunning` when another one holds it."""
    if not session().scalar(text("SELECT pg_try_advisory_xact_lock(:n)"), {"n": lock_number(scope, key)}):
        raise StillRunning(headers={"Retry-After": "1"})


def idempotent(view: View) -> View:
    """Answer the same key with the same answer; the first effect is the only one.

    Keys are private to the caller and the route, and are never pruned while
    the effect lives. For a view that waits for an outside party keep a state
    of its own instead (`keyed`): this holds the key for one transaction only.
    """
    return _once(view, Need.REQUIRED)


def idempotent_when_asked(view: View) -> View:
    """Be `idempotent` for a caller who sends a key; without one every call has its own effect."""
    return _once(view, Need.OPTIONAL)


def _once(view: View, need: Need) -> View:
    @functools.wraps(view)
    def once(*args: Any, **kwargs: Any) -> Any:
        if need is Need.OPTIONAL and HEADER not in request.headers:
            return view(*args, **kwargs)
        scope, key, wanted = scope_of(request.endpoint or "", principal()), key_of_request(), request_hash()
        hold(scope, key)
        held = session().get(IdempotencyRecord, (scope, key))
        if held is not None:
            return _again(held, wanted)
        answer: Response = current_app.make_response(view(*args, **kwargs))
        if answer.status_code < 400:
            _keep(scope, key, wanted, answer)
        return answer

    once.__idempotency__ = need  # type: ignore[attr-defined]
    return once  # type: ignore[return-value]


def scope_of(endpoint: str, who: Principal) -> str:
    """Return where a caller's keys live: what a guardian does for one child must not answer for the other."""
    return f"{endpoint} {who.actor}{f' for {who.acting_for}' if who.acting_for else ''}"[:200]


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
    parts = (purpose, scope_of(request.endpoint or "", principal()), key_of_request(), request_hash().hex())
    return hmac.new(derive("idempotent-secret"), "\n".join(parts).encode(), hashlib.sha256).digest()[:size]


def forget(actor: str) -> None:
    """Delete every kept answer to an erased person: it may hold their data."""
    own = IdempotencyRecord.scope.endswith(f" {actor}", autoescape=True)
    for_others = IdempotencyRecord.scope.contains(f" {actor} for ", autoescape=True)
    session().execute(delete(IdempotencyRecord).where(or_(own, for_others)))
