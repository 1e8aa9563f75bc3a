"""Messages to citizens.

Revision ID: app_0003
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "app_0003"
down_revision = "app_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "notice",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("party", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(80), nullable=False),
        sa.Column("reference", sa.String(80), nullable=False),
        sa.Column("arguments", postgresql.JSONB, nullable=False),
        sa.Column("link", sa.String(300)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("party", "kind", "reference", name="uq_notice_party_kind_reference"),
        schema="app",
    )
    op.create_index("ix_notice_party", "notice", ["party", "created_at", "id"], schema="app")


def downgrade() -> None:
    """Drop the table; messages are lost."""
    op.drop_table("notice", schema="app")
