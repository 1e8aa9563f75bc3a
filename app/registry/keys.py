"""The Idempotency-Key header, as the OpenAPI documents say it: read off each route's own declaration."""

from __future__ import annotations

from typing import Any

from app.idempotency import HEADER, Need, need_of

_SCHEMA = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
_SAID = {
    Need.REQUIRED: "One key per intent: the same key and request get the same answer and one effect; the key with"
    " another request is refused with 409, and so is one under way (with Retry-After).",
    Need.OPTIONAL: "Send one, and a repeated request gets the first answer instead of a second effect.",
}


def declare_key(view: Any, operations: dict[str, Any]) -> None:
    """Add the header to each operation of a view that takes a key."""
    for method, operation in operations.items():
        need = need_of(view, method.upper())
        if need is not None:
            operation.setdefault("parameters", []).append(_parameter(need))


def _parameter(need: Need) -> dict[str, Any]:
    return {
        "in": "header", "name": HEADER, "required": need is Need.REQUIRED, "description": _SAID[need],
        "schema": _SCHEMA, "example": "till3-20260731-000017",
    }  # fmt: skip
