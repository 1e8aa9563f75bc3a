"""Grants say which window official opened the log-in they come from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "identity_0010"
down_revision = "identity_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("authorization_grant", sa.Column("assisted_by", sa.String(40)), schema="identity")


def downgrade() -> None:
    op.drop_column("authorization_grant", "assisted_by", schema="identity")
