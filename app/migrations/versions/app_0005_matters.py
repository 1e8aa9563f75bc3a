"""The service catalogue.

Revision ID: app_0005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "app_0005"
down_revision = "app_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "category",
        sa.Column("code", sa.String(40), primary_key=True),
        sa.Column("title_zh", sa.String(100), nullable=False),
        sa.Column("title_en", sa.String(200), nullable=False),
        schema="app",
    )
    op.create_table(
        "matter",
        sa.Column("code", sa.String(60), primary_key=True),
        sa.Column("category", sa.String(40), sa.ForeignKey("app.category.code"), nullable=False),
        sa.Column("title_zh", sa.String(200), nullable=False),
        sa.Column("title_en", sa.String(300), nullable=False),
        sa.Column("owner", sa.String(100), nullable=False),
        sa.Column("area", sa.String(12), nullable=False),
        sa.Column("statutory_days", sa.SmallInteger),
        sa.Column("promised_days", sa.SmallInteger),
        sa.Column("materials", postgresql.JSONB, nullable=False),
        sa.Column("channels", postgresql.JSONB, nullable=False),
        sa.Column("source", sa.String(300), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        schema="app",
    )
    op.create_index("ix_matter_category", "matter", ["category", "code"], schema="app")


def downgrade() -> None:
    """Drop the tables; they are loaded again from declarations."""
    op.drop_table("matter", schema="app")
    op.drop_table("category", schema="app")
