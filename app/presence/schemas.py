"""What terminals and citizens send and get."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.errors import language
from app.presence.errors import alternatives_to
from app.presence.models import PresenceProof, PresenceSession
from app.presence.reasons import reason

MAX_FRAME_BYTES = 2_000_000


class Picture(fields.Field[bytes]):
    """A JPEG or PNG in base64, held in memory only; errors never repeat it."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bytes:
        if not isinstance(value, str) or len(value) > MAX_FRAME_BYTES * 4 // 3 + 4:
            raise ValidationError(f"base64 of at most {MAX_FRAME_BYTES} bytes")
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise ValidationError("not base64") from None


def _method(held: Any) -> str | None:
    # A compiled write shows the row it wrote, the ordinary path the model.
    found: str | None = held["method"] if isinstance(held, Mapping) else held.method
    return found


class SessionForm(Schema):
    purpose = fields.String(
        required=True,
        validate=validate.Regexp(r"[a-z][a-z0-9_.:-]{2,79}\Z"),
        metadata={"example": "health:purchase", "description": "What the proof is for; it serves nothing else"},
    )
    ttl_seconds = fields.Integer(
        strict=True,
        load_default=60,
        validate=validate.Range(1, 60),
        metadata={"description": "How long the session takes evidence; a till in a hurry may ask for less"},
    )


class Session(Schema):
    id = fields.String(metadata={"example": "presence_01k9tq3v5e7m9x2c4b6n8p0r2s"})
    state = fields.String(attribute="status", validate=validate.OneOf(["open", "decided", "expired"]))
    purpose = fields.String()
    nonce = fields.String(metadata={"description": "Goes into the signed liveness statement"})
    decision = fields.String(allow_none=True)
    expires_at = fields.AwareDateTime(format="iso")
    alternatives = fields.Function(lambda held: alternatives_to(_method(held)), metadata={"type": "array"})


class Claim(Schema):
    phone_tail4 = fields.String(validate=validate.Regexp(r"[0-9]{4}\Z"), metadata={"example": "0042"})
    resident_id = fields.String(validate=validate.Regexp(r"[0-9]{17}[0-9Xx]\Z"))

    card_number = fields.String(
        validate=validate.Regexp(r"[0-9A-Za-z]{8,24}\Z"), metadata={"description": "For the method `card`"}
    )

    @validates_schema
    def _one(self, data: dict[str, Any], **_: Any) -> None:
        if len(data) != 1:
            raise ValidationError("give phone_tail4, resident_id or card_number")


_SHAPES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # Per method: the members it needs, and the claims it takes.
    "face": (("claim", "frames", "liveness"), ("phone_tail4", "resident_id")),
    "code": (("code",), ()),
    "card": (("claim",), ("card_number",)),
    "staff": (("claim",), ("resident_id",)),
}


class EvidenceForm(Schema):
    method = fields.String(required=True, validate=validate.Length(2, 20), metadata={"example": "face"})
    claim = fields.Nested(Claim)
    frames = fields.List(Picture(), validate=validate.Length(1, 3), metadata={"description": "1 to 3 pictures, base64"})
    liveness = fields.String(
        validate=validate.Length(max=4000),
        metadata={"description": "Compact JWS (ES256, typ suxin-liveness+jwt) by the terminal's key: nonce, session,"
                  " purpose, frames (SHA-256 of each picture, hex), level, camera"},
    )  # fmt: skip
    code = fields.String(
        validate=validate.Regexp(r"[0-9]{6,8}\Z"), metadata={"description": "For `code`; for `card` instead of a PIN"}
    )  # fmt: skip
    pin = fields.String(validate=validate.Regexp(r"[0-9]{6}\Z"), metadata={"description": "For the method `card`"})

    @validates_schema
    def _complete(self, data: dict[str, Any], **_: Any) -> None:
        needed, claims = _SHAPES.get(data.get("method", ""), ((), ()))
        missing = {name: ["needed for this method"] for name in needed if name not in data}
        if claims and "claim" in data and not set(data["claim"]) <= set(claims):
            missing["claim"] = [f"this method takes {' or '.join(claims)}"]
        if data.get("method") == "card" and ("pin" in data) == ("code" in data):
            missing["pin"] = ["give a PIN or a code"]
        if missing:
            raise ValidationError(missing)


class OwnSessionForm(Schema):
    purpose = fields.String(
        required=True,
        validate=validate.Regexp(r"[a-z][a-z0-9_.:-]{2,79}\Z"),
        metadata={"example": "identity:step-up", "description": "One of low value; no payment"},
    )


class OwnSession(Session):
    turns = fields.List(
        fields.String(),
        metadata={"description": "One picture for each: front, left, right, up or down, as the citizen sees it"},
    )


class OwnEvidenceForm(Schema):
    frames = fields.List(
        Picture(), required=True, validate=validate.Length(1, 4), metadata={"description": "One picture for each turn"}
    )


class Proof(Schema):
    id = fields.String(metadata={"example": "proof_01k9tq3v5e7m9x2c4b6n8p0r2s"})
    method = fields.String()
    level = fields.String(
        metadata={"description": "certified, simulated (demo world only), challenge (phones, low value only), code,"
                  " card_pin, card_code or staff"}
    )  # fmt: skip
    expires_at = fields.AwareDateTime(format="iso")


class Decision(Schema):
    session = fields.String()
    decision = fields.String(validate=validate.OneOf(["matched", "not_matched", "retry", "use_alternative"]))
    reason = fields.String(metadata={"description": "A stable word"})
    message = fields.String(metadata={"description": "The reason in the reader's language"})
    alternatives = fields.List(fields.String())
    proof = fields.Nested(Proof, allow_none=True)


class ConfirmationForm(Schema):
    digest = fields.String(
        required=True,
        validate=validate.Regexp(r"[0-9a-f]{64}\Z"),
        metadata={"description": "SHA-256 of what the customer confirmed, hex"},
    )
    method = fields.String(required=True, validate=validate.OneOf(["tap", "pin"]))


class Confirmation(Schema):
    proof = fields.String()
    digest = fields.String()
    confirmed_at = fields.AwareDateTime(format="iso")


class Code(Schema):
    code = fields.String(metadata={"example": "04618273"})
    expires_at = fields.AwareDateTime(format="iso")


def decision_of(opened: PresenceSession, proof: PresenceProof | None) -> dict[str, Any]:
    """Return a decided session as the terminal is told it: no score, no count, no person."""
    return {
        "session": opened.id,
        "decision": opened.decision,
        "reason": opened.reason,
        "message": reason(opened.reason or "").to(language()),
        "alternatives": alternatives_to(opened.method),
        "proof": proof,
    }
