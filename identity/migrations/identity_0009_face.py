"""Face: notice and expiry of consents, calibration, rotations, de-duplication; cards and attestations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "identity_0009"
down_revision = "identity_0008"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add what the law and the operator ask of the face, and two more ways to prove presence."""
    _consent()
    _calibration()
    _dedup()
    _cards()


def _consent() -> None:
    for name, kind in (("notice_sha256", sa.String(64)), ("given_by", sa.String(80)), ("expires_at", _TIME)):
        op.add_column("face_consent", sa.Column(name, kind), schema="identity")
    # Consents given before kept no digest; who gave them was the person alone.
    op.execute(
        "update identity.face_consent set notice_sha256 = '', given_by = person_id,"
        " expires_at = given_at + interval '730 days'"
    )
    for name in ("notice_sha256", "given_by", "expires_at"):
        op.alter_column("face_consent", name, nullable=False, schema="identity")
    op.create_index(op.f("ix_face_consent_expires_at"), "face_consent", ["expires_at"], schema="identity")


def _calibration() -> None:
    op.create_table(
        "face_calibration",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("model", sa.String(60), nullable=False),
        sa.Column("set_hash", sa.String(64), nullable=False),
        sa.Column("photographs", sa.Integer, nullable=False),
        sa.Column("assessment", sa.String(80), nullable=False),
        *(
            sa.Column(name, sa.Float, nullable=False)
            for name in ("target_fmr", "one_to_one", "shortlist", "margin", "averaged")
        ),
        sa.Column("measured", postgresql.JSONB, nullable=False),
        sa.Column("recorded_at", _TIME, nullable=False),
        schema="identity",
    )
    op.create_index(op.f("ix_face_calibration_model"), "face_calibration", ["model"], schema="identity")
    op.create_table(
        "face_rotation",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("name", sa.String(20), nullable=False, unique=True),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("finished_at", _TIME),
        sa.CheckConstraint("kind in ('basis', 'keys')", name=op.f("ck_face_rotation_kind")),
        schema="identity",
    )
    op.execute("insert into identity.face_rotation values ('rotation_first', 'basis', 'r1', now(), now())")


def _dedup() -> None:
    op.create_table(
        "face_dedup_job",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("requested_by", sa.String(80), nullable=False),
        sa.Column("approved_by", sa.String(80)),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("searched", sa.Integer, nullable=False),
        sa.Column("requested_at", _TIME, nullable=False),
        sa.Column("approved_at", _TIME),
        sa.Column("finished_at", _TIME),
        sa.CheckConstraint(
            "state in ('requested', 'approved', 'running', 'finished', 'failed')",
            name=op.f("ck_face_dedup_job_state"),
        ),
        sa.CheckConstraint("approved_by <> requested_by", name=op.f("ck_face_dedup_job_two_persons")),
        sa.CheckConstraint("state = 'requested' or approved_by is not null", name=op.f("ck_face_dedup_job_approved")),
        schema="identity",
    )
    op.create_table(
        "face_dedup_finding",
        sa.Column("job_id", sa.String(40), sa.ForeignKey("identity.face_dedup_job.id"), primary_key=True),
        sa.Column("first", sa.String(40), primary_key=True),
        sa.Column("second", sa.String(40), primary_key=True),
        sa.Column("found_at", _TIME, nullable=False),
        sa.CheckConstraint("first < second", name=op.f("ck_face_dedup_finding_order")),
        schema="identity",
    )
    for side in ("first", "second"):
        op.create_index(op.f(f"ix_face_dedup_finding_{side}"), "face_dedup_finding", [side], schema="identity")


def _cards() -> None:
    op.create_table(
        "presence_card",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("person_id", sa.String(40), sa.ForeignKey("identity.person.id"), nullable=False),
        sa.Column("number_index", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("number_sealed", sa.LargeBinary, nullable=False),
        sa.Column("pin", sa.String(200)),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("issued_at", _TIME, nullable=False),
        sa.Column("changed_at", _TIME, nullable=False),
        sa.CheckConstraint("state in ('active', 'blocked')", name=op.f("ck_presence_card_state")),
        schema="identity",
    )
    op.create_index(op.f("ix_presence_card_person_id"), "presence_card", ["person_id"], schema="identity")
    op.create_table(
        "presence_attestation",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("claim_index", sa.LargeBinary, nullable=False),
        sa.Column("terminal", sa.String(80), nullable=False),
        sa.Column("purpose", sa.String(80), nullable=False),
        sa.Column("official", sa.String(80), nullable=False),
        sa.Column("document", sa.String(20), nullable=False),
        sa.Column("made_at", _TIME, nullable=False),
        sa.Column("consumed_at", _TIME),
        schema="identity",
    )
    op.create_index(
        "ix_presence_attestation_claim", "presence_attestation", ["claim_index", "terminal"], schema="identity"
    )
    op.create_index(op.f("ix_presence_attestation_made_at"), "presence_attestation", ["made_at"], schema="identity")


def downgrade() -> None:
    """Drop it all; templates in another basis than the first can then not be compared and go, too."""
    op.execute("delete from identity.face_template where rotation <> 'r1'")
    for table in (
        "presence_attestation", "presence_card", "face_dedup_finding", "face_dedup_job", "face_rotation",
        "face_calibration",
    ):  # fmt: skip
        op.drop_table(table, schema="identity")
    op.drop_index(op.f("ix_face_consent_expires_at"), "face_consent", schema="identity")
    for name in ("expires_at", "given_by", "notice_sha256"):
        op.drop_column("face_consent", name, schema="identity")
