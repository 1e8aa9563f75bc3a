"""What a citizen sends and gets about the own face."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from app.presence.schemas import Picture
from identity.face.notice import PRESENCE, PURPOSES
from identity.face.service import NOTICE_VERSION


class Notice(Schema):
    purpose = fields.String()
    version = fields.String()
    zh = fields.String(metadata={"description": "The notice in Chinese, which binds"})
    en = fields.String()
    digest = fields.String(metadata={"description": "SHA-256 of the texts; a consent keeps it"})


class ConsentForm(Schema):
    purpose = fields.String(
        load_default=PRESENCE,
        validate=validate.OneOf(PURPOSES),
        metadata={"description": "presence: compared within the city; presence-gateway: by the appointed gateway"},
    )
    version = fields.String(
        required=True,
        validate=validate.Equal(NOTICE_VERSION),
        metadata={"example": NOTICE_VERSION, "description": "The wording of the notice the citizen agreed to"},
    )


class Consent(Schema):
    id = fields.String(metadata={"example": "consent_01k9tq3v5e7m9x2c4b6n8p0r2s"})
    purpose = fields.String()
    version = fields.String()
    notice_sha256 = fields.String()
    given_at = fields.AwareDateTime(format="iso")
    expires_at = fields.AwareDateTime(format="iso")
    withdrawn_at = fields.AwareDateTime(format="iso", allow_none=True)


class EnrolmentForm(Schema):
    consent = fields.String(required=True, validate=validate.Length(1, 40))
    photographs = fields.List(
        Picture(),
        required=True,
        validate=validate.Length(1, 3),
        metadata={"description": "1 to 3 portraits (JPEG or PNG, base64); used in memory and not kept"},
    )


class Enrolment(Schema):
    id = fields.String(metadata={"example": "face_01k9tq3v5e7m9x2c4b6n8p0r2s"})
    version = fields.Integer()
    model = fields.String()
    photographs = fields.Integer()
    created_at = fields.AwareDateTime(format="iso")
