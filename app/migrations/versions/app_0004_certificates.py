"""Certificates.

Revision ID: app_0004
"""

import sqlalchemy as sa
from alembic import op

revision = "app_0004"
down_revision = "app_0003"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "certificate",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("type", sa.String(80), nullable=False),
        sa.Column("holder", sa.String(40), nullable=False),
        sa.Column("source", sa.String(120), nullable=False),
        sa.Column("version", sa.SmallInteger, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("claims_sealed", sa.LargeBinary, nullable=False),
        sa.Column("claims_hash", sa.LargeBinary, nullable=False),
        sa.Column("signature", sa.Text, nullable=False),
        sa.Column("issued_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("state_changed_at", TIME, nullable=False),
        sa.UniqueConstraint("type", "source", name="uq_certificate_type_source"),
        sa.CheckConstraint("state IN ('valid', 'suspended', 'revoked')", name="ck_certificate_state"),
        schema="app",
    )
    op.create_index("ix_certificate_holder", "certificate", ["holder", "issued_at", "id"], schema="app")


def downgrade() -> None:
    """Drop the table; certificates are lost."""
    op.drop_table("certificate", schema="app")
