"""Log-in with outside providers: which outside account opens which account here."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "identity_0008"
down_revision = "identity_0007"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "provider_link",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("provider", sa.String(32), nullable=False),
        sa.Column("subject_index", sa.LargeBinary()),
        sa.Column("account_id", sa.String(40), sa.ForeignKey("identity.account.id"), nullable=False),
        sa.Column("made_at", _TIME, nullable=False),
        sa.Column("used_at", _TIME),
        sa.Column("ended_at", _TIME),
        sa.UniqueConstraint("provider", "account_id", name=op.f("uq_provider_link_provider_account_id")),
        sa.UniqueConstraint("provider", "subject_index", name=op.f("uq_provider_link_provider_subject_index")),
        schema="identity",
    )
    op.create_index(op.f("ix_provider_link_account_id"), "provider_link", ["account_id"], schema="identity")


def downgrade() -> None:
    op.drop_table("provider_link", schema="identity")
