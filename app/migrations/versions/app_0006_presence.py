"""Presence: sessions that a phone opens for its owner, and the head turns such a session asks for.

Revision ID: app_0006
"""

import sqlalchemy as sa
from alembic import op

revision = "app_0006"
down_revision = "app_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the owner of a phone's session and its challenge."""
    op.add_column("presence_session", sa.Column("party", sa.String(40)), schema="app")
    op.add_column("presence_session", sa.Column("challenge", sa.String(60)), schema="app")


def downgrade() -> None:
    """Drop both; sessions live a minute."""
    op.drop_column("presence_session", "challenge", schema="app")
    op.drop_column("presence_session", "party", schema="app")
