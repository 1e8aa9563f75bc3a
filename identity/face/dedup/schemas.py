"""What officials send and get about a search over all citizens."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from identity.face.dedup.service import REASONS


class DedupForm(Schema):
    reason = fields.String(required=True, validate=validate.OneOf(REASONS))


class DedupJob(Schema):
    id = fields.String(metadata={"example": "dedup_01k9tq3v5e7m9x2c4b6n8p0r2s"})
    reason = fields.String()
    state = fields.String(validate=validate.OneOf(["requested", "approved", "running", "finished", "failed"]))
    searched = fields.Integer(metadata={"description": "How many templates were compared"})
    requested_at = fields.AwareDateTime(format="iso")
    approved_at = fields.AwareDateTime(format="iso", allow_none=True)
    finished_at = fields.AwareDateTime(format="iso", allow_none=True)


class DedupFinding(Schema):
    first = fields.Function(lambda pair: _subject(pair.first), metadata={"type": "string"})
    second = fields.Function(lambda pair: _subject(pair.second), metadata={"type": "string"})
    found_at = fields.AwareDateTime(format="iso")


def _subject(party: str) -> str:
    from app.guards import CORE_AUDIENCE
    from identity.parties.directory import directory

    return directory.subject_of(party, CORE_AUDIENCE)
