"""Face: consents, data keys and sealed templates."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "identity_0002"
down_revision = "identity_0001"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "face_consent",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("person_id", sa.String(40), sa.ForeignKey("identity.person.id"), nullable=False),
        sa.Column("purpose", sa.String(40), nullable=False),
        sa.Column("version", sa.String(20), nullable=False),
        sa.Column("given_at", _TIME, nullable=False),
        sa.Column("withdrawn_at", _TIME),
        schema="identity",
    )
    op.create_index(
        "uq_face_consent_alive",
        "face_consent",
        ["person_id", "purpose"],
        unique=True,
        schema="identity",
        postgresql_where=sa.text("withdrawn_at is null"),
    )
    op.create_table(
        "face_key",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("person_id", sa.String(40), nullable=False),
        sa.Column("wrapped", sa.LargeBinary),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("shredded_at", _TIME),
        sa.CheckConstraint("(wrapped is null) = (shredded_at is not null)", name=op.f("ck_face_key_shredded")),
        schema="identity",
    )
    op.create_index(op.f("ix_face_key_person_id"), "face_key", ["person_id"], schema="identity")
    _template()


def _template() -> None:
    op.create_table(
        "face_template",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("person_id", sa.String(40), sa.ForeignKey("identity.person.id"), nullable=False, unique=True),
        sa.Column("consent_id", sa.String(40), sa.ForeignKey("identity.face_consent.id"), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("model", sa.String(60), nullable=False),
        sa.Column("rotation", sa.String(20), nullable=False),
        sa.Column("key_id", sa.String(40), sa.ForeignKey("identity.face_key.id"), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("photographs", sa.SmallInteger, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        schema="identity",
    )
    op.create_index(op.f("ix_face_template_consent_id"), "face_template", ["consent_id"], schema="identity")


def downgrade() -> None:
    op.drop_table("face_template", schema="identity")
    op.drop_table("face_key", schema="identity")
    op.drop_table("face_consent", schema="identity")
